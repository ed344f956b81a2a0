import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Private folders for FIFOs and spill: one per attempt below one per process, so that what a killed process left can be told from what is in use. */
export class ScratchFolders {
  private readonly root: string;
  private readonly own: string;
  /** @param root folder of all workers of this machine, or null for one below the system temp folder */
  constructor(root: string | null, private readonly pid = process.pid) {
    this.root = root ?? join(tmpdir(), 'agent-etl-worker');
    this.own = join(this.root, `${hostname()}-${this.pid}`);
  }

  async make(name: string): Promise<string> {
    const folder = join(this.own, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
  async drop(folder: string): Promise<void> { await rm(folder, { recursive: true, force: true, maxRetries: 3 }); }

  /** Removes folders of processes of this machine that have ended. */
  async sweep(): Promise<void> {
    const left = (await readdir(this.root).catch(() => [])).filter((name) => isAbandoned(name, this.pid));
    await Promise.all(left.map((name) => this.drop(join(this.root, name))));
  }
  async close(): Promise<void> { await this.drop(this.own); }
}

function isAbandoned(name: string, own: number): boolean {
  const prefix = `${hostname()}-`;
  const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length) : Number.NaN);
  if (!Number.isInteger(pid) || pid === own) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
