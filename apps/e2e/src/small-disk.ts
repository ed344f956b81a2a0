import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounts a small file system, in memory, over a folder. */
export function mountDisk(folder: string, megabytes: number): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', folder], { stdio: 'pipe' });
}
/** Takes it away, whoever still looks at it. */
export const unmountDisk = (folder: string): void => { execFileSync('umount', ['-l', folder]); };

/** Whether this machine lets us mount one; says SKIPPED when it does not. */
export function canMountDisk(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'etl-disk-'));
  try {
    mountDisk(folder, 1);
    unmountDisk(folder);
    return true;
  } catch {
    process.stdout.write('SKIPPED full disk in the whole system: no right to mount a small file system\n');
    return false;
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
