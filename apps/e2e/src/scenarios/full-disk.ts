import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type Scene, rowsOf, toFile } from '../ground.ts';
import { canMountDisk, mountDisk, unmountDisk } from '../small-disk.ts';
import { expectSound } from '../soundness.ts';
import { begin, copy, untilRun } from '../steps.ts';

const MB = 2 ** 20;

/** A disk that is full but for 4 MB; the file needs several times that. */
export function fullDisk({ world, ground }: Scene): void {
  (canMountDisk() ? it : it.skip)('says that the disk of a file is full, leaves nothing there, and is green once there is room', async () => {
    const folder = join(world().folder, 'small');
    mountDisk(folder, 64);
    try {
      await writeFile(join(folder, 'ballast'), Buffer.alloc(60 * MB));
      const pipeline = toFile('small/parcels.parquet');
      const run = await untilRun(world(), await begin(world(), pipeline));
      expect([run.state, run.failure?.code]).toEqual(['failed', 'platform.disk-full']);
      expect(await readdir(folder)).toEqual(['ballast']);
      await expectSound(world(), ground(), { runId: run.runId, wrote: 'files' });
      await rm(join(folder, 'ballast'));
      const { runId, receipt } = await copy(world(), pipeline);
      expect(receipt).toMatchObject({ reconciled: true, written: rowsOf.parcel });
      expect(await readdir(folder)).toEqual(['parcels.parquet']);
      await expectSound(world(), ground(), { runId, wrote: 'files' });
    } finally { unmountDisk(folder); }
  });
}
