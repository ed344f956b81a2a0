import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const exists = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};
async function markOf(path: string): Promise<string | null> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true });
    return `${ino}.${mtimeNs}.${size}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
async function flush(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What follows the name of the target: a run and its attempt. */
const ATTEMPT = /^[0-9a-f]{32}\.\d+\.tmp$/;
const MOST_BYTES = 120;
/** A name that fits, with all that is put around it, into the 255 bytes of a file system. A long one is its start and the hash of the whole: that is longer than any short one, so that no two targets share it. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name;
  let short = [...name];
  while (Buffer.byteLength(short.join('')) > MOST_BYTES) short = short.slice(0, -1);
  return `${short.join('')}~${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

/** Where one run makes a file before anybody can see it: hidden names beside the target, one per attempt, so that publishing is a rename. */
export class StagedFile {
  readonly target: string;
  private readonly name: string;
  private readonly prefix: string;
  constructor(target: string, runId: string) {
    this.target = target;
    this.name = `.${shortened(basename(target))}.`;
    this.prefix = `${this.name}${runId.replaceAll('-', '')}.`;
  }

  of(attempt: number): string { return join(dirname(this.target), `${this.prefix}${attempt}.tmp`); }
  /** Bytes of what an attempt staged, or null. */
  sizeOf(attempt: number): Promise<number | null> { return exists(this.of(attempt)); }
  /** What tells the file of an attempt from every other one, and stays with it when it is renamed; null where there is none. The number of a file alone is given again to the next one. */
  markOf(attempt: number): Promise<string | null> { return markOf(this.of(attempt)); }
  targetMark(): Promise<string | null> { return markOf(this.target); }

  /** Makes the folder of the target and tries that files can be made there. */
  async makeFolder(): Promise<void> {
    const folder = dirname(this.target);
    await mkdir(folder, { recursive: true });
    const probe = join(folder, `${this.prefix}${randomUUID()}.tmp`);
    await (await open(probe, 'wx')).close();
    await rm(probe);
  }
  /** Brings what an attempt wrote to the disk itself. @returns its bytes */
  async flush(attempt: number): Promise<number> {
    await flush(this.of(attempt), 'r+');
    return (await stat(this.of(attempt))).size;
  }
  /** Puts it in the place of the target in one step, and that step on the disk. @returns `gone` where there is nothing to rename */
  async publish(attempt: number): Promise<'renamed' | 'gone'> {
    const came = await rename(this.of(attempt), this.target).then(() => 'renamed' as const, (error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return 'gone' as const; throw error; });
    if (came === 'renamed') await flush(dirname(this.target), 'r');
    return came;
  }
  /** Removes what attempts of this run left here, but for one. */
  async clear(keep: number | null): Promise<void> {
    const kept = keep === null ? null : basename(this.of(keep));
    await this.remove((await this.names()).filter((name) => name.startsWith(this.prefix) && name.endsWith('.tmp') && name !== kept));
  }
  /** What other runs have staged for the same target. A file system renames without a look at the fence: so whoever publishes lists these, looks at the fence, and removes them before its own rename. A run
   * that slept since its last look then has nothing to rename when it wakes, and what it had listed itself is older than whoever came after it. */
  async ofOtherRuns(): Promise<string[]> { return (await this.names()).filter((name) => name.startsWith(this.name) && !name.startsWith(this.prefix) && ATTEMPT.test(name.slice(this.name.length))); }
  async remove(names: readonly string[]): Promise<void> { await Promise.all(names.map((name) => rm(join(dirname(this.target), name), { force: true }))); }
  private names(): Promise<string[]> {
    return readdir(dirname(this.target)).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return []; throw error; });
  }
}
