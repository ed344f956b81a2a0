import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { aZombie } from '@agent-etl/service-kit/testing';
import { homeOf, lockProject } from './project-lock.ts';

describe('lockProject', () => {
  let folder: string;
  const file = (): string => join(homeOf(folder), 'lock');
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'etl-lock-')); });
  afterEach(async () => { await rm(folder, { recursive: true, force: true }); });

  it('refuses a second holder, and lets the next one in after the release', async () => {
    const lock = await lockProject(folder);
    await expect(lockProject(folder)).rejects.toMatchObject({ code: 'request.conflict' });
    await lock.release();
    await (await lockProject(folder)).release();
  });
  it('takes over from a process that is gone, or whose id belongs to another one now', async () => {
    await (await lockProject(folder)).release();
    for (const holder of ['999999999 1', `${process.pid} 1`]) {
      await writeFile(file(), holder);
      await (await lockProject(folder)).release();
    }
  });
  it.each([['a free folder', null], ['the lock of one that is gone', '999999999 1']])('lets one of many in that come at once to %s', async (_, left) => {
    for (let round = 0; round < 25; round += 1) {
      await (await lockProject(folder)).release();
      if (left !== null) await writeFile(file(), left);
      const locks = (await Promise.allSettled(Array.from({ length: 8 }, () => lockProject(folder)))).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(locks).toHaveLength(1);
      await locks[0]?.release();
    }
    expect(await readdir(homeOf(folder))).toEqual([]);
  });
  it('is not kept out by one that was killed while it took over', async () => {
    await (await lockProject(folder)).release();
    for (const name of ['lock', 'lock.turn']) await writeFile(join(homeOf(folder), name), '999999999 1');
    await (await lockProject(folder)).release();
    expect(await readdir(homeOf(folder))).toEqual([]);
  });
  it('takes over from one that was killed and that nobody has collected', async () => {
    await (await lockProject(folder)).release();
    const { pid, start, collect } = await aZombie();
    await writeFile(file(), `${pid} ${start}`);
    await (await lockProject(folder)).release();
    collect();
  });
});
