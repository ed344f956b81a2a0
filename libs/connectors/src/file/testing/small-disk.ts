import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real file system of two megabytes, in memory, over a folder. */
export interface SmallDisk {
  readonly at: string;
  /** Fills it, but for so many bytes. */
  leave(bytes: number): void;
  /** Takes the ballast away. */
  free(): void;
  drop(): void;
}
const BYTES = 2 * 2 ** 20;
export const BALLAST = 'ballast';

/** @param most entries that it holds, files and folders together, with its own root; as many as there is room for when left out */
export function aSmallDisk(at: string, most?: number): SmallDisk {
  mkdirSync(at, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${BYTES}${most === undefined ? '' : `,nr_inodes=${most}`}`, 'none', at], { stdio: 'pipe' });
  const ballast = join(at, BALLAST);
  const free = (): void => { rmSync(ballast, { force: true }); };
  return {
    at, free, drop: () => { execFileSync('umount', ['-l', at]); },
    leave(bytes) {
      free();
      const used = Number(execFileSync('df', ['-B1', '--output=used', at]).toString().split('\n')[1]);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, BYTES - used - bytes)));
    },
  };
}
/** Whether this machine lets us mount one; says SKIPPED when it does not. */
export function canMount(suite: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'etl-disk-'));
  try {
    aSmallDisk(folder).drop();
    return true;
  } catch {
    process.stdout.write(`SKIPPED ${suite}: no right to mount a small file system\n`);
    return false;
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
