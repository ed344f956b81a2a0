import { EtlError } from '@agent-etl/contracts';
import { z } from 'zod';
import type { Compression, FileFormat } from './file-format-rules.ts';
import type { Encoding } from './text-encoding-rules.ts';

/** How a file is read, fixed when it was profiled: reading never guesses. Travels as text in a profile and in a plan. */
const ColumnList = z.array(z.tuple([z.string(), z.string()])).min(1);
const compression = z.enum(['none', 'gzip', 'zstd']);
const encoding = z.enum(['utf-8', 'utf-16le', 'utf-16be']).default('utf-8');
const CsvOptions = z.object({
  format: z.literal('csv'), delim: z.string().length(1), quote: z.string().max(1), escape: z.string().max(1), header: z.enum(['true', 'false']), compression, encoding, columns: z.string(), partitions: z.string().optional(),
});
const JsonOptions = z.object({ format: z.enum(['ndjson', 'json']), compression, encoding, columns: z.string(), partitions: z.string().optional() });
const ParquetOptions = z.object({ format: z.literal('parquet'), columns: z.string(), partitions: z.string().optional() });
const FileOptions = z.discriminatedUnion('format', [CsvOptions, JsonOptions, ParquetOptions]);

/** Name and DuckDB type of a column, in file order. */
export interface FileColumn { readonly name: string; readonly duckType: string }
export interface CsvDialect { readonly delim: string; readonly quote: string; readonly escape: string; readonly header: 'true' | 'false'; readonly compression: Compression }
export interface JsonLayout { readonly format: 'ndjson' | 'json'; readonly compression: Compression }
/** What every plan knows. `partitions` are columns that folders name, behind those of the files. */
interface Columns { readonly columns: readonly FileColumn[]; readonly partitions?: readonly FileColumn[] }
/** @property encoding what the file was written in when it was profiled, UTF-8 when left out */
export type TextPlan = Columns & { readonly encoding?: Encoding } & ({ readonly format: 'csv'; readonly dialect: CsvDialect } | JsonLayout);
export type ReadPlan = TextPlan | (Columns & { readonly format: 'parquet' });
/** Columns of files and folders, in their order. */
export const allColumns = ({ columns, partitions = [] }: ReadPlan): readonly FileColumn[] => [...columns, ...partitions];

export function toOptions(plan: ReadPlan): Record<string, string> {
  const listed = (columns: readonly FileColumn[]): string => JSON.stringify(columns.map(({ name, duckType }) => [name, duckType]));
  const columns: Record<string, string> = { columns: listed(plan.columns), ...(plan.partitions?.length ? { partitions: listed(plan.partitions) } : {}) };
  if (plan.format === 'parquet') return { format: 'parquet', ...columns };
  const encoded: Record<string, string> = plan.encoding === undefined || plan.encoding === 'utf-8' ? {} : { encoding: plan.encoding };
  return plan.format === 'csv' ? { format: 'csv', ...plan.dialect, ...encoded, ...columns } : { format: plan.format, compression: plan.compression, ...encoded, ...columns };
}

/** @throws EtlError `plan.stale` when a plan holds options that this release cannot read */
export function fromOptions(options: Readonly<Record<string, string>>): ReadPlan {
  const parsed = FileOptions.safeParse(options);
  if (!parsed.success) throw new EtlError('plan.stale');
  const { data } = parsed;
  const lists = { columns: listOf(data.columns), ...(data.partitions === undefined ? {} : { partitions: listOf(data.partitions) }) };
  if (data.format === 'parquet') return { format: 'parquet', ...lists };
  if (data.format !== 'csv') return { format: data.format, ...lists, compression: data.compression, encoding: data.encoding };
  const { delim, quote, escape, header, compression: packed } = data;
  return { format: 'csv', ...lists, encoding: data.encoding, dialect: { delim, quote, escape, header, compression: packed } };
}
function listOf(text: string): FileColumn[] {
  const columns = ColumnList.safeParse(jsonOf(text));
  if (!columns.success) throw new EtlError('plan.stale');
  return columns.data.map(([name, duckType]) => ({ name, duckType }));
}
/** How a file of objects is laid out, by its name. */
/** How files of ours are written. */
export const dialectOf = ({ delimiter, compression }: FileFormat): CsvDialect => ({ delim: delimiter, quote: '"', escape: '"', header: 'true', compression });
export const layoutOf = ({ format, compression }: FileFormat): JsonLayout => ({ format: format === 'json' ? 'json' : 'ndjson', compression });
/** How the bytes of a file are packed, by the plan that reads it. */
export const compressionOf = (plan: ReadPlan): Compression => (plan.format === 'csv' ? plan.dialect.compression : plan.format === 'parquet' ? 'none' : plan.compression);

/** The same plan for a file that is packed otherwise. */
export const packedAs = (plan: TextPlan, compression: Compression): TextPlan => (plan.format === 'csv' ? { ...plan, dialect: { ...plan.dialect, compression } } : { ...plan, compression });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
