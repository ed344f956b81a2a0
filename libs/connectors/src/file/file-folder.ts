import { EtlError } from '@agent-etl/contracts';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatOf } from './file-format-rules.ts';
import { workbookDataset } from './workbook-cells-rules.ts';

export interface FoundFile { readonly name: string; readonly bytes: number }
const MOST = 10_000;
const DEPTH = 8;

/** Files of known formats below a root, by name; hidden ones, ours in the making among them, are left out, links are not followed. At most 10,000. */
export async function listFiles(root: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const visit = async (folder: string, prefix: string, depth: number): Promise<void> => {
    const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (found.length >= MOST || entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < DEPTH) await visit(path, `${prefix}${entry.name}/`, depth + 1);
      else if (entry.isFile() && (formatOf(entry.name) || workbookDataset(entry.name))) found.push({ name: prefix + entry.name, bytes: (await stat(path)).size });
    }
  };
  await visit(root, '', 0);
  return found;
}

/** First and last bytes of a file. */
export interface Ends { readonly head: Uint8Array; readonly tail: Uint8Array; readonly bytes: number; readonly isWhole: 'whole' | 'cut' }
const HEAD_BYTES = 256 * 1024;
const TAIL_BYTES = 1024;
export async function readEnds(path: string): Promise<Ends> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES));
    await file.read(head, 0, head.length, 0);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    return { head, tail, bytes: size, isWhole: size <= HEAD_BYTES ? 'whole' : 'cut' };
  } finally {
    await file.close();
  }
}

const NO_PLACE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EINVAL', 'ENAMETOOLONG', 'EOPNOTSUPP']);
/** Errors of the file system in the words of the error table; everything else is returned as it came. */
export function folderFailure(error: unknown, about: { connection: string; dataset: string; action: 'read' | 'write' }): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new EtlError('connection.permission-denied', { connection: about.connection, action: `to ${about.action} ${about.dataset}`, grant: `give the user of the worker the right to ${about.action} it` }, { cause: error });
  }
  if (code !== undefined && NO_PLACE.has(code)) return new EtlError('file.forbidden', { file: about.dataset, reason: `the file system takes no file there: ${code}` }, { cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT') return new EtlError('platform.disk-full', { what: about.dataset }, { cause: error });
  return error;
}
