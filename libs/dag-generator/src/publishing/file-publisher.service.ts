import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EtlError } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const codeOf = (error: unknown): string => (typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '');

async function synced<T>(path: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o644);
  try {
    const answer = await work(file);
    await file.sync();
    return answer;
  } finally {
    await file.close();
  }
}
const asDisk = (path: string) => (error: unknown): never => {
  if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') throw new EtlError('platform.disk-full', { what: 'DAG files' }, { cause: error });
  throw new EtlError('file.forbidden', { file: path, reason: codeOf(error) || 'it cannot be written' }, { cause: error });
};

/** Puts DAG files where a scheduler reads them: whole or not at all, and never twice for the same content. */
@Injectable()
export class FilePublisher {
  /** Writes a file beside its place and renames it there; both survive a power cut once this has answered. A file that already says the same is not
   * touched, because a scheduler looks at its time.
   * @returns the path. @throws EtlError `platform.disk-full`, `file.forbidden` */
  async publish(folder: string, fileName: string, text: string): Promise<string> {
    const path = join(folder, fileName);
    await this.#replace(path, join(folder, `.${fileName}.tmp`), text).catch(asDisk(path));
    return path;
  }
  async #replace(path: string, temporary: string, text: string): Promise<void> {
    const current = await readFile(path, 'utf8').catch((error: unknown) => { if (codeOf(error) === 'ENOENT') return null; throw error; });
    if (current !== null && digestOf(current) === digestOf(text)) return;
    await mkdir(dirname(path), { recursive: true });
    await rm(temporary, { force: true }); // of a crash; a scheduler does not read names that begin with a dot
    await synced(temporary, 'wx', (file) => file.writeFile(text));
    crashPoint('dag.temp-written');
    await rename(temporary, path);
    await this.#keepFolder(dirname(path));
    crashPoint('dag.renamed');
  }
  /** Takes a file away that no plan stands behind any more. One that is already gone is fine. */
  async retire(path: string): Promise<void> {
    await rm(path, { force: true }).then(() => this.#keepFolder(dirname(path))).catch((error: unknown) => { if (codeOf(error) !== 'ENOENT') asDisk(path)(error); });
  }
  async #keepFolder(folder: string): Promise<void> { await synced(folder, 'r', async () => undefined); }
}
