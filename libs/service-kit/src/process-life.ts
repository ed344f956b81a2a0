import { readFile } from 'node:fs/promises';

/** How Node runs a service. The young generation stays small: by default it grows to 128 MB of garbage before it is looked at, and a long copy touches every page of it. */
export const nodeFlags = ['--enable-source-maps', '--max-semi-space-size=8'];

/** What the system says of a process, from its state on; nothing where /proc is missing. */
async function statOf(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
/** When a process started, in ticks since boot: a process id alone may have been given to somebody else. Empty where /proc is missing. */
export const startOf = async (pid: number): Promise<string> => (await statOf(pid))[19] ?? '';

/** Whether the process with this id and start still runs. One that was killed and waits to be collected does not: in a container nobody may ever collect it.
 * @param start as `startOf` said it; empty believes the id alone */
export async function isRunning(pid: number, start: string): Promise<boolean> {
  try { process.kill(pid, 0); } catch (error) { if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; }
  const stat = await statOf(pid);
  return !/^[ZX]$/.test(stat[0] ?? '') && (start === '' || stat[19] === start);
}
