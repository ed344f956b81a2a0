import { type ColumnMapping, EtlError, type LoadTask, isRowWise } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile, identifier, literal } from '@agent-etl/sql-safety';
import { beyondMemory } from './beyond-memory.ts';
import { isRefused } from './csv-cell-sql.ts';
import type { ScannedFile } from '../port.ts';
import { type Duck, FROM_FILE, literalText, sql } from './duck-sql.ts';
import { type ReadPlan, compressionOf } from './file-options.ts';
import { cellOf, hasNanoseconds, readRows } from './file-sql.ts';
import { readObjects, recordProblem } from './json-sql.ts';
import { STEP_MISFIT } from '../step-misfit.ts';
import { inItsFile, refusedRecord } from './refused-record.ts';

interface Reading { readonly dataset: string; readonly files: readonly ScannedFile[]; readonly plan: ReadPlan; readonly columns: readonly Pick<ColumnMapping, 'source' | 'target' | 'type'>[]; readonly scratch: string; readonly transform?: LoadTask['transform']; readonly judging?: LoadTask['judging'] }

/** Adds the row, and in a folder the file, to an error about files: a second pass in their order, that only a failure pays for.
 * Rows count from 1 without the header; a row may be several lines. */
export async function withRow(error: unknown, reading: Reading): Promise<unknown> {
  if (!(error instanceof EtlError)) return error;
  if (error.code === 'query.memory-exceeded') return ofLongRow(error, reading);
  if (codeOfServer(error) !== null) return withRowOfFile(error, reading);
  if (error.details['record'] !== undefined) return await badRecord(reading) ?? error;
  const column = error.cell?.column ?? (error.code === 'data.format-invalid' ? error.details['column'] : undefined);
  const mapping = reading.columns.find(({ source }) => source === column);
  const hasRow = (error.cell?.row ?? null) !== null;
  if (!mapping && !hasRow && isOfStep(error, reading)) return withRowOfStep(error, reading);
  if (!mapping || hasRow) return inItsFile(error, reading.files);
  const found = await firstWhere(reading, mapping.source, (cell, from) => (reading.plan.format === 'parquet' && from === 'file' ? hasNanoseconds(cell) : isRefused(cell, mapping.type)));
  if (found === null) return isOfStep(error, reading) ? withRowOfStep(error, reading) : error;
  if (!error.cell) return nulAt(found, mapping.source, error.cause);
  const where = reading.files.length > 1 ? `mend it in ${found.file}` : 'mend the cell';
  const next = reading.plan.format !== 'parquet' || reading.files.length > 1 ? { next: `${where}, or make the target first with a column that takes it, such as text` } : {};
  return new EtlError(error.code, { ...error.details, row: found.row, ...next }, { cause: error.cause, cell: { ...error.cell, row: found.row } });
}

/** Groups, joins, windows and what has to be unique need memory for many rows: there a long one is not to blame. */
async function ofLongRow(error: EtlError, { files, plan, transform, judging }: Reading): Promise<unknown> {
  if (plan.format === 'parquet' || (transform && !isRowWise(transform)) || judging?.checks.some(({ check }) => check === 'unique')) return error;
  return beyondMemory(error, { files, format: plan.format, dialect: plan.format === 'csv' ? plan.dialect : null, compression: compressionOf(plan) });
}
const isOfStep = ({ code }: EtlError, { transform }: Reading): boolean => transform !== undefined && code === 'data.value-out-of-range';
/** A cell was read well, and a step could not cast it: no column of the target is to blame. */
async function withRowOfStep(error: EtlError, reading: Reading): Promise<EtlError> {
  const { cell } = error;
  const isText = cell !== undefined && reading.columns.some(({ source, type }) => source === cell.column && type.kind === 'text');
  const found = isText ? await firstWhere(reading, cell.column, (value) => sql`left(CAST(${value} AS VARCHAR), 200) = ${literalText(cell.value)}`) : null;
  const row = found?.row ?? null;
  return new EtlError(error.code, { ...error.details, row, next: STEP_MISFIT }, { cause: error.cause, ...(cell ? { cell: { ...cell, row } } : {}) });
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
  const nul = codeOfServer(error) === NUL_IN_TEXT ? await withNul(error, reading) : null;
  if (nul || !cell) return nul ?? error;
  const source = reading.columns.find(({ target }) => target === cell.column)?.source;
  const found = source === undefined ? null : await firstWhere(reading, source, (value) => (cell.value === 'NULL' ? sql`${value} IS NULL` : sql`left(CAST(${value} AS VARCHAR), 200) = ${literalText(cell.value)}`));
  const row = found?.row ?? null;
  return new EtlError(error.code, { ...error.details, row }, { cause: error.cause, cell: { ...cell, row } });
}
async function withNul({ cause }: EtlError, reading: Reading): Promise<EtlError | null> {
  for (const { source } of reading.columns.filter(({ type }) => type.kind === 'text' || type.kind === 'json')) {
    const found = await firstWhere(reading, source, (cell) => sql`contains(CAST(${cell} AS VARCHAR), chr(0))`);
    if (found !== null) return nulAt(found, source, cause);
  }
  return null;
}
const nulAt = ({ file, row }: Place, column: string, cause: unknown): EtlError =>
  new EtlError('data.format-invalid', { file, format: 'text', place: `row ${row ?? 'unknown'}, column ${column}`, problem: 'a cell holds NUL', column }, { cause });

/** Where a cell is: its row in its file, or null where a folder says what the cell holds. */
interface Place { readonly file: string; readonly row: number | null }
type Where = (cell: Duck, from: 'file' | 'folder') => Duck;

/** The first cell of a column that meets a condition, or null when there is none, or none can be looked for. */
async function firstWhere(reading: Reading, column: string, where: Where): Promise<Place | null> {
  const found = cellOf(reading.plan, column);
  if (!found) return null;
  return searching(reading, async (duck) => {
    const cells = (files: readonly ScannedFile[]): Duck => sql`SELECT row_number() OVER () AS "row", ${found.cell} AS cell, ${identifier(FROM_FILE)} AS path FROM ${readRows(files, reading.plan)}`;
    const file = await fileWhere(duck, reading, (files) => sql`SELECT path FROM (${cells(files)}) AS cells WHERE ${where(sql`cell`, found.from)}`);
    if (!file) return null;
    const [first] = await duck.query(compile(sql`SELECT "row" FROM (${cells([file])}) AS cells WHERE ${where(sql`cell`, found.from)} ORDER BY 1 LIMIT ${literal('duckdb', 1)}`));
    return first ? { file: file.name, row: found.from === 'folder' ? null : Number(first['row']) } : null;
  });
}

/** The first record of files of objects that is none, or whose keys are not those of the plan. */
async function badRecord(reading: Reading): Promise<EtlError | null> {
  const { plan, columns } = reading;
  if (plan.format === 'csv' || plan.format === 'parquet') return null;
  const known = plan.columns.map(({ name }) => name);
  const isChosen = known.some((name) => !columns.some(({ source }) => source === name));
  return searching(reading, async (duck) => {
    const records = (files: readonly ScannedFile[]): Duck => sql`SELECT row_number() OVER () AS "row", json AS record, json_keys(json) AS keys, ${identifier(FROM_FILE)} AS path FROM ${readObjects(files.map(({ path }) => path), plan)}`;
    const problem = recordProblem(sql`record`, sql`keys`, isChosen ? null : known);
    const file = await fileWhere(duck, reading, (files) => sql`SELECT path FROM (${records(files)}) AS records WHERE ${problem} IS NOT NULL`);
    if (!file) return null;
    const [found] = await duck.query(compile(sql`SELECT "row", ${problem} AS problem, CAST(to_json(keys) AS VARCHAR) AS keys FROM (${records([file])}) AS records WHERE problem IS NOT NULL ORDER BY "row" LIMIT 1`));
    return found ? refusedRecord({ dataset: file.name, layout: plan }, found, known) : null;
  });
}

async function fileWhere(duck: DuckChild, { files }: Reading, query: (files: readonly ScannedFile[]) => Duck): Promise<ScannedFile | null> {
  const [only] = files;
  if (files.length <= 1) return only ?? null;
  const [first] = await duck.query(compile(sql`SELECT path FROM (${query(files)}) AS found ORDER BY path LIMIT 1`));
  return files.find(({ path }) => path === first?.['path']) ?? null;
}

/** A second look that fails says nothing: the error that led to it does. */
async function searching<T>({ dataset, files, scratch }: Reading, look: (duck: DuckChild) => Promise<T | null>): Promise<T | null> {
  const duck = await DuckChild.start({ about: dataset, scratch, files: files.map(({ path }) => path), threads: 1 });
  try {
    return await look(duck);
  } catch {
    return null;
  } finally {
    await duck.stop();
  }
}
