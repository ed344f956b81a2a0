import { EtlError } from '@agent-etl/contracts';
import { randomUUID } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Compression, FileFormat } from './file-format-rules.ts';
import { type RowLimit, refuseLongRows } from './long-rows.ts';
import { checkPacked, eachUnpacked } from './packed-file.ts';
import type { SourceFile } from './source-files.ts';
import type { Encoding } from './text-encoding-rules.ts';

/** Files that DuckDB can open: those that lie there, or a rewritten one that `drop` removes. */
export interface ReadableFiles { readonly files: readonly SourceFile[]; readonly compression: Compression; drop(): Promise<void> }
interface Texts { readonly dataset: string; readonly files: readonly SourceFile[]; readonly compression: Compression; readonly encoding: Encoding; readonly scratch: string; readonly reading: 'direct' | 'rewritten'; readonly format: FileFormat['format']; readonly limit: RowLimit | null }

/** The files as they lie there, or the one file written anew as UTF-8 without a mark, unpacked, where DuckDB reads it no other way.
 * @throws EtlError `data.format-invalid`, `file.forbidden`, `data.row-too-large` for a row that DuckDB would drop */
export async function readable(texts: Texts): Promise<ReadableFiles> {
  const { files, compression, encoding, reading, scratch, dataset, format, limit } = texts;
  const [file] = files;
  if (reading === 'direct' && limit && compression === 'none') for (const each of files) await refuseLongRows(each, limit);
  if (reading === 'direct' || !file) return { files, compression, drop: async () => undefined };
  const copy = join(scratch, `utf8-${randomUUID()}`);
  try {
    if (compression !== 'none') await checkPacked(file.path, { dataset, compression, bytes: file.bytes, format, limit: null });
    await rewrite({ dataset, path: file.path, compression, encoding }, copy);
    if (limit) await refuseLongRows({ name: file.name, path: copy, bytes: (await stat(copy)).size }, limit);
  } catch (error) {
    await rm(copy, { force: true });
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? new EtlError('platform.disk-full', { what: dataset }, { cause: error }) : error;
  }
  return { files: [{ ...file, path: copy }], compression: 'none', drop: () => rm(copy, { force: true }) };
}

interface Text { readonly dataset: string; readonly path: string; readonly compression: Compression; readonly encoding: Encoding }
async function rewrite({ dataset, path, compression, encoding }: Text, to: string): Promise<void> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const file = await open(to, 'wx', 0o600);
  let lines = 0;
  const decoded = (part?: Uint8Array): string => {
    try {
      return part ? decoder.decode(part, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw new EtlError('data.format-invalid', { file: dataset, format: encoding, place: `a line after line ${lines}`, problem: part ? 'half a character' : 'it ends in the middle of a character' }, { cause });
    }
  };
  try {
    await eachUnpacked(path, { dataset, compression }, async (part): Promise<'more'> => {
      const text = decoded(part);
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
      await file.writeFile(text);
      return 'more';
    });
    await file.writeFile(decoded());
  } finally {
    await file.close();
  }
}
