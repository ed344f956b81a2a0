import { type ColumnMapping, EtlError } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile, literal } from '@agent-etl/sql-safety';
import { isRefused } from './csv-cell-sql.ts';
import { type Duck, literalText, nth, sql } from './duck-sql.ts';
import type { ReadPlan } from './file-options.ts';
import { hasNanoseconds, readCells } from './file-sql.ts';
import { readObjects, recordProblem } from './json-sql.ts';
import { refusedRecord } from './refused-record.ts';

interface Reading { readonly dataset: string; readonly path: string; readonly plan: ReadPlan; readonly columns: readonly Pick<ColumnMapping, 'source' | 'target' | 'type'>[]; readonly scratch: string }

/** Adds the row to an error about a cell of a file: a second pass over the file, in its order, that only a failure pays for.
 * Rows count from 1 without the header; a row may be several lines. */
export async function withRow(error: unknown, reading: Reading): Promise<unknown> {
  if (!(error instanceof EtlError)) return error;
  if (codeOfServer(error) !== null) return withRowOfFile(error, reading);
  if (error.details['record'] !== undefined) return await badRecord(reading) ?? error;
  const column = error.cell?.column ?? (error.code === 'data.format-invalid' ? error.details['column'] : undefined);
  const mapping = reading.columns.find(({ source }) => source === column);
  if (!mapping || (error.cell?.row ?? null) !== null) return error;
  const row = await firstWhere(reading, mapping.source, (cell) => (reading.plan.format === 'parquet' ? hasNanoseconds(cell) : isRefused(cell, mapping.type)));
  if (row === null) return error;
  if (!error.cell) return nulAt(reading.dataset, { row, column: mapping.source }, error.cause);
  const next = reading.plan.format !== 'parquet' ? { next: 'mend the cell, or make the target first with a column that takes it, such as text' } : {};
  return new EtlError(error.code, { ...error.details, row, ...next }, { cause: error.cause, cell: { ...error.cell, row } });
}

/** The code of the server that refused what we sent, or null when the engine that reads the file refused it. */
function codeOfServer({ code, cause }: EtlError): string | null {
  const said = (cause as { code?: unknown } | undefined)?.code;
  return code === 'data.value-out-of-range' && typeof said === 'string' ? said : null;
}
const NUL_IN_TEXT = '22021';
/** A server counts the rows that it is sent, in the order of the engine. That row is another one in the file: better none than the wrong one. */
async function withRowOfFile(error: EtlError, reading: Reading): Promise<EtlError> {
  const { cell } = error;
  if (!cell) return codeOfServer(error) === NUL_IN_TEXT ? await withNul(error, reading) ?? error : error;
  const source = reading.columns.find(({ target }) => target === cell.column)?.source;
  const row = source === undefined ? null : await firstWhere(reading, source, (value) => (cell.value === 'NULL' ? sql`${value} IS NULL` : sql`left(CAST(${value} AS VARCHAR), 200) = ${literalText(cell.value)}`));
  return new EtlError(error.code, { ...error.details, row }, { cause: error.cause, cell: { ...cell, row } });
}
async function withNul({ cause }: EtlError, reading: Reading): Promise<EtlError | null> {
  for (const { source } of reading.columns.filter(({ type }) => type.kind === 'text' || type.kind === 'json')) {
    const row = await firstWhere(reading, source, (cell) => sql`contains(CAST(${cell} AS VARCHAR), chr(0))`);
    if (row !== null) return nulAt(reading.dataset, { row, column: source }, cause);
  }
  return null;
}
const nulAt = (file: string, { row, column }: { row: number; column: string }, cause: unknown): EtlError =>
  new EtlError('data.format-invalid', { file, format: 'text', place: `row ${row}, column ${column}`, problem: 'a cell holds NUL', column }, { cause });

/** First row of the file whose cell meets a condition, or null when there is none, or none can be looked for. */
async function firstWhere(reading: Reading, column: string, condition: (cell: Duck) => Duck): Promise<number | null> {
  const { dataset, path, plan, scratch } = reading;
  const at = plan.columns.findIndex(({ name }) => name === column);
  if (at < 0) return null;
  const duck = await DuckChild.start({ about: dataset, scratch, files: [path], threads: 1 });
  try {
    const from = plan.format !== 'parquet' ? readCells(path, plan) : sql`read_parquet(${literalText(path)}, hive_partitioning = false)`;
    const cells = sql`SELECT row_number() OVER () AS "row", ${nth(at)} AS cell FROM ${from}`;
    const [first] = await duck.query(compile(sql`SELECT "row" FROM (${cells}) AS cells WHERE ${condition(sql`cell`)} ORDER BY 1 LIMIT ${literal('duckdb', 1)}`));
    return first ? Number(first['row']) : null;
  } catch {
    return null;
  } finally {
    await duck.stop();
  }
}

/** The first record of a file of objects that is none, or whose keys are not those of the plan. */
async function badRecord({ dataset, path, plan, columns, scratch }: Reading): Promise<EtlError | null> {
  if (plan.format === 'csv' || plan.format === 'parquet') return null;
  const known = plan.columns.map(({ name }) => name);
  const duck = await DuckChild.start({ about: dataset, scratch, files: [path], threads: 1 });
  try {
    const records = sql`SELECT row_number() OVER () AS "row", json AS record, json_keys(json) AS keys FROM ${readObjects(path, plan)}`;
    const problem = recordProblem(sql`record`, sql`keys`, columns.length < known.length ? null : known);
    const [found] = await duck.query(compile(sql`SELECT "row", ${problem} AS problem, CAST(to_json(keys) AS VARCHAR) AS keys FROM (${records}) AS records WHERE problem IS NOT NULL ORDER BY "row" LIMIT 1`));
    return found ? refusedRecord({ dataset, layout: plan }, found, known) : null;
  } catch {
    return null;
  } finally {
    await duck.stop();
  }
}
