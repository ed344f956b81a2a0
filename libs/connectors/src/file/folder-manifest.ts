import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EtlError, Sha256 } from '@agent-etl/contracts';
import { z } from 'zod';

/** Name of the file that says which parts of a folder are its dataset. Readers that follow it see the parts of one run, never of two. */
export const MANIFEST = '_manifest.json';
const Part = z.object({ name: z.string().regex(/^(?:[^/\0=]+=[^/\0]*\/)*part-[0-9a-f]{40}\.[a-z.]+$/), rows: z.int().nonnegative(), bytes: z.int().nonnegative(), sha256: Sha256 });
export const FolderManifest = z.object({
  version: z.literal(1), runId: z.string(), format: z.string(), rows: z.int().nonnegative(), bytes: z.int().nonnegative(), digest: z.string().nullable(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })), partitionBy: z.array(z.string()).min(1).optional(), parts: z.array(Part),
});
export type FolderManifest = z.infer<typeof FolderManifest>;
/** Whether a folder is named after a value, as `year=2024` is. */
export const isPartitionName = (name: string): boolean => name.indexOf('=') > 0;
export const isPart = (name: string): boolean => /^part-[0-9a-f]{40}\./.test(name);

/** What a folder says that it holds, or null where no run of ours has written it. @throws EtlError `data.format-invalid` */
export async function readManifest(folder: string, file = MANIFEST): Promise<FolderManifest | null> {
  const text = await readFile(join(folder, file), 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null; throw error; });
  if (text === null) return null;
  const parsed = FolderManifest.safeParse(jsonOf(text));
  if (!parsed.success) throw new EtlError('data.format-invalid', { file: MANIFEST, format: 'manifest', place: 'its content', problem: 'it is none of this tool', next: 'write into another folder' });
  return parsed.data;
}
/** Compares the parts on disk with what the manifest says of them. @param folder its real path. @throws EtlError `data.format-invalid`, `file.forbidden` */
export async function checkParts(folder: string, { parts }: FolderManifest): Promise<void> {
  for (const { name, bytes } of parts) {
    const path = join(folder, name);
    const size = await stat(path).then((found) => found.size, () => null);
    if (size !== null && await realpath(path) !== path) throw new EtlError('file.forbidden', { file: name, reason: 'it is a link, or lies behind one' });
    if (size !== bytes) throw new EtlError('data.format-invalid', { file: name, format: 'part', place: 'its size', problem: size === null ? `the manifest names it, and it is gone` : `the manifest says ${bytes} bytes, it has ${size}` });
  }
}
function jsonOf(text: string): unknown {
  try { return JSON.parse(text); } catch { return null; }
}
