import { EtlError, didYouMean } from '@agent-etl/contracts';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles, readEnds } from './file-folder.ts';
import { type FileFormat, contentProblem, formatOf, outerName, requireFormat } from './file-format-rules.ts';
import type { FileGate } from './file-gate.ts';
import { folderDataset, isPlainName, partitionsOf } from './folder-dataset-rules.ts';
import { checkParts, readManifest } from './folder-manifest.ts';

/** One file of a dataset: its name as users would type it, and what the folders on the way to it say. */
export interface SourceFile { readonly name: string; readonly path: string; readonly bytes: number; readonly values: readonly (string | null)[] }
/** The files of a dataset, one format throughout. `keys` are the names that folders give to values, `isFolder` tells a folder with one file from a file. */
export interface SourceFiles { readonly format: FileFormat; readonly files: readonly SourceFile[]; readonly keys: readonly string[]; readonly isFolder: 'folder' | 'file';
  /** DuckDB types of what the folders name, where a manifest says them; they are seen from the names otherwise. */
  readonly keyTypes?: readonly string[];
  /** Removes what was written to read them; absent when nothing was. */
  drop?(): Promise<void> }
const MOST = 10_000;
const DEPTH = 16;

const notFound = (gate: FileGate, what: string, name: string, nearest: string | null): EtlError =>
  new EtlError('source.not-found', { connection: gate.connection, what, name, nearest: nearest ?? `agent-etl datasets ${gate.connection}` });

/** The files that a dataset's name means: one, or those below a folder.
 * @throws EtlError `source.not-found` with the nearest names, `request.unsupported`, `file.forbidden`, `data.format-invalid` */
export async function sourceFiles(gate: FileGate, dataset: string): Promise<SourceFiles> {
  const folder = folderDataset(dataset) ?? (isPlainName(dataset) ? { folder: dataset, ending: null } : null);
  if (folder) return await filesOfManifest(gate, dataset, folder) ?? await filesOfFolder(gate, dataset, folder);
  const format = requireFormat(dataset);
  const path = await gate.existing(dataset);
  if (path === null) throw notFound(gate, 'file', dataset, didYouMean(dataset, (await listFiles(gate.root)).map(({ name }) => name)));
  return { format, files: [{ name: dataset, path, bytes: (await stat(path)).size, values: [] }], keys: [], isFolder: 'file' };
}

/** The parts that a manifest names, or null where there is none. A writer that comes in between takes its parts away: the new manifest is read then. */
async function filesOfManifest(gate: FileGate, dataset: string, { folder, ending }: { folder: string; ending: string | null }): Promise<SourceFiles | null> {
  const root = await gate.existingFolder(folder);
  const manifest = root === null ? null : await readManifest(root);
  if (root === null || manifest === null) return null;
  await checkParts(root, manifest).catch(async (error: unknown) => {
    const now = await readManifest(root);
    if (!now || now.runId === manifest.runId) throw error;
    await checkParts(root, now);
  });
  const { parts, partitionBy: keys = [], columns } = await readManifest(root) ?? manifest;
  const format = formatOf(parts[0]?.name ?? '');
  if (!format || (ending !== null && !parts[0]!.name.toLowerCase().endsWith(ending))) throw notFound(gate, 'file', `in ${dataset}`, null);
  return { format, files: parts.map(({ name, bytes }) => ({ name: `${folder}/${name}`, path: join(root, name), bytes, values: keys.length ? partitionsOf(name).values : [] })), keys, isFolder: 'folder',
    ...(keys.length ? { keyTypes: keys.map((key) => columns.find(({ name }) => name === key)?.type ?? 'VARCHAR') } : {}) };
}
async function filesOfFolder(gate: FileGate, dataset: string, { folder, ending }: { folder: string; ending: string | null }): Promise<SourceFiles> {
  const root = await gate.existingFolder(folder);
  if (root === null) throw notFound(gate, 'folder', folder, null);
  const prefix = folder === '' ? '' : `${folder}/`;
  const names = (await namesBelow(root, prefix)).filter((name) => ending === null || name.toLowerCase().endsWith(ending));
  const [first] = names;
  if (first === undefined) throw notFound(gate, 'file', `in ${dataset}`, null);
  if (names.length > MOST) throw new EtlError('request.unsupported', { found: `a dataset of more than ${MOST} files`, allowed: 'folders below it, one after the other' });
  const format = formatOf(first);
  const { keys } = partitionsOf(first);
  const files: SourceFile[] = [];
  for (const name of names) {
    const parts = partitionsOf(prefix + name);
    refuseOther(prefix + name, { prefix, first, ending, keys });
    const path = join(root, name);
    files.push({ name: prefix + name, path, bytes: (await stat(path)).size, values: parts.values.slice(parts.values.length - keys.length) });
  }
  if (!format) throw new EtlError('request.unsupported', { found: `the file ${prefix}${first} in ${dataset}`, allowed: `${dataset}**/* with the ending of the files that are meant, such as .parquet` });
  return { format, files, keys, isFolder: 'folder' };
}

/** All files of a dataset have one ending and lie below folders of the same names. */
function refuseOther(name: string, about: { prefix: string; first: string; ending: string | null; keys: readonly string[] }): void {
  const { prefix, first, ending, keys } = about;
  const [wanted, found] = [formatOf(first), formatOf(name)];
  if (!found || found.format !== wanted?.format || found.compression !== wanted.compression || found.delimiter !== wanted.delimiter) {
    throw new EtlError('request.unsupported', { found: `the file ${name} beside ${prefix}${first}`, allowed: ending === null ? `${prefix}**/* with the ending of the files that are meant, such as .parquet` : 'files of one kind' });
  }
  const there = partitionsOf(name.slice(prefix.length)).keys;
  if (there.join('/') !== keys.join('/')) throw new EtlError('data.format-invalid', { file: name, format: 'folders', place: 'its path', problem: `its folders name ${there.join(', ') || 'nothing'}, those of ${prefix}${first} ${keys.join(', ') || 'nothing'}` });
}

/** Names of the files below a folder, sorted. Hidden ones, and those that writers leave beside their data, are left out; a link is refused, since nobody could say what it leaves out. */
async function namesBelow(root: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    const entries = (await readdir(join(root, folder), { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (/^[._]/.test(entry.name) || found.length > MOST) continue;
      const name = `${folder}${entry.name}`;
      if (entry.isDirectory()) {
        if (depth >= DEPTH) throw new EtlError('file.forbidden', { file: prefix + name, reason: 'it lies too deep' });
        await visit(`${name}/`, depth + 1);
      } else if (entry.isFile()) found.push(name); else throw new EtlError('file.forbidden', { file: prefix + name, reason: 'it is a link, or no plain file' });
    }
  };
  await visit('', 0);
  return found;
}

/** Compares each file with what its name promises.
 * @throws EtlError `data.format-invalid` */
export async function checkContent({ format, files }: SourceFiles): Promise<void> {
  for (const { name, path } of files) {
    const { head, tail } = await readEnds(path);
    const problem = contentProblem(format, head, tail);
    if (problem) throw new EtlError('data.format-invalid', { file: name, format: outerName(format), place: 'its first bytes', problem });
  }
}
