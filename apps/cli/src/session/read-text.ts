import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EtlError } from '@agent-etl/contracts';
import { type Whence, missingFile } from './missing-file.ts';

/** The text of a file that a person named. @throws EtlError `source.not-found` with the nearest names, `file.forbidden`, `data.format-invalid` */
export async function readText(file: string, whence: Whence): Promise<string> {
  const path = resolve(whence.cwd, file);
  const bytes = await readFile(path).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EISDIR') throw new EtlError('file.forbidden', { file, reason: 'it is a folder', next: 'name a file in it' }, { cause });
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw new EtlError('file.forbidden', { file, reason: `it cannot be read (${cause.code ?? 'unknown'})`, next: 'see who may read it' }, { cause });
    throw await missingFile(file, whence, cause);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new EtlError('data.format-invalid', { file, format: 'text', place: 'its bytes', problem: 'they are not UTF-8', next: `write it as UTF-8, such as: iconv -f WINDOWS-1252 -t UTF-8 ${file}` }, { cause });
  }
}
