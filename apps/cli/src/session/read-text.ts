import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EtlError, didYouMean } from '@agent-etl/contracts';

/** The text of a file that a person named. @throws EtlError `source.not-found` with the nearest names, `file.forbidden`, `data.format-invalid` */
export async function readText(file: string, cwd: string): Promise<string> {
  const path = resolve(cwd, file);
  const bytes = await readFile(path).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EISDIR') throw new EtlError('file.forbidden', { file, reason: 'it is a folder', next: 'name a file in it' }, { cause });
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw new EtlError('file.forbidden', { file, reason: `it cannot be read (${cause.code ?? 'unknown'})`, next: 'see who may read it' }, { cause });
    const beside = await readdir(dirname(path)).catch(() => null);
    const next = beside === null ? `there is no folder ${dirname(file)}` : didYouMean(basename(path), beside)?.replaceAll(/(?<=mean |or )/g, dirname(file) === '.' ? '' : `${join(dirname(file), '/')}`) ?? `look in ${dirname(path)}`;
    throw new EtlError('source.not-found', { connection: 'This machine', what: 'file', name: file, next }, { cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new EtlError('data.format-invalid', { file, format: 'text', place: 'its bytes', problem: 'they are not UTF-8', next: `write it as UTF-8, such as: iconv -f WINDOWS-1252 -t UTF-8 ${file}` }, { cause });
  }
}
