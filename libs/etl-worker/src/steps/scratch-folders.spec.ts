import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScratchFolders } from './scratch-folders.ts';

describe('scratch folders', () => {
  let root: string;
  beforeEach(async () => { root = await mkdtemp(join(tmpdir(), 'scratch-spec-')); });
  afterEach(async () => { await rm(root, { recursive: true, force: true }); });

  it('are readable by their owner only, and gone with the attempt', async () => {
    const folders = new ScratchFolders(root);
    const folder = await folders.make('task-1');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await writeFile(join(folder, 'spill'), 'x');
    await folders.drop(folder);
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });
  it('of a killed worker of this machine go when another one starts; those in use and of other machines stay', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const names = [`${hostname()}-${pid}`, `${hostname()}-${process.ppid}`, 'other-host-1', 'notes'];
    for (const name of names) await mkdir(join(root, name, 'task-1'), { recursive: true });
    await new ScratchFolders(root).sweep();
    expect((await readdir(root)).sort()).toEqual(names.slice(1).sort());
  });
  it('has nothing to sweep on a new machine', async () => {
    await expect(new ScratchFolders(join(root, 'not-there')).sweep()).resolves.toBeUndefined();
  });
});
