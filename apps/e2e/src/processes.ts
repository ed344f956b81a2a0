import { readFile, readdir } from 'node:fs/promises';

interface Seen { readonly pid: number; readonly parent: number; readonly command: string }
async function look(pid: number): Promise<Seen[]> {
  const [stat, command] = await Promise.all(['stat', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => ''))); // ended meanwhile
  const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  return command ? [{ pid, parent, command }] : [];
}
/** Programs of ours below a process, by the name of their app. */
export async function appsBelow(top: number): Promise<Record<string, number>> {
  const seen = (await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((name) => look(Number(name))))).flat();
  const below = (parent: number): Seen[] => seen.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return Object.fromEntries(below(top).flatMap(({ pid, command }) => {
    const [, app] = /apps\/([a-z-]+)\/main\.js/.exec(command) ?? [];
    return app ? [[app, pid]] : [];
  }));
}
export const killAll = (pids: readonly number[]): void => { for (const pid of pids) process.kill(pid, 'SIGKILL'); };
