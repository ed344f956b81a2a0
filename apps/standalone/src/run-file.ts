import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homeOf } from './project-lock.ts';

/** What those who join need: the address and a token that is good as long as this standalone lives. */
export interface RunFile { readonly url: string; readonly token: string; readonly pid: number; readonly startedAt: string; readonly postgresUrl: string; readonly postgresFolder: string }

export const makeToken = (): string => randomBytes(24).toString('base64url');

const fileOf = (projectDir: string): string => join(homeOf(projectDir), 'run.json');
/** Writes it whole, for its owner only: a reader sees the old text or the new one. */
export async function writeRunFile(projectDir: string, content: RunFile): Promise<void> {
  const next = `${fileOf(projectDir)}.${process.pid}`;
  await writeFile(next, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(next, fileOf(projectDir));
}
/** Removes it, unless somebody else has written it since. */
export async function removeRunFile(projectDir: string): Promise<void> {
  const text = await readFile(fileOf(projectDir), 'utf8').catch(() => '');
  if (text.includes(`"pid": ${process.pid},`)) await rm(fileOf(projectDir), { force: true });
}
