import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EtlError } from '@agent-etl/contracts';
import { isRunning, startOf } from '@agent-etl/service-kit';

/** Folder of a project in which its standalone keeps what belongs to it. */
export const homeOf = (projectDir: string): string => join(projectDir, '.agent-etl');

interface Holder { readonly pid: number; readonly start: string }
/** Null when there is no such file. */
async function holderOf(file: string): Promise<Holder | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  const [pid = '', start = ''] = text.trim().split(' ');
  return { pid: /^\d+$/.test(pid) ? Number(pid) : 0, start };
}
const isGone = async ({ pid, start }: Holder): Promise<boolean> => pid === 0 || !await isRunning(pid, start);
/** Removes what one that is gone has left. A file that is not there is not removed: by now it may be another one's. */
async function removeLeft(file: string): Promise<void> {
  const holder = await holderOf(file);
  if (holder && await isGone(holder)) await rm(file, { force: true });
}
/** Makes `file` another name of `mine`, which is whole by then: nobody ever reads a lock without its holder. */
const takes = (mine: string, file: string): Promise<boolean> => link(mine, file).then(() => true, (error: NodeJS.ErrnoException) => {
  if (error.code === 'EEXIST') return false;
  throw error;
});
/** Removes the lock of one that is gone. One at a time looks and removes, so that it is not the lock of who took over meanwhile. */
async function clear(file: string, mine: string): Promise<void> {
  const turn = `${file}.turn`;
  if (!await takes(mine, turn)) {
    await removeLeft(turn);
    return delay(10);
  }
  await removeLeft(file);
  await rm(turn, { force: true });
}
/** One standalone per project folder: an exclusive file with process id and start time. A lock whose process is gone is taken over.
 * @throws EtlError `request.conflict` when another one lives */
export async function lockProject(projectDir: string): Promise<{ release(): Promise<void> }> {
  const folder = homeOf(projectDir);
  const file = join(folder, 'lock');
  const mine = `${file}.${randomUUID()}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(mine, `${process.pid} ${await startOf(process.pid)}\n`, { mode: 0o600 });
  try {
    for (let tries = 0; !await takes(mine, file); tries += 1) {
      const holder = await holderOf(file);
      if (tries > 100 || (holder && !await isGone(holder))) throw new EtlError('request.conflict', { what: `the standalone of ${projectDir}`, state: `running as process ${holder?.pid ?? 'unknown'}`, action: 'a second start' });
      await clear(file, mine);
    }
  } finally {
    await rm(mine, { force: true });
  }
  await rm(join(folder, 'run.json'), { force: true }); // of one that was killed
  return { release: () => rm(file, { force: true }) };
}
