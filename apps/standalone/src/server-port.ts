import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { homeOf } from './project-lock.ts';

const fileOf = (projectDir: string): string => join(homeOf(projectDir), 'postgres.port');

/** The port the embedded server had before, when nobody else has taken it: addresses that people and pipelines know go on being right. */
export async function samePort(projectDir: string): Promise<{ port?: number }> {
  const before = Number(await readFile(fileOf(projectDir), 'utf8').catch(() => ''));
  return before > 0 && await freePort(before) === before ? { port: before } : {};
}
export const keepPort = (projectDir: string, url: string): Promise<void> => writeFile(fileOf(projectDir), new URL(url).port, { mode: 0o600 });
