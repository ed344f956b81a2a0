import { EtlError } from '@agent-etl/contracts';
import { z } from 'zod';

/** How a file is read, fixed when it was profiled: reading never guesses. Travels as text in a profile and in a plan. */
const Columns = z.array(z.tuple([z.string(), z.string()])).min(1);
const CsvOptions = z.object({
  format: z.literal('csv'), delim: z.string().length(1), quote: z.string().max(1), escape: z.string().max(1), header: z.enum(['true', 'false']),
  compression: z.enum(['none', 'gzip']), columns: z.string(),
});
const ParquetOptions = z.object({ format: z.literal('parquet'), columns: z.string() });
const FileOptions = z.discriminatedUnion('format', [CsvOptions, ParquetOptions]);

/** Name and DuckDB type of a column, in file order. */
export interface FileColumn { readonly name: string; readonly duckType: string }
export interface CsvDialect { readonly delim: string; readonly quote: string; readonly escape: string; readonly header: 'true' | 'false'; readonly compression: 'none' | 'gzip' }
export type ReadPlan = { readonly columns: readonly FileColumn[] } & ({ readonly format: 'parquet' } | { readonly format: 'csv'; readonly dialect: CsvDialect });

export function toOptions(plan: ReadPlan): Record<string, string> {
  const columns = JSON.stringify(plan.columns.map(({ name, duckType }) => [name, duckType]));
  return plan.format === 'csv' ? { format: 'csv', ...plan.dialect, columns } : { format: 'parquet', columns };
}

/** @throws EtlError `plan.stale` when a plan holds options that this release cannot read */
export function fromOptions(options: Readonly<Record<string, string>>): ReadPlan {
  const parsed = FileOptions.safeParse(options);
  const columns = parsed.success ? Columns.safeParse(jsonOf(parsed.data.columns)) : null;
  if (!parsed.success || !columns?.success) throw new EtlError('plan.stale');
  const list = columns.data.map(([name, duckType]) => ({ name, duckType }));
  if (parsed.data.format === 'parquet') return { format: 'parquet', columns: list };
  const { delim, quote, escape, header, compression } = parsed.data;
  return { format: 'csv', columns: list, dialect: { delim, quote, escape, header, compression } };
}
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
