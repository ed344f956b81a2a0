import { EtlError } from '@agent-etl/contracts';
import { isRunning, startOf } from '@agent-etl/service-kit';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Private folders for FIFOs and spill: one per attempt below one per process, so that what a killed process left can be told from what is in use: in a
 * container that was started again the next worker has the same process id. */
export class ScratchFolders {
  private readonly root: string;
  private readonly own = startOf(process.pid).then((start) => `${hostname()}-${process.pid}-${start}`);
  /** @param root folder of all workers of this machine, or null for one below the system temp folder */
  constructor(root: string | null) { this.root = root ?? join(tmpdir(), 'agent-etl-worker'); }

  async make(name: string): Promise<string> {
    const folder = join(this.root, await this.own, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
  /** Tries whether something can be written: without that every task would fail.
   * @throws EtlError `config.invalid` */
  async check(): Promise<void> {
    try { await this.drop(await this.make('check')); } catch (error) {
      const text = `nothing can be written to ${this.root}: ${(error as { code?: string }).code ?? 'for an unknown reason'}`;
      throw new EtlError('config.invalid', { problems: `ETL_ETL_WORKER_SCRATCH: ${text}` }, { issues: [{ code: 'config', path: 'ETL_ETL_WORKER_SCRATCH', text }], cause: error });
    }
  }
  async drop(folder: string): Promise<void> { await rm(folder, { recursive: true, force: true, maxRetries: 3 }); }

  /** Removes folders of processes of this machine that have ended. */
  async sweep(): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    await Promise.all(names.map(async (name) => { if (await isAbandoned(name)) await this.drop(join(this.root, name)); }));
  }
  async close(): Promise<void> { await this.drop(join(this.root, await this.own)); }
}

async function isAbandoned(name: string): Promise<boolean> {
  const prefix = `${hostname()}-`;
  const [, pid, start = ''] = (name.startsWith(prefix) && /^(\d+)(?:-(\d*))?$/.exec(name.slice(prefix.length))) || [];
  return pid !== undefined && !await isRunning(Number(pid), start);
}
