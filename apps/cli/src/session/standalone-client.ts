import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EtlError, endpoints } from '@agent-etl/contracts';
import { z } from 'zod';
import { WrongUse } from './exit-codes.ts';

/** What a standalone writes for those who join it. Only its owner may read the file. */
export const RunFile = z.looseObject({ url: z.url(), token: z.string().min(1), pid: z.int().positive(), postgresUrl: z.string().optional() });
export type RunFile = z.infer<typeof RunFile>;

export const runFileOf = (projectDir: string): string => join(projectDir, '.agent-etl', 'run.json');

async function readRunFile(projectDir: string): Promise<RunFile | null> {
  const text = await readFile(runFileOf(projectDir), 'utf8').catch(() => null);
  if (text === null) return null;
  const parsed = RunFile.safeParse(((): unknown => { try { return JSON.parse(text) as unknown; } catch { return null; } })());
  return parsed.success ? parsed.data : null;
}
// Asks with the token: after a kill somebody else, even the next standalone of this folder, may listen at the address of a run file that is left.
async function answers({ url, token }: RunFile): Promise<boolean> {
  const answer = await fetch(`${url}${endpoints.listConnectors.path}`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(2000) }).catch(() => null);
  return answer?.ok === true;
}
/** The standalone of a project folder, when one runs and answers. */
export async function findStandalone(projectDir: string): Promise<RunFile | null> {
  const found = await readRunFile(projectDir);
  return found && await answers(found) ? found : null;
}

/** How a standalone ends when another one holds the folder. */
const runsAlready = 75;
/** How Node runs it: as every service, with a young generation that stays small. */
export const nodeFlags = ['--enable-source-maps', '--max-semi-space-size=8'];
/** Where the bundled standalone lies: beside this program in `dist/apps`. */
export const standaloneProgram = (): string => join(import.meta.dirname, '..', 'standalone', 'main.js');

export interface StartOptions { readonly projectDir: string; readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv; readonly startTimeoutMs?: number }

/** Another one that holds the folder answers within this time, or was killed a moment ago: then the next start gets the folder. */
const holderMs = 2_000;

/** Starts the standalone of a project folder detached and waits until it answers. Two starters end up at the same one: its lock decides. */
export async function startStandalone({ projectDir, args = ['--auto'], env = process.env, startTimeoutMs = 90_000 }: StartOptions): Promise<RunFile> {
  const program = standaloneProgram();
  if (!existsSync(program)) throw new WrongUse(`The standalone is not built: ${program} is missing.`, 'npm run build');
  const folder = join(projectDir, '.agent-etl');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const log = join(folder, 'standalone.log');
  const launch = async (): Promise<ChildProcess> => {
    const file = await open(log, 'a', 0o600);
    const child = spawn(process.execPath, [...nodeFlags, program, '--project', projectDir, ...args], { detached: true, stdio: ['ignore', file.fd, file.fd], env });
    child.unref();
    await file.close();
    return child;
  };
  const until = Date.now() + startTimeoutMs;
  for (let child = await launch(), refusedAt = 0; Date.now() < until; await delay(50)) {
    const found = await findStandalone(projectDir);
    if (found) return found;
    if (child.exitCode === null) continue;
    if (child.exitCode !== runsAlready) break;
    refusedAt ||= Date.now();
    if (Date.now() - refusedAt > holderMs) [child, refusedAt] = [await launch(), 0];
  }
  throw await couldNotStart(log);
}
/** Why a standalone did not start, in its own last words. */
async function couldNotStart(log: string): Promise<EtlError> {
  const said = (await readFile(log, 'utf8').catch(() => '')).split('\n').findLast((line) => line.startsWith(' x  '));
  return said === undefined ? new EtlError('platform.unavailable', { dependency: 'The standalone', kept: 'no', next: `read ${log}` })
    : new EtlError('config.invalid', { problems: `the standalone did not start: ${said.slice(4).replace(/\.$/, '')}`, next: `read ${log}` });
}
/** Joins the standalone of a project folder, or starts it. */
export const joinStandalone = async (options: StartOptions): Promise<RunFile> => await findStandalone(options.projectDir) ?? startStandalone(options);
