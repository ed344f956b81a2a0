import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EtlError } from '@agent-etl/contracts';
import { isRunning, startOf } from '@agent-etl/service-kit';

/** Folder of a project in which its standalone keeps what belongs to it. */
export const homeOf = (projectDir: string): string => join(projectDir, '.agent-etl');

async function holderOf(file: string): Promise<{ pid: number; start: string } | null> {
  const [pid = '', start = ''] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
  return /^\d+$/.test(pid) ? { pid: Number(pid), start } : null;
}
/** One standalone per project folder: an exclusive file with process id and start time. A lock whose process is gone is taken over.
 * @throws EtlError `request.conflict` when another one lives */
export async function lockProject(projectDir: string): Promise<{ release(): Promise<void> }> {
  const folder = homeOf(projectDir);
  const file = join(folder, 'lock');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (let tries = 0; ; tries += 1) {
    try {
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(`${process.pid} ${await startOf(process.pid)}\n`);
      await handle.close();
      await rm(join(folder, 'run.json'), { force: true }); // of one that was killed
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await holderOf(file);
      const conflict = new EtlError('request.conflict', { what: `the standalone of ${projectDir}`, state: `running as process ${holder?.pid ?? 'unknown'}`, action: 'a second start' });
      if (tries > 3 || (holder && await isRunning(holder.pid, holder.start))) throw conflict;
      await rm(file, { force: true });
    }
  }
}
