import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Plan } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { sliceTasks } from '@agent-etl/planning';
import { ACursorCopy } from '../testing/a-cursor-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';

const hours = (from: string, to: string) => ({ from: `2001-01-09T${from}:00.000Z`, to: `2001-01-09T${to}:00.000Z` });

describePostgres('reading a slice again', () => {
  let database: TestState;
  const open: ACursorCopy[] = [];
  beforeAll(async () => { database = await aStateDatabase('slice', [workerSchema]); }, 60_000);
  afterEach(async () => { await Promise.all(open.splice(0).map((copy) => copy.close())); });
  afterAll(async () => { await database?.drop(); });

  /** A source of n rows, one a minute up to 2001-01-10 00:00, whose target has them. */
  async function copied(name: string, over: Parameters<ACursorCopy['plan']>[0] = {}): Promise<{ copy: ACursorCopy; plan: Plan }> {
    const copy = await ACursorCopy.open(database.adminUrl, name);
    open.push(copy);
    await copy.db.query(`create table public.${name} (id bigint primary key, label text, updated_at timestamptz not null); create index on public.${name} (updated_at);
      insert into public.${name} select n, 'v' || n, timestamptz '2001-01-10' - (1000 - n) * interval '1 minute' from generate_series(1, 1000) as n; analyze public.${name}`);
    const plan = await copy.plan(over);
    await copy.run(plan);
    return { copy, plan };
  }
  const backfill = (copy: ACursorCopy, plan: Plan, slice: { from: string; to: string }, targetBytes?: number) => copy.run({ ...plan, tasks: sliceTasks(plan, slice).tasks }, targetBytes);

  it('mends what was lost and changed at the target, in that slice alone, and moves no position', async () => {
    const { copy, plan } = await copied('mended');
    const before = await copy.position();
    await copy.db.query(`delete from mart.mended where updated_at >= '2001-01-09 12:00Z' and updated_at < '2001-01-09 13:00Z'; update mart.mended set label = 'spoilt' where updated_at = '2001-01-09 14:00Z';
      update mart.mended set label = 'outside' where updated_at = '2001-01-09 15:00Z'`);
    const { load, publish } = await backfill(copy, plan, hours('12:00', '15:00'));
    expect([load.read, load.span, publish]).toEqual([180, undefined, expect.objectContaining({ inserted: 60, updated: 1, published: 61, extra: 0, level: 'full' })]);
    expect(await copy.position()).toEqual(before);
    expect((await copy.db.query(`select id from mart.mended except select id from public.mended where false`)).rowCount).toBe(1000);
    expect((await copy.db.query(`select label from mart.mended where updated_at = '2001-01-09 15:00Z'`)).rows).toEqual([{ label: 'outside' }]);
  }, 60_000);

  it('is half-open, in many pieces as in one, and the same when it is repeated', async () => {
    const { copy, plan } = await copied('pieces');
    await copy.db.query('delete from mart.pieces');
    const { load } = await backfill(copy, plan, hours('12:00', '13:00'), 1000);
    expect(load.chunks).toBeGreaterThan(2);
    expect((await copy.db.query(`select min(updated_at)::text as first, max(updated_at)::text as last, count(*)::int as n from mart.pieces`)).rows).toEqual([{ first: '2001-01-09 12:00:00+00', last: '2001-01-09 12:59:00+00', n: 60 }]);
    expect((await backfill(copy, plan, hours('12:00', '13:00'))).publish).toMatchObject({ published: 0, extra: 0 });
    expect((await backfill(copy, plan, { from: '1990-01-01T00:00:00.000Z', to: '1991-01-01T00:00:00.000Z' })).load.read).toBe(0);
  }, 60_000);

  it('leaves rows alone that the source has no more, and counts them', async () => {
    const { copy, plan } = await copied('counted');
    await copy.db.query(`delete from public.counted where updated_at = '2001-01-09 12:30Z'; update public.counted set updated_at = '2001-01-10 01:00Z' where updated_at = '2001-01-09 12:31Z'`);
    expect((await backfill(copy, plan, hours('12:00', '13:00'))).publish).toMatchObject({ published: 0, extra: 2 });
    expect((await copy.db.query('select 1 from mart.counted')).rowCount).toBe(1000);
  }, 60_000);

  it('takes deletes over where the pipeline replaces, in one transaction', async () => {
    const { copy, plan } = await copied('replaced', { to: { load: 'replace' } });
    await copy.db.query(`delete from public.replaced where updated_at = '2001-01-09 12:30Z'; update mart.replaced set label = 'spoilt' where updated_at = '2001-01-09 12:40Z'`);
    expect(sliceTasks(plan, hours('12:00', '13:00')).tasks[1].how).toBe('replace-slice');
    expect((await backfill(copy, plan, hours('12:00', '13:00'))).publish).toMatchObject({ published: 59, extra: 0 });
    expect(await copy.hash('mart')).toBe(await copy.hash('public'));
  }, 60_000);

  it('makes no target of a slice', async () => {
    const { copy, plan } = await copied('gone');
    await copy.db.query('drop table mart.gone');
    await expect(backfill(copy, plan, hours('12:00', '13:00'))).rejects.toMatchObject({ code: 'request.conflict' });
    expect((await copy.db.query(`select to_regclass('mart.gone') as found`)).rows).toEqual([{ found: null }]);
  }, 60_000);
});
