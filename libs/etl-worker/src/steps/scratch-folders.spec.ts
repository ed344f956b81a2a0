import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { startOf } from '@agent-etl/service-kit';
import { aZombie } from '@agent-etl/service-kit/testing';
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
    const [{ pid }, zombie] = [spawnSync(process.execPath, ['-e', '']), await aZombie()];
    const gone = [`${hostname()}-${pid}-1`, `${hostname()}-${pid}`, `${hostname()}-${zombie.pid}-${zombie.start}`, `${hostname()}-${process.pid}-1`];
    const kept = [`${hostname()}-${process.ppid}-${await startOf(process.ppid)}`, 'other-host-1', 'notes'];
    for (const name of [...gone, ...kept]) await mkdir(join(root, name, 'task-1'), { recursive: true });
    const folders = new ScratchFolders(root);
    const own = await folders.make('task-1');
    await folders.sweep();
    expect((await readdir(root)).sort()).toEqual([...kept, basename(dirname(own))].sort());
    zombie.collect();
  });
  it('says by name when nothing can be written to them, and leaves nothing of the try', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(new ScratchFolders(join(root, 'file')).check()).rejects.toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_ETL_WORKER_SCRATCH' }] });
    const folders = new ScratchFolders(join(root, 'fresh'));
    await folders.check();
    await folders.close();
    expect(await readdir(join(root, 'fresh'))).toEqual([]);
  });
  it('has nothing to sweep on a new machine', async () => {
    await expect(new ScratchFolders(join(root, 'not-there')).sweep()).resolves.toBeUndefined();
  });
});
