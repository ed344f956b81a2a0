import { type Column, EtlError, type Profile, type ProfileNotice, canonicalJson, didYouMean } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beyondMemory } from './beyond-memory.ts';
import { profileCsv } from './csv-profile.ts';
import { folderFailure, listFiles } from './file-folder.ts';
import { requireFormat } from './file-format-rules.ts';
import type { FileGate } from './file-gate.ts';
import { type FileColumn, type ReadPlan, allColumns, layoutOf, packedAs, toOptions } from './file-options.ts';
import { typeOfDuck } from './file-types-rules.ts';
import { folderDataset, folderTarget, isPlainName, partitionType } from './folder-dataset-rules.ts';
import { isPart, isPartitionName, readManifest } from './folder-manifest.ts';
import { profileJson } from './json-profile.ts';
import { rowLimitOf } from './long-rows.ts';
import { readParquetShape } from './parquet-shape.ts';
import { readable } from './readable-file.ts';
import { inItsFile } from './refused-record.ts';
import { type SourceFiles, checkContent, sourceFiles } from './source-files.ts';
import { lookAtTexts } from './text-files.ts';
import { type WorkbookDataset, workbookDataset } from './workbook-cells-rules.ts';
import { sheetToCsv } from './workbook-sheet.ts';

const NO_DEPENDENTS = { views: 0, foreignKeys: 0, policies: 0, grants: 0 };

/** The shape of a file: names and types in their order. */
export const columnsOf = (columns: readonly FileColumn[]): Column[] =>
  columns.map(({ name, duckType }) => ({ name, type: typeOfDuck(duckType), native: duckType, nullable: true }));
export const fingerprintOf = (columns: readonly Column[]): string =>
  createHash('sha256').update(canonicalJson(columns.map(({ name, native, nullable }) => [name, native, nullable]))).digest('hex');

/** Files that are what their names say, or an error.
 * @throws EtlError `source.not-found` with the nearest names, `data.format-invalid`, `request.unsupported`, `file.forbidden` */
export async function openFiles(gate: FileGate, dataset: string, scratch?: string): Promise<SourceFiles> {
  try {
    const book = scratch === undefined ? null : workbookDataset(dataset);
    if (book && scratch !== undefined) return await openSheet(gate, book, { dataset, scratch });
    const found = await sourceFiles(gate, dataset);
    await checkContent(found);
    return found;
  } catch (error) {
    throw folderFailure(error, { connection: gate.connection, dataset, action: 'read' });
  }
}

/** A sheet of a workbook as a CSV of ours in the scratch folder: from there on it is read as any other. */
async function openSheet(gate: FileGate, { file, sheet }: WorkbookDataset, { dataset, scratch }: { dataset: string; scratch: string }): Promise<SourceFiles> {
  const path = await gate.existing(file);
  if (path === null) throw new EtlError('source.not-found', { connection: gate.connection, what: 'file', name: file, nearest: didYouMean(file, (await listFiles(gate.root)).map(({ name }) => name)) ?? `agent-etl datasets ${gate.connection}` });
  const copy = join(scratch, `sheet-${randomUUID()}.csv`);
  try {
    await sheetToCsv({ path, name: file, sheet }, copy);
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
  return { format: requireFormat(copy), files: [{ name: dataset, path: copy, bytes: (await stat(copy)).size, values: [] }], keys: [], isFolder: 'file', drop: () => rm(copy, { force: true }) };
}

interface Observed { readonly plan: ReadPlan; readonly rows: number; readonly rowsExact: boolean; readonly notices?: ProfileNotice[] }
interface How { readonly scratch: string; readonly bad?: 'aside' }
async function observeParquet(dataset: string, { files }: SourceFiles, { scratch }: How): Promise<Observed> {
  const duck = await DuckChild.start({ about: dataset, scratch, files: files.map(({ path }) => path) });
  try {
    const { columns, rows } = await readParquetShape(duck, files);
    return { plan: { format: 'parquet', columns }, rows, rowsExact: true };
  } finally {
    await duck.stop();
  }
}
async function observeText(dataset: string, found: SourceFiles, { scratch, ...how }: How): Promise<Observed> {
  const { format } = found;
  const { head, shape } = await lookAtTexts(found);
  const read = await readable({ ...head, dataset, files: found.files, compression: format.compression, scratch, format: format.format, limit: rowLimitOf(format.format, shape?.dialect ?? null) });
  const paths = read.files.map(({ path }) => path);
  const { compression } = read;
  const bytes = found.files.reduce((sum, file) => sum + file.bytes, 0);
  try {
    const duck = await DuckChild.start({ about: dataset, scratch, files: paths, ...(shape ? {} : { threads: 1 }) });
    try {
      const seen = shape ? await profileCsv(duck, paths, { shape: { ...shape, dialect: { ...shape.dialect, compression } }, head, bytes, ...how })
        : await profileJson(duck, { files: read.files, dataset, layout: { ...layoutOf(format), compression }, head, bytes, ...how });
      return { ...seen, plan: { ...packedAs(seen.plan, format.compression), encoding: head.encoding } };
    } catch (error) {
      throw await beyondMemory(error, { files: read.files, format: format.format, dialect: shape?.dialect ?? null, compression });
    } finally {
      await duck.stop();
    }
  } finally {
    await read.drop();
  }
}

/** Columns that folders name, of the narrowest type that keeps every name.
 * @throws EtlError `data.format-invalid` when a file has a column of that name */
function partitionsIn(dataset: string, { files, keys, keyTypes }: SourceFiles, columns: readonly FileColumn[]): FileColumn[] {
  const twin = keys.find((key, index) => keys.indexOf(key) !== index || columns.some(({ name }) => name.toLowerCase() === key.toLowerCase()));
  if (twin !== undefined) throw new EtlError('data.format-invalid', { file: dataset, format: 'folders', place: `the folders ${twin}=…`, problem: 'the files have a column of that name, or another folder has' });
  return keys.map((name, index) => ({ name, duckType: keyTypes?.[index] ?? partitionType(files.map(({ values }) => values[index] ?? null)) }));
}

async function observe(gate: FileGate, dataset: string, how: How): Promise<Observed & { bytes: number }> {
  const found = await openFiles(gate, dataset, how.scratch);
  const seen = await (found.format.format === 'parquet' ? observeParquet : observeText)(dataset, found, how).catch((error: unknown) => { throw inItsFile(error, found.files); }).finally(() => found.drop?.());
  const partitions = partitionsIn(dataset, found, seen.plan.columns);
  return { ...seen, plan: partitions.length ? { ...seen.plan, partitions } : seen.plan, bytes: found.files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** A file below a folder that no run of ours has left there, such as one that had named its parts and not yet the manifest. */
async function strangeIn(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return []; throw error; });
  for (const entry of entries) {
    if (entry.name.startsWith('.') || (entry.isFile() && isPart(entry.name))) continue;
    if (!entry.isDirectory() || !isPartitionName(entry.name)) return entry.name;
    const below = await strangeIn(join(folder, entry.name));
    if (below !== undefined) return `${entry.name}/${below}`;
  }
  return undefined;
}

/** Whether a folder holds parts of ours; false where there is nothing. @throws EtlError `file.forbidden` when files of others lie there: they would be neither read nor removed */
async function isOurFolder(gate: FileGate, folder: string): Promise<boolean> {
  const path = await gate.writableFolder(folder);
  if (await readManifest(path)) return true;
  const strange = await strangeIn(path);
  if (strange !== undefined) throw new EtlError('file.forbidden', { file: folder, reason: `it holds ${strange}, and no manifest names it: a folder of parts is new, or was written by a run`, next: 'name a folder that is not there yet' });
  return false;
}

/** Looks at a file or the files of a folder: Parquet footers, or the cells of texts, whole up to 32 MB.
 * @throws EtlError `source.not-found`, `data.format-invalid`, `file.forbidden`, `request.unsupported`; for a target only the last two */
export async function profileFile(gate: FileGate, dataset: string, options: How & { readonly as: 'source' | 'target' }): Promise<Profile> {
  const folder = options.as === 'source' ? folderDataset(dataset) ?? (isPlainName(dataset) && await gate.existingFolder(dataset) !== null ? { folder: dataset } : null) : folderTarget(dataset);
  const system = folder ? 'folder' : options.as === 'source' && workbookDataset(dataset) ? 'xlsx' : requireFormat(dataset).format;
  const empty: Profile = {
    connection: gate.connection, dataset, connector: 'file', system, exists: false, columns: [], primaryKey: null, uniqueKeys: [], indexes: [], rows: 0, rowsExact: true,
    bytes: 0, pages: null, walLevel: null, dependents: NO_DEPENDENTS, columnStats: {}, options: {}, fingerprint: fingerprintOf([]),
  };
  if (options.as === 'target' && folder) {
    if (!await isOurFolder(gate, folder.folder)) return { ...empty, system: `folder of ${requireFormat(`x${folderTarget(dataset)!.ending}`).format}` };
  } else if (options.as === 'target') {
    await gate.writable(dataset);
    if (await gate.existing(dataset) === null) return empty;
  }
  try {
    const { plan, rows, rowsExact, bytes, notices = [] } = await observe(gate, dataset, options);
    const columns = columnsOf(allColumns(plan));
    return { ...empty, system: system === 'folder' ? `folder of ${plan.format}` : system, exists: true, columns, rows, rowsExact, bytes, options: toOptions(plan), fingerprint: fingerprintOf(columns), ...(notices.length ? { notices } : {}) };
  } catch (error) {
    // A file that nobody can read may be replaced all the same; one row says that it is not empty.
    if (options.as === 'target' && error instanceof EtlError && /^(data|profile)\./.test(error.code)) return { ...empty, exists: true, rows: 1, rowsExact: false };
    throw error;
  }
}
