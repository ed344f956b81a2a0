import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { expectAway } from '../away.ts';
import { type Scene, rowsOf, toVault, untilMidway, whileHeld } from '../ground.ts';
import { OwnPostgres, stopModes } from '../own-postgres.ts';
import { expectSound } from '../soundness.ts';
import { begin, fresh, patiently, request, runOf, settle, untilGreen } from '../steps.ts';

/** The PostgreSQL that holds the state goes away twice while a copy is under way, and its services stay. */
export function stateAway({ world, ground }: Scene): void {
  it('says that its state is away, and goes on by itself when it is back', async () => {
    const [state, processes] = [await OwnPostgres.open(join(world().folder, '.agent-etl', 'postgres')), await world().processes()];
    const [target, letter, requestId] = [fresh('stateless'), fresh('letter'), randomUUID()];
    const [runId, late] = [await begin(world(), toVault(target)), toVault(letter, 'letter')];
    // Doors of the orchestrator, the monitor and the dag-generator.
    const doors = [`/v1/runs/${runId}`, '/v1/pipelines', `/v1/views/runs/${runId}`, `/v1/plans/${'0'.repeat(64)}/dag`];
    await whileHeld(ground(), runId, async () => {
      for (const mode of stopModes) {
        await state.end(mode);
        try {
          await expectAway(world(), doors);
          await expect(request(world(), late, requestId)).rejects.toMatchObject({ code: 'platform.unavailable' });
        } finally { await state.start(); }
        await patiently(() => world().client.call(endpoints.getRun, { params: { runId } }));
      }
    });
    const asked = await patiently(() => request(world(), late, requestId));
    const [run, settled] = await Promise.all([untilGreen(world(), runId), settle(world(), asked)]);
    expect([run.tasks.map(({ attempts }) => attempts), settled.state]).toEqual([[1, 1], 'finished']);
    expect(await world().processes()).toEqual(processes);
    await expectSound(world(), ground(), { runId, wrote: { target } });
    await expectSound(world(), ground(), { runId: (await runOf(world(), settled)).runId, wrote: { target: letter, from: 'letter' } });
  });
}
export const sourceRestarts = (scene: Scene): void => { restarts(scene, 'source'); };
export const targetRestarts = (scene: Scene): void => { restarts(scene, 'target'); };

/** One end of a copy is restarted in its first attempt, and the other way in a later one. */
function restarts({ world, ground }: Scene, end: 'source' | 'target'): void {
  it(`ends a copy green whose ${end} was restarted twice in the middle of it`, async () => {
    const target = fresh(end);
    const runId = await begin(world(), toVault(target));
    for (const [attempts, mode] of stopModes.entries()) {
      await untilMidway(ground(), runId, attempts + 1);
      await ground()[end].end(mode);
      await ground()[end].start();
    }
    const run = await untilGreen(world(), runId);
    expect(run.receipt).toMatchObject({ reconciled: true, written: rowsOf.parcel, published: rowsOf.parcel });
    expect(run.receipt?.attempts).toBeGreaterThan(2); // a load and a publish would be two
    await expectSound(world(), ground(), { runId, wrote: { target } });
  });
}
