import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type LoadTask, type Plan, type PublishTask, BUCKETS } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { bucketsOf } from '../reconcile/sample-of.ts';
import { ACursorCopy } from '../testing/a-cursor-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { type Between, betweenPieces } from '../testing/between-pieces.ts';

const shape = 'id int primary key, v int, label text not null';
const PIECE = 8192 * 64;

describePostgres('a source that changes while it is copied', () => {
  let database: TestState;
  const open: ACursorCopy[] = [];
  beforeAll(async () => { database = await aStateDatabase('changing', [workerSchema]); }, 60_000);
  afterEach(async () => { await Promise.all(open.splice(0).map((copy) => copy.close())); });
  afterAll(async () => { await database?.drop(); });

  const sourceOf = async (name: string, rows: number): Promise<ACursorCopy> => {
    const copy = await ACursorCopy.open(database.adminUrl, name);
    open.push(copy);
    await copy.db.query(`create table public.${name} (${shape}); insert into public.${name} select n, n, repeat(md5(n::text), 3) from generate_series(1, ${rows}) as n; analyze public.${name}`);
    return copy;
  };

  it('arrives as the picture that the load began with, whatever is updated, deleted, inserted and vacuumed beside it', async () => {
    const copy = await sourceOf('busy', 60_000);
    const [writer, sweeper, looker] = await Promise.all([copy.beside(), copy.beside(), copy.beside()]);
    let picture = '';
    const between: Between = async (ordinal, session) => {
      if (!picture) {
        picture = 'being taken';
        await looker.query('begin isolation level repeatable read read only');
        await looker.query(`set transaction snapshot '${session.snapshot!}'`);
        const { rows: [seen] } = await looker.query<{ text: string }>(`select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as text from public.busy as t`);
        await looker.query('commit');
        picture = seen!.text;
      }
      await writer.query(`update public.busy set v = v + 1 where id % 7 = ${ordinal % 7}; delete from public.busy where id % 101 = ${ordinal % 101}; insert into public.busy select 1000000 * (${ordinal} + 1) + n, n, 'new' from generate_series(1, 500) as n`);
      await sweeper.query('vacuum public.busy');
    };
    const journey = copy.begin(await copy.plan(), PIECE, { by: betweenPieces(between) });
    const load = await journey.load();
    expect(load.chunks).toBeGreaterThan(5);
    const publish = await journey.publish(load);
    expect([await copy.hash('mart'), publish.targetDigest]).toEqual([picture, load.digest]);
    expect(await copy.hash('public')).not.toBe(picture);
  }, 120_000);

  describe('another shape between two pieces', () => {
    const alterations: readonly (readonly [name: string, change: string, code: string])[] = [
      ['came', 'add column more numeric(10,2)', 'drift.added'], ['required', 'add column more int not null default 1', 'drift.required'], ['gone', 'drop column v', 'drift.gone'], ['renamed', 'rename column v to w', 'drift.renamed'],
      ['wider', 'alter column v type bigint', 'drift.wider'], ['narrower', 'alter column label type varchar(200)', 'drift.narrower'], ['retyped', 'alter column v type text', 'drift.retyped'], ['loosened', 'alter column label drop not null', 'drift.nullable']];
    it('stops the load before anything is published, with the diff; nobody waits for ever', async () => {
      await Promise.all(alterations.map(async ([name, change, code]) => {
        const copy = await sourceOf(name, 20_000);
        await copy.run(await copy.plan({ to: { load: 'upsert', key: ['id'] } }));
        const before = await copy.hash('mart');
        const [owner, plan] = [await copy.beside(), await copy.plan({ to: { load: 'upsert', key: ['id'] } })];
        await copy.db.query(`update public.${name} set label = 'changed'`);
        let altered: Promise<unknown> | null = null;
        const between: Between = async (ordinal) => { if (ordinal === 2) { altered ??= owner.query(`alter table public.${name} ${change}`); await new Promise((done) => { setTimeout(done, 100); }); } };
        const failure = await copy.begin(plan, PIECE / 4, { by: betweenPieces(between) }).load().then(() => null, (error: { code: string; issues: { code: string }[] }) => error);
        await altered;
        expect([name, failure?.code, failure?.issues.map((issue) => issue.code)]).toEqual([name, 'source.schema-drifted', [code]]);
        expect(await copy.hash('mart')).toBe(before);
      }));
    }, 120_000);
    it.each<[string, object]>([['upsert', { load: 'upsert', key: ['id'] }], ['append', { load: 'append' }], ['replace', { load: 'replace' }]])('is followed by the next plan where the pipeline says evolve, by %s', async (load, to) => {
      const name = `evolves_${load}`;
      const copy = await sourceOf(name, 2000);
      const first = await copy.plan();
      await copy.run(first);
      await copy.db.query(`alter table public.${name} add column more numeric(10,2); update public.${name} set more = id / 4.0; ${load === 'append' ? `delete from mart.${name} where id > 5; delete from public.${name} where id <= 5` : ''}`);
      const plan = await copy.plan({ to, more: { onDrift: 'evolve' }, before: first.profiles.source, earlierRuns: 1 });
      expect(plan.decisions.filter(({ question }) => question === 'drift')).toMatchObject([{ choice: 'add more numeric(10,2)', reason: { code: 'drift-added' } }]);
      await copy.run(plan);
      const { rows } = await copy.db.query(`select count(*)::int as n, count(more)::int as filled from mart.${name}`);
      expect(rows).toEqual([{ n: 2000, filled: load === 'append' ? 1995 : 2000 }]);
    }, 60_000);
    it('changes nothing of a target that is no longer what the plan saw, nor when the publish fails', async () => {
      const copy = await sourceOf('raced', 500);
      const first = await copy.plan();
      await copy.run(first);
      await copy.db.query('alter table public.raced add column more int');
      const evolving = (): Promise<Plan> => copy.plan({ to: { load: 'upsert', key: ['id'] }, more: { onDrift: 'evolve' }, before: first.profiles.source, earlierRuns: 1 });
      const plan = await evolving();
      await copy.db.query('alter table mart.raced add column more text');
      await expect(copy.run(plan)).rejects.toMatchObject({ code: 'plan.stale' });
      await copy.db.query(`alter table mart.raced drop column more; create function refuses() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '23514'; end $$;
        create trigger no before insert on mart.raced for each row execute function refuses()`);
      await expect(copy.run(await evolving())).rejects.toMatchObject({ code: 'sink.constraint-violated' });
      const { rows } = await copy.db.query(`select string_agg(column_name, ',' order by ordinal_position) as columns from information_schema.columns where table_schema = 'mart' and table_name = 'raced'`);
      expect(rows).toEqual([{ columns: 'id,v,label' }]);
    }, 60_000);
  });

  describe('a proof by a sample', () => {
    const sampled = async (name: string, rows = 4000, alter = ''): Promise<{ copy: ACursorCopy; plan: Plan }> => {
      const copy = await sourceOf(name, rows);
      if (alter) await copy.db.query(alter);
      return { copy, plan: await copy.plan({ more: { reconcile: 'sampled' } }) };
    };
    const staging = async (copy: ACursorCopy): Promise<string> => (await copy.db.query<{ name: string }>(`select '_etl.' || relname as name from pg_class where relnamespace = '_etl'::regnamespace and relname like 's\\_%' and relkind = 'r' order by oid desc limit 1`)).rows[0]!.name;
    /** Ids of the rows that the sample of a run takes, or of those that it leaves. */
    const idsOf = async (copy: ACursorCopy, runId: string, is: 'in' | 'not in'): Promise<number[]> =>
      (await copy.db.query<{ id: number }>(`select id from public.${copy.name} where (hashtextextended('etl,' || id::text, 0) & 4095)::int ${is} (${bucketsOf(runId, 256).join(', ')}) order by id`)).rows.map(({ id }) => id);

    it('takes about a sixteenth, other rows with each run, and says what is not covered', async () => {
      const { copy, plan } = await sampled('shares');
      expect([plan.tasks.map((task) => task.level), (plan.tasks[0] as LoadTask).sample]).toEqual([['sampled', 'sampled'], { buckets: 256, key: ['id'] }]);
      const journey = copy.begin(plan);
      const load = await journey.load();
      const { sampled: covered, targetDigest, sourceDigest } = await journey.publish(load);
      expect(covered).toEqual({ seed: journey.runId, buckets: 256, of: BUCKETS, rows: (await idsOf(copy, journey.runId, 'in')).length, notCovered: (await idsOf(copy, journey.runId, 'not in')).length });
      expect([targetDigest, covered!.rows > 100 && covered!.rows < 500]).toEqual([sourceDigest, true]);
      expect(await idsOf(copy, '0'.repeat(36), 'in')).not.toEqual(await idsOf(copy, journey.runId, 'in'));
    }, 60_000);
    it('finds a value that changed inside the sample and names its bucket, and honestly not one outside', async () => {
      const { copy, plan } = await sampled('planted');
      const inside = copy.begin(plan);
      const load = await inside.load();
      const [hit] = await idsOf(copy, inside.runId, 'in');
      await copy.db.query(`update ${await staging(copy)} set v = v + 1 where id = ${hit!}`);
      await expect(inside.publish(load)).rejects.toMatchObject({ code: 'sink.reconcile-mismatch', message: expect.stringMatching(/1 of its buckets of keys differ: \d+/) as unknown });
      expect((await copy.db.query(`select to_regclass('mart.planted') as t`)).rows).toEqual([{ t: null }]);
      const outside = copy.begin(plan);
      const again = await outside.load();
      const [miss] = await idsOf(copy, outside.runId, 'not in');
      await copy.db.query(`update ${await staging(copy)} set v = v + 1 where id = ${miss!}`);
      const { sampled: covered } = await outside.publish(again);
      expect([covered!.notCovered, (await copy.db.query(`select v - id as off from mart.planted where id = ${miss!}`)).rows]).toEqual([again.written - covered!.rows, [{ off: 1 }]]);
    }, 60_000);
    it('finds a row that is gone from the sample, and one that goes by its whole text where no key names it', async () => {
      const { copy, plan } = await sampled('keyless', 4000, 'alter table public.keyless drop constraint keyless_pkey');
      expect((plan.tasks[1] as PublishTask).sample).toEqual({ buckets: 256, key: null });
      const journey = copy.begin(plan);
      const load = await journey.load();
      await copy.db.query(`update ${await staging(copy)} set v = v + 1`); // every row has another hash: of some the old one or the new one is in the sample
      await expect(journey.publish(load)).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
    }, 60_000);
    it('is the same where types differ and rows travel as text', async () => {
      const { copy } = await sampled('texts', 3000);
      await copy.db.query('create schema if not exists mart; create table mart.texts (id bigint primary key, v numeric, label text not null)');
      const journey = copy.begin(await copy.plan({ more: { reconcile: 'sampled' } }));
      const load = await journey.load();
      const { sampled: covered } = await journey.publish(load);
      expect(covered!.rows + covered!.notCovered).toBe(3000);
    }, 60_000);
  });
});
