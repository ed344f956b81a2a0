import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { expectAway } from '../away.ts';
import { type Ground, type Scene, layGround, rowsOf, toFile, toVault, whileHeld } from '../ground.ts';
import { killAll } from '../processes.ts';
import { expectNoHolderLeft, expectSound } from '../soundness.ts';
import { begin, fresh, untilGreen, untilRun } from '../steps.ts';
import { type SetUp, type World, partOf } from '../world.ts';
import { brokerAway } from './broker-away.ts';
import { fullDisk } from './full-disk.ts';
import { plantedFaults } from './planted.ts';
import { sourceRestarts, stateAway, targetRestarts } from './server-restarts.ts';

/** Programs, servers and disks go away in the middle of a copy: it ends green and exact, and nothing of what was broken off is left. */
export function kills(world: () => World, has: SetUp['has'], password: string): void {
  let ground: Ground | undefined;
  beforeAll(async () => { ground = await layGround(world(), password); }, 60_000);
  afterAll(async () => { await ground?.drop(); }, 60_000);
  const scene: Scene = { world, ground: () => { if (!ground) throw new Error('there is no ground'); return ground; } };
  plantedFaults(scene);
  targetRestarts(scene);
  fullDisk(scene);
  if (has.services) orchestratorKilled(scene);
  everythingKilled(scene);
  stateAway(scene);
  if (has.broker) brokerAway(scene);
  // The waits of three leases are over by now, but for the rest of the last one. A restart of the source would end who holds a picture of it, so it comes after.
  it('leaves nobody holding a picture three leases after the last copy', async () => { await expectNoHolderLeft(scene.ground()); });
  sourceRestarts(scene);
}

function orchestratorKilled({ world, ground }: Scene): void {
  it('ends a copy green whose orchestrator was killed in the middle of it', async () => {
    const orchestrator = partOf((await world().processes())['orchestrator']);
    const target = fresh('headless');
    const runId = await begin(world(), toVault(target));
    await whileHeld(ground(), runId, async () => {
      killAll([orchestrator]);
      await expectAway(world(), [`/v1/runs/${runId}`]);
    });
    await world().revive(); // meanwhile the worker ends its load and tells nobody
    const run = await untilGreen(world(), runId);
    expect(run.tasks.map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(run.receipt).toMatchObject({ written: rowsOf.parcel, published: rowsOf.parcel });
    await expectSound(world(), ground(), { runId, wrote: { target } });
  });
}
function everythingKilled({ world, ground }: Scene): void {
  it('ends copies green although everything was killed in the middle of them', async () => {
    const [target, file] = [fresh('killed'), `${fresh('killed')}.parquet`];
    const runId = await begin(world(), toVault(target));
    let fileRunId = runId;
    await whileHeld(ground(), runId, async () => {
      fileRunId = await begin(world(), toFile(file));
      await untilRun(world(), fileRunId, ({ tasks }) => tasks.some(({ progress }) => (progress?.rows ?? 0) > 0));
      killAll(Object.values(await world().processes()));
    });
    await world().revive();
    const [run, fileRun] = await Promise.all([untilGreen(world(), runId), untilGreen(world(), fileRunId)]);
    const load = run.tasks.find(({ kind }) => kind === 'load');
    expect(load?.attempts).toBeGreaterThan(1);
    expect(load?.result?.kind === 'load' && load.result.resumed).toBeGreaterThan(0); // the picture outlived its holder
    expect(fileRun.receipt).toMatchObject({ reconciled: true, level: 'full', written: rowsOf.parcel });
    await access(join(world().folder, file));
    await expectSound(world(), ground(), { runId, wrote: { target } });
    await expectSound(world(), ground(), { runId: fileRunId, wrote: 'files' });
  });
}
