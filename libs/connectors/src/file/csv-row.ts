import { type ColumnMapping, EtlError } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile, literal } from '@agent-etl/sql-safety';
import { isRefused } from './csv-cell-sql.ts';
import type { ReadPlan } from './file-options.ts';
import { nth, readCsv, sql } from './file-sql.ts';

interface Reading { readonly dataset: string; readonly path: string; readonly plan: ReadPlan; readonly columns: readonly Pick<ColumnMapping, 'source' | 'type'>[]; readonly scratch: string }

/** Adds the row to an error about a cell of a CSV: a second pass over the file, in its order, that only a failure pays for.
 * Rows count from 1 without the header; a row may be several lines. */
export async function withRow(error: unknown, reading: Reading): Promise<unknown> {
  if (!(error instanceof EtlError) || reading.plan.format !== 'csv') return error;
  const column = error.cell?.column ?? (error.code === 'data.format-invalid' ? error.details['column'] : undefined);
  const mapping = reading.columns.find(({ source }) => source === column);
  if (!mapping || (error.cell?.row ?? null) !== null) return error;
  const row = await firstRefused(reading, mapping).catch(() => null);
  if (row === null) return error;
  if (!error.cell) return new EtlError('data.format-invalid', { ...error.details, place: `row ${row}, column ${mapping.source}` }, { cause: error.cause });
  return new EtlError(error.code, { ...error.details, row }, { cause: error.cause, cell: { ...error.cell, row } });
}

async function firstRefused({ dataset, path, plan, scratch }: Reading, { source, type }: Pick<ColumnMapping, 'source' | 'type'>): Promise<number | null> {
  if (plan.format !== 'csv') return null;
  const at = plan.columns.findIndex(({ name }) => name === source);
  const duck = await DuckChild.start({ about: dataset, scratch, files: [path], threads: 1 });
  try {
    const cells = sql`SELECT row_number() OVER () AS "row", ${nth(at)} AS cell FROM ${readCsv(path, plan.dialect, plan.columns.map(() => 'VARCHAR'))}`;
    const [found] = await duck.query(compile(sql`SELECT "row" FROM (${cells}) AS cells WHERE ${isRefused(sql`cell`, type)} LIMIT ${literal('duckdb', 1)}`));
    return found ? Number(found['row']) : null;
  } finally {
    await duck.stop();
  }
}
