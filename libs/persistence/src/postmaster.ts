import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a running server says of itself in `postmaster.pid`. */
export interface Postmaster { readonly pid: number; readonly port: number; readonly status: string }

/** The server that runs on a data folder, or null. A file that a dead server left is not one; where its process id now belongs to
 * another program, the file is removed, or the next server would take that program for its twin. */
export async function postmasterOf(data: string): Promise<Postmaster | null> {
  const file = join(data, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return null;
  if (!(await isServer(pid))) { await rm(file, { force: true }); return null; }
  return { pid, port: Number(lines[3] ?? 0), status: lines[7] ?? '' };
}

/** The lock beside a socket has the same trouble: a server that was killed left it, and where its process id now belongs to another program no server starts until the file is gone. */
export async function forgetStranger(lock: string): Promise<void> {
  const pid = Number((await readFile(lock, 'utf8').catch(() => '')).split('\n')[0]?.trim());
  if (Number.isInteger(pid) && pid > 1 && isAlive(pid) && !(await isServer(pid))) await rm(lock, { force: true });
}

/** Fast shutdown; when that takes longer than 20 s, immediate shutdown, after which the next start recovers from the log. */
export async function stopPostmaster(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await gone(pid, 20_000)) return;
  signal(pid, 'SIGQUIT');
  if (await gone(pid, 10_000)) return;
  throw new Error(`the PostgreSQL server ${pid} does not stop`);
}

function isAlive(pid: number): boolean {
  try { process.kill(pid, 0); return true; } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM'; }
}
/** Whether a server runs under this process id; one that has ended and waits to be collected does not.
 * Where the system does not say what a process is, it is taken at its word. */
export async function isServer(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'postgres');
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return name.trim() === 'postgres' && !/\) [ZX] /.test(state);
}
function signal(pid: number, name: NodeJS.Signals): void {
  try { process.kill(pid, name); } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; }
}
async function gone(pid: number, limitMs: number): Promise<boolean> {
  for (const until = Date.now() + limitMs; Date.now() < until; await sleep(20)) {
    if (!(await isServer(pid))) return true;
  }
  return false;
}
