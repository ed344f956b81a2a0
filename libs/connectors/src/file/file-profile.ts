import { type Column, EtlError, type Profile, type ProfileNotice, canonicalJson, didYouMean } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { createHash } from 'node:crypto';
import { profileCsv, shapeOfCsv } from './csv-profile.ts';
import { literalText, sql } from './duck-sql.ts';
import { type Ends, folderFailure, listFiles, readEnds } from './file-folder.ts';
import { contentProblem, outerName, requireFormat } from './file-format-rules.ts';
import type { FileGate } from './file-gate.ts';
import { type FileColumn, type ReadPlan, layoutOf, packedAs, toOptions } from './file-options.ts';
import { typeOfDuck } from './file-types-rules.ts';
import { profileJson } from './json-profile.ts';
import { readable } from './readable-file.ts';
import { readTextHead } from './text-head.ts';

const NO_DEPENDENTS = { views: 0, foreignKeys: 0, policies: 0, grants: 0 };

/** The shape of a file: names and types in their order. */
export const columnsOf = (columns: readonly FileColumn[]): Column[] =>
  columns.map(({ name, duckType }) => ({ name, type: typeOfDuck(duckType), native: duckType, nullable: true }));
export const fingerprintOf = (columns: readonly Column[]): string =>
  createHash('sha256').update(canonicalJson(columns.map(({ name, native, nullable }) => [name, native, nullable]))).digest('hex');

/** A file that is what its name says, or an error.
 * @throws EtlError `source.not-found` with the nearest names, `data.format-invalid`, `request.unsupported`, `file.forbidden` */
export async function openFile(gate: FileGate, dataset: string): Promise<{ path: string; ends: Ends }> {
  const format = requireFormat(dataset);
  const path = await gate.existing(dataset);
  if (path === null) {
    const names = (await listFiles(gate.root)).map(({ name }) => name);
    throw new EtlError('source.not-found', { connection: gate.connection, what: 'file', name: dataset, nearest: didYouMean(dataset, names) ?? `agent-etl datasets ${gate.connection}` });
  }
  try {
    const ends = await readEnds(path);
    const problem = contentProblem(format, ends.head, ends.tail);
    if (problem) throw new EtlError('data.format-invalid', { file: dataset, format: outerName(format), place: 'its first bytes', problem });
    return { path, ends };
  } catch (error) {
    throw folderFailure(error, { connection: gate.connection, dataset, action: 'read' });
  }
}

/** Names and types of a Parquet file, and its rows, from its footer. */
export async function readParquetShape(duck: DuckChild, path: string): Promise<{ columns: FileColumn[]; rows: number }> {
  const described = await duck.query(compile(sql`DESCRIBE SELECT * FROM read_parquet(${literalText(path)}, hive_partitioning = false)`));
  const [count] = await duck.query(compile(sql`SELECT CAST(coalesce(sum(num_rows), 0) AS BIGINT) AS "rows" FROM parquet_file_metadata(${literalText(path)})`));
  return { columns: described.map((row) => ({ name: String(row['column_name']), duckType: String(row['column_type']) })), rows: Number(count?.['rows'] ?? 0) };
}

interface Observed { readonly plan: ReadPlan; readonly rows: number; readonly rowsExact: boolean; readonly bytes: number; readonly notices?: ProfileNotice[] }
async function observe(gate: FileGate, dataset: string, scratch: string): Promise<Observed> {
  const file = await openFile(gate, dataset);
  return requireFormat(dataset).format === 'parquet' ? observeParquet(dataset, file, scratch) : observeText(dataset, file, scratch);
}
async function observeParquet(dataset: string, { path, ends: { bytes } }: { path: string; ends: Ends }, scratch: string): Promise<Observed> {
  const duck = await DuckChild.start({ about: dataset, scratch, files: [path] });
  try {
    const { columns, rows } = await readParquetShape(duck, path);
    return { plan: { format: 'parquet', columns }, rows, rowsExact: true, bytes };
  } finally {
    await duck.stop();
  }
}
async function observeText(dataset: string, file: { path: string; ends: Ends }, scratch: string): Promise<Observed> {
  const format = requireFormat(dataset);
  const { ends: { bytes } } = file;
  const head = await readTextHead(dataset, file, format);
  const shape = format.format === 'csv' ? shapeOfCsv(dataset, head, { format }) : null;
  const { path, compression, drop } = await readable({ ...head, dataset, path: file.path, bytes, compression: format.compression, scratch });
  try {
    const duck = await DuckChild.start({ about: dataset, scratch, files: [path], ...(shape ? {} : { threads: 1 }) });
    try {
      const found = shape ? await profileCsv(duck, path, { shape: { ...shape, dialect: { ...shape.dialect, compression } }, head, bytes })
        : await profileJson(duck, { path, dataset, layout: { ...layoutOf(format), compression }, head, bytes });
      return { ...found, plan: { ...packedAs(found.plan, format.compression), encoding: head.encoding }, bytes };
    } finally {
      await duck.stop();
    }
  } finally {
    await drop();
  }
}

/** Looks at a file: a Parquet footer, or the cells of a text, whole up to 32 MB.
 * @throws EtlError `source.not-found`, `data.format-invalid`, `file.forbidden`, `request.unsupported`; for a target only the last two */
export async function profileFile(gate: FileGate, dataset: string, options: { as: 'source' | 'target'; scratch: string }): Promise<Profile> {
  const format = requireFormat(dataset);
  const empty: Profile = {
    connection: gate.connection, dataset, connector: 'file', system: format.format, exists: false, columns: [], primaryKey: null, uniqueKeys: [], indexes: [], rows: 0, rowsExact: true,
    bytes: 0, pages: null, walLevel: null, dependents: NO_DEPENDENTS, columnStats: {}, options: {}, fingerprint: fingerprintOf([]),
  };
  if (options.as === 'target') {
    await gate.writable(dataset);
    if (await gate.existing(dataset) === null) return empty;
  }
  try {
    const { plan, rows, rowsExact, bytes, notices = [] } = await observe(gate, dataset, options.scratch);
    const columns = columnsOf(plan.columns);
    return { ...empty, exists: true, columns, rows, rowsExact, bytes, options: toOptions(plan), fingerprint: fingerprintOf(columns), ...(notices.length ? { notices } : {}) };
  } catch (error) {
    // A file that nobody can read may be replaced all the same; one row says that it is not empty.
    if (options.as === 'target' && error instanceof EtlError && /^(data|profile)\./.test(error.code)) return { ...empty, exists: true, rows: 1, rowsExact: false };
    throw error;
  }
}
