import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Pipeline, type PlanId, type RequestView, type RunView, RequestId, endpoints } from '@agent-etl/contracts';
import { ask, between, copy, fresh, inShop, inWarehouse, runOf, settle, untilRun } from '../steps.ts';
import type { World } from '../world.ts';

type Parts = { pipeline: Pipeline; table: string };
/** A table that was copied green once; what comes then is drift. */
async function copied(world: World, { shape = 'id int primary key, v int', more = {}, onDrift }: { shape?: string; more?: Partial<Pipeline['to']>; onDrift?: Pipeline['onDrift'] }): Promise<Parts> {
  const table = fresh('drifts');
  await inShop(world, `create table ${table} (${shape}); insert into ${table} (id, v) select n, n from generate_series(1, 1000) as n`);
  const pipeline = { ...between(`shop|public.${table}`, `warehouse|mart.${table}`, more), ...(onDrift === undefined ? {} : { onDrift }) };
  await copy(world, pipeline);
  return { pipeline, table };
}
const upsert: Partial<Pipeline['to']> = { load: 'upsert', key: ['id'] };
/** Runs the plan that stands, as a schedule does: nobody has looked at the source since. */
async function planned(world: World, pipeline: Pipeline): Promise<PlanId> {
  const { planId, state } = await settle(world, await world.client.call(endpoints.createPlan, { body: { pipeline } }));
  if (state === 'waiting') await world.client.call(endpoints.approvePlan, { params: { planId: planId! } });
  return planId!;
}
async function driftsUnderway(world: World, { pipeline, table }: Parts, change: string): Promise<RunView> {
  const planId = await planned(world, pipeline);
  await inShop(world, change.replaceAll('TABLE', table));
  const { runId } = await world.client.call(endpoints.runPlan, { params: { planId }, idempotencyKey: fresh('drift') });
  return untilRun(world, runId);
}
const shapeOf = (world: World, table: string): Promise<{ text: string }[]> =>
  inWarehouse(world, `select string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) as text from information_schema.columns where table_schema = 'mart' and table_name = '${table}'`);
const requestOf = (world: World, requestId: string): Promise<RequestView> => world.client.call(endpoints.getRequest, { params: { requestId: RequestId.parse(requestId) } });
async function replanned(world: World, { runId }: RunView): Promise<RequestView> { return settle(world, await requestOf(world, `drift-1-${runId}`)); }

/** The source gets another shape, between planning and run or between two runs. */
export function drift(world: () => World): void {
  describe.each([
    ['a column that came', 'alter table TABLE add column more numeric(10,2)', 'drift.added'], ['a column that is never NULL', 'alter table TABLE add column more int not null default 0', 'drift.required'],
    ['a column that is gone', 'alter table TABLE drop column v', 'drift.gone'], ['another name', 'alter table TABLE rename column v to w', 'drift.renamed'], ['a wider type', 'alter table TABLE alter column v type bigint', 'drift.wider'],
    ['a narrower type', 'alter table TABLE alter column v type smallint', 'drift.narrower'], ['another type', 'alter table TABLE alter column v type text', 'drift.retyped'], ['values that may be NULL', 'alter table TABLE alter column v drop not null', 'drift.nullable'],
  ])('%s', (_, change, code) => {
    it('stops the run before a row is published, with the diff and what to type next', async () => {
      const parts = await copied(world(), { shape: code === 'drift.nullable' ? 'id int primary key, v int not null' : 'id int primary key, v int', more: upsert });
      const before = await inWarehouse(world(), `select * from mart.${parts.table} order by id`);
      const run = await driftsUnderway(world(), parts, change);
      expect(run).toMatchObject({ state: 'failed', failure: { code: 'source.schema-drifted', issues: [{ code, text: expect.stringMatching(/: .*\./) as unknown }], next: expect.stringContaining('run the pipeline again') as unknown } });
      expect(await inWarehouse(world(), `select * from mart.${parts.table} order by id`)).toEqual(before);
    });
  });
  it('refuses a column that the target lacks, says since when, and how it is added', async () => {
    const parts = await copied(world(), { more: upsert });
    await inShop(world(), `alter table ${parts.table} add column more text`);
    const view = await ask(world(), parts.pipeline);
    expect(view.failure).toMatchObject({ code: 'plan.refused', text: expect.stringContaining('since the last green run of this pipeline column more came') as unknown, next: expect.stringContaining('ALTER TABLE') as unknown });
    await inWarehouse(world(), (/ALTER TABLE [^;]*/.exec(view.failure?.next ?? '') ?? [''])[0]);
    await copy(world(), parts.pipeline);
  });
  it.each<[string, Partial<Pipeline['to']>]>([['upsert', upsert], ['replace, once a person has said yes to that', { load: 'replace' }], ['append', { load: 'append' }]])('adds a column by itself where the pipeline says evolve, by %s', async (_, more) => {
    const parts = await copied(world(), { more, onDrift: 'evolve' });
    if (more.load === 'append') await inWarehouse(world(), `truncate mart.${parts.table}`);
    const run = await driftsUnderway(world(), parts, 'alter table TABLE add column more numeric(10,2); update TABLE set more = id / 8.0');
    expect(run.failure?.code).toBe('source.schema-drifted');
    const request = await replanned(world(), run);
    expect(request.state).toBe(more.load === 'replace' ? 'waiting' : 'finished');
    if (request.state === 'waiting') await world().client.call(endpoints.approvePlan, { params: { planId: request.planId! } });
    expect(await runOf(world(), await settle(world(), await requestOf(world(), request.requestId)))).toMatchObject({ state: 'succeeded', receipt: { reconciled: true } });
    expect(await shapeOf(world(), parts.table)).toEqual([{ text: 'id integer, v integer, more numeric' }]);
    const sums = 'select count(*)::int as n, sum(more)::text as more from ';
    expect(await inWarehouse(world(), `${sums}mart.${parts.table}`)).toEqual(await inShop(world(), `${sums}${parts.table}`));
  });
  it('widens a column only after a person has said yes, and shows the diff', async () => {
    const parts = await copied(world(), { more: upsert, onDrift: 'evolve' });
    const run = await driftsUnderway(world(), parts, 'alter table TABLE alter column v type bigint; update TABLE set v = v + 3000000000');
    const waiting = await replanned(world(), run);
    expect(waiting).toMatchObject({ state: 'waiting', failure: { code: 'plan.needs-approval' } });
    expect(await shapeOf(world(), parts.table)).toEqual([{ text: 'id integer, v integer' }]);
    const told = await world().cli(['diff', parts.pipeline.name]);
    expect([told.code, told.stdout]).toEqual([0, expect.stringMatching(/~ target v\s+ALTER COLUMN v from integer to bigint[\s\S]*next {4}agent-etl apply/)]);
    expect((await world().cli(['apply', waiting.planId!, '--approve'])).code).toBe(0);
    const done = await settle(world(), await requestOf(world(), waiting.requestId));
    expect(await runOf(world(), done)).toMatchObject({ state: 'succeeded' });
    expect(await inWarehouse(world(), `select sum(v)::text as v, pg_typeof(min(v))::text as t from mart.${parts.table}`)).toEqual([{ v: String(1000 * 3_000_000_000 + 500_500), t: 'bigint' }]);
  });
  it.each([['gone', 'drop column v'], ['renamed', 'rename column v to w']])('never drops nor renames: a column that is %s waits for a person or is refused', async (_, change) => {
    const parts = await copied(world(), { more: upsert, onDrift: 'evolve' });
    const view = await replanned(world(), await driftsUnderway(world(), parts, `alter table TABLE ${change}`));
    expect(['waiting', 'failed']).toContain(view.state);
    expect(await shapeOf(world(), parts.table)).toEqual([{ text: 'id integer, v integer' }]);
  });
  it('goes on incrementally with the new column: rows of before have NULL, those that changed have their value', async () => {
    const parts = await copied(world(), { shape: 'id int primary key, v int, updated_at timestamptz not null default now()', onDrift: 'evolve' });
    await inShop(world(), `create index on ${parts.table} (updated_at)`);
    const base = { ...parts, pipeline: { ...parts.pipeline, from: { ...parts.pipeline.from, cursor: 'updated_at' } } };
    await copy(world(), { ...base.pipeline, to: { ...base.pipeline.to, load: 'upsert', key: ['id'] } });
    await inShop(world(), `update ${parts.table} set updated_at = now() - interval '2 days' where id > 10`);
    const run = await driftsUnderway(world(), { ...base, pipeline: { ...base.pipeline, to: { ...base.pipeline.to, load: 'upsert', key: ['id'] } } }, `alter table TABLE add column more int default 7; update TABLE set more = 8, updated_at = now() where id <= 3`);
    const after = await runOf(world(), await replanned(world(), run));
    expect(after).toMatchObject({ state: 'succeeded' });
    expect(await inWarehouse(world(), `select count(*) filter (where more = 8)::int as changed, count(*) filter (where more is null)::int as before from mart.${parts.table}`)).toEqual([{ changed: 3, before: 990 }]);
    await inShop(world(), `update ${parts.table} set more = 9, updated_at = now() where id = 1`);
    const later = await copy(world(), { ...base.pipeline, to: { ...base.pipeline.to, load: 'upsert', key: ['id'] } });
    expect(later.receipt).toMatchObject({ reconciled: true, written: 1 });
  });
  it('adds a column to a table that is filled from a file, and one of SQLite', async () => {
    const name = fresh('grown');
    await writeFile(join(world().folder, `${name}.csv`), 'id,v\n1,a\n2,b\n');
    await world().client.call(endpoints.putConnection, { params: { name: `${name}_db` }, body: { connector: 'sqlite', root: world().folder, file: `${name}.db` } });
    const pipelines = [`warehouse|mart.${name}`, `${name}_db|${name}`].map((to): Pipeline => ({ ...between(`files|${name}.csv`, to, { load: 'append' }), onDrift: 'evolve' }));
    for (const pipeline of pipelines) await copy(world(), pipeline);
    await writeFile(join(world().folder, `${name}.csv`), 'id,v,more\n3,c,x\n4,d,y\n');
    for (const pipeline of pipelines) {
      const view = await ask(world(), pipeline);
      expect(view.state).toBe('waiting'); // a second append is always asked about
      const approved = await world().cli(['apply', view.planId!, '--approve']);
      expect(approved.code).toBe(0);
      expect(await runOf(world(), await settle(world(), await requestOf(world(), view.requestId)))).toMatchObject({ state: 'succeeded' });
    }
    expect(await inWarehouse(world(), `select id::int, more from mart.${name} order by id`)).toEqual([{ id: 1, more: null }, { id: 2, more: null }, { id: 3, more: 'x' }, { id: 4, more: 'y' }]);
  });
  it('goes through to the green end in one command', async () => {
    const parts = await copied(world(), { more: upsert, onDrift: { evolve: ['add'] } });
    const planId = await planned(world(), parts.pipeline);
    await inShop(world(), `alter table ${parts.table} add column more text`);
    const answer = await world().cli(['run', planId]);
    expect([answer.code, answer.stderr, answer.stdout]).toEqual([0, expect.stringMatching(/column more came[\s\S]*planned anew/), expect.stringMatching(/drift\s+add more text[\s\S]*green/)]);
  });
  it('refuses quarantine for drift, with the reason', async () => {
    const table = fresh('aside');
    await inShop(world(), `create table ${table} (id int)`);
    await expect(ask(world(), { ...between(`shop|public.${table}`, `warehouse|mart.${table}`), onDrift: 'quarantine' })).rejects.toMatchObject({ code: 'request.unsupported', failure: { text: expect.stringContaining('none can be set aside') as unknown } });
  });
}
