import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { type PipelineView, type RunId, type ScheduleView, endpoints } from '@agent-etl/contracts';
import { ask, between, fresh, inShop, inWarehouse, untilGreen } from '../steps.ts';
import { type World, sqlIn } from '../world.ts';

/** The database that holds the state: the one beside `shop` and `warehouse` that has schedules. */
async function stateOf(world: Pick<World, 'postgresUrl'>): Promise<string> {
  const names = await sqlIn<{ name: string }>(world, 'postgres', `select datname as name from pg_database where datallowconn and not datistemplate`);
  for (const { name } of names) if ((await sqlIn(world, name, `select 1 where to_regclass('orchestrator.schedule') is not null`)).length > 0) return name;
  throw new Error('no database has schedules');
}
/** Lets the slot of a schedule come: nobody waits for a quarter past one. */
export async function come(world: Pick<World, 'postgresUrl'>, pipeline: string, ago: string): Promise<void> {
  await sqlIn(world, await stateOf(world), `update orchestrator.schedule set next_at = clock_timestamp() - interval '${ago}' where pipeline_id = (select pipeline_id from orchestrator.pipeline where name = '${pipeline}')`);
}
export async function untilSlot(world: Pick<World, 'client'>, name: string, isEnough: (schedule: ScheduleView) => boolean): Promise<ScheduleView> {
  for (const until = Date.now() + 30_000; ; await delay(100)) {
    const { schedule } = await world.client.call(endpoints.getPipeline, { params: { name } });
    if (schedule && isEnough(schedule)) return schedule;
    if (Date.now() > until) throw new Error(`${name}: ${JSON.stringify(schedule)}`);
  }
}

export function schedules(world: () => World): void {
  it('runs an approved pipeline at its slots, again and again, and holds when it is paused', async () => {
    const table = fresh('nightly');
    await inShop(world(), `create table ${table} (id int primary key, t text); insert into ${table} select n, 'old' from generate_series(1, 1000) as n; analyze ${table}`);
    const pipeline = { ...between(`shop|public.${table}`, `warehouse|mart.${table}`, { load: 'upsert', key: ['id'] }), schedule: { cron: '15 1 * * *', timezone: 'Europe/Lisbon' } };
    expect(await world().client.call(endpoints.createRequest, { body: { pipeline, run: 'never' }, query: { wait: 30 } })).toMatchObject({ state: 'planned' });
    const { schedule } = await world().client.call(endpoints.getPipeline, { params: { name: pipeline.name } });
    expect(schedule).toMatchObject({ ...pipeline.schedule, nextAt: expect.stringMatching(/T0[01]:15:00\.000Z$/) as unknown, lastSlot: null });

    await come(world(), pipeline.name, '60 hours');
    const first = (await untilSlot(world(), pipeline.name, ({ lastSlot }) => lastSlot !== null)).lastSlot!;
    expect([first.outcome, first.missed >= 2]).toEqual(['started', true]);
    expect(await untilGreen(world(), first.runId as RunId)).toMatchObject({ planId: schedule!.planId, receipt: { written: 1000, reconciled: true } });

    await inShop(world(), `update ${table} set t = 'new' where id <= 10; insert into ${table} values (1001, 'new')`);
    await come(world(), pipeline.name, '1 second');
    const second = (await untilSlot(world(), pipeline.name, ({ lastSlot }) => lastSlot?.runId !== first.runId)).lastSlot!;
    expect(second).toMatchObject({ outcome: 'started', missed: 0 });
    await untilGreen(world(), second.runId as RunId);
    expect(await inWarehouse(world(), `select count(*)::int as n, count(*) filter (where t = 'new')::int as fresh from mart.${table}`)).toEqual([{ n: 1001, fresh: 11 }]);

    const paused = await world().cli(['pipelines', 'pause', pipeline.name, '--json']);
    expect([paused.code, (JSON.parse(paused.stdout) as PipelineView).schedule]).toEqual([0, expect.objectContaining({ nextAt: null, pausedBy: 'owner' })]);
    expect((await world().cli(['pipelines'])).stdout).toContain('paused by owner');
    const resumed = await world().cli(['pipelines', 'resume', pipeline.name, '--json']);
    expect((JSON.parse(resumed.stdout) as PipelineView).schedule).toMatchObject({ pausedAt: null, nextAt: schedule!.nextAt });
  });
  it('records a slot whose plan does not fit the source any more, and asks before it adds everything each time', async () => {
    const table = fresh('changed');
    await inShop(world(), `create table ${table} (id int primary key); insert into ${table} select generate_series(1, 10)`);
    const pipeline = { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), schedule: { cron: '0 4 * * *' } };
    expect(await ask(world(), pipeline)).toMatchObject({ state: 'waiting', failure: { code: 'request.ambiguous' } });
    const merging = { ...pipeline, to: { ...pipeline.to, load: 'upsert' as const, key: ['id'] } };
    await world().client.call(endpoints.createRequest, { body: { pipeline: merging, run: 'never' }, query: { wait: 30 } });
    await inShop(world(), `alter table ${table} add column more text`);
    await world().client.call(endpoints.createRequest, { body: { pipeline: { ...merging, to: { ...merging.to, load: 'replace' } }, run: 'never' }, query: { wait: 30 } });
    await come(world(), pipeline.name, '1 second');
    const { lastSlot, nextAt } = await untilSlot(world(), pipeline.name, (schedule) => schedule.lastSlot !== null);
    expect(lastSlot).toMatchObject({ outcome: 'failed', runId: null, failure: { code: 'plan.stale' } });
    expect(nextAt).toMatch(/T04:00:00\.000Z$/);
  });
}
