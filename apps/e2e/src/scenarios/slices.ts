import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { type BackfillView, DatasetProfile, endpoints } from '@agent-etl/contracts';
import { killAll } from '../processes.ts';
import { expectRunSound } from '../soundness.ts';
import { between, copy, fresh, inShop, inWarehouse, patiently } from '../steps.ts';
import type { World } from '../world.ts';

async function untilSlices(world: World, { pipeline, backfillId }: BackfillView, isEnough: (done: number, view: BackfillView) => boolean): Promise<BackfillView> {
  for (const until = Date.now() + 120_000; ; await delay(50)) {
    const view = await patiently(() => world.client.call(endpoints.getBackfill, { params: { name: pipeline, backfillId } }));
    if (isEnough(view.slices.filter(({ state }) => state === 'succeeded').length, view)) return view;
    if (Date.now() > until) throw new Error(`backfill ${backfillId} is still ${view.state}: ${JSON.stringify(view.slices)}`);
  }
}

/** Slices of a source that are read again, and what is told of its values. */
export function slices(world: () => World): void {
  it('reads a source again slice by slice although everything was killed in the middle of it, and tells what its values are like', async () => {
    const table = fresh('sliced');
    await inShop(world(), `create table ${table} (id int primary key, v text, updated_at timestamptz not null); create index on ${table} (updated_at);
      insert into ${table} select n, 'value-' || n, timestamptz '2001-01-01 00:00Z' + n * interval '1 hour' from generate_series(0, 999) as n; analyze ${table}`);
    const pipeline = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    await copy(world(), pipeline);
    const positions = (): Promise<unknown> => inWarehouse(world(), `select value, run_id from _etl.position where target = 'mart.${table}'`);
    const before = await positions();
    await inWarehouse(world(), `delete from mart.${table} where id % 3 = 0; update mart.${table} set v = 'spoilt' where id % 5 = 0`);
    const begun = await world().client.call(endpoints.backfillPipeline, { params: { name: pipeline.name }, body: { from: '2001-01-01', to: '2001-02-20', step: '4d' } });
    await untilSlices(world(), begun, (done) => done >= 2);
    killAll(Object.values(await world().processes()));
    await world().revive();
    const ended = await untilSlices(world(), begun, (_, { state }) => state !== 'running' && state !== 'waiting');
    expect([ended.state, ended.slices.length, ended.slices.reduce((sum, { read }) => sum + (read ?? 0), 0)]).toEqual(['succeeded', 13, 1000]);
    const whole = `select md5(string_agg(t::text, '|' order by id)) as digest from`;
    expect(await inWarehouse(world(), `${whole} mart.${table} as t`)).toEqual(await inShop(world(), `${whole} ${table} as t`));
    expect(await positions()).toEqual(before);
    for (const { runId } of ended.slices) await expectRunSound(world(), runId!);

    const said = await world().cli(['profile', `shop.public.${table}`, '--again', '--json']);
    const { sketch } = DatasetProfile.parse(JSON.parse(said.stdout));
    expect([said.code, sketch?.rows, sketch?.whole, sketch?.columns.map(({ name, nulls, min, max }) => [name, nulls, min, max]).slice(0, 2)]).toEqual([0, 1000, true, [['id', 0, '0', '999'], ['v', 0, '7', '9']]]);
    expect(said.stdout).not.toContain('value-');
  });
}
