import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { aStateDatabase, describePostgres, type TestState } from '@agent-etl/persistence/testing';
import { workerSchema } from '../testing/a-worker.ts';
import { ACursorCopy } from '../testing/a-cursor-copy.ts';

const failure = (work: Promise<unknown>) => work.then(() => 'resolved', (error: { code?: string; message: string; next?: string | null }) => ({ code: error.code ?? error.message, text: error.message, next: error.next }));

describePostgres('load modes', () => {
  let database: TestState;
  const copies: ACursorCopy[] = [];
  let made = 0;
  beforeAll(async () => { database = await aStateDatabase('load_modes', [workerSchema]); }, 60_000);
  afterEach(async () => { await Promise.all(copies.splice(0).map((copy) => copy.close())); });
  afterAll(() => database?.drop());
  /** A source of ten rows, and whatever else a test needs. */
  const copyOf = async (more = ''): Promise<ACursorCopy> => {
    const copy = await ACursorCopy.open(database.adminUrl, `modes_${made += 1}`);
    copies.push(copy);
    await copy.db.query(`create schema if not exists mart; create table public.${copy.name} (id int primary key, v text, n numeric, f float8, at timestamptz not null default now());
      insert into public.${copy.name} select g, 'v' || g, g, g, timestamptz '2020-01-01' + g * interval '1 day' from generate_series(1, 10) g; ${more.replaceAll('NAME', copy.name)}`);
    return copy;
  };
  const rows = async (copy: ACursorCopy, what = 'id, v', where = 'true'): Promise<unknown[]> => (await copy.db.query<Record<string, unknown>>(`select ${what} from mart.${copy.name} where ${where} order by 1`)).rows;
  const all = { load: 'merge', deletes: { atMost: '100%' } } as const;

  describe('merge', () => {
    const filled = 'create table mart.NAME (id int primary key, v text, n numeric, f float8, at timestamptz not null); insert into mart.NAME select * from public.NAME;';
    it('deletes what vanished, updates what changed, inserts what is new, and writes nothing else', async () => {
      const copy = await copyOf(filled);
      await copy.db.query(`delete from ${copy.name} where id = 1; update ${copy.name} set v = null where id = 2; update ${copy.name} set f = 'NaN' where id = 3; insert into ${copy.name} values (11, 'new', 'NaN', 'Infinity')`);
      const untouched = await rows(copy, 'id, ctid::text, xmin::text', 'id between 4 and 10');
      const plan = await copy.plan({ to: { load: 'merge' } });
      expect([plan.risk, plan.risks.at(-1)]).toEqual(['R2', expect.stringContaining('Deletes the rows of mart.')]);
      expect((await copy.run(plan)).publish).toMatchObject({ published: 3, inserted: 1, updated: 2, deleted: 1, unchanged: 7 });
      expect(await copy.hash('mart')).toBe(await copy.hash('public'));
      expect(await rows(copy, 'id, ctid::text, xmin::text', 'id between 4 and 10')).toEqual(untouched);
      expect((await copy.run(await copy.plan({ to: { load: 'merge' } }))).publish).toMatchObject({ published: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 10 });
      const { rows: left } = await copy.db.query(`select relname from pg_class where relnamespace = '_etl'::regnamespace and relkind = 'r' and relname ~ '^[sd]_'`);
      expect(left).toEqual([]);
    });
    it.each([{ load: 'merge' }, { load: 'scd2', key: ['id'] }] as const)('is proved by a sample of what was read, and counted whole: %j', async (to) => {
      const copy = await copyOf();
      const plan = () => copy.plan({ to, more: { reconcile: 'sampled' } });
      await copy.run(await plan());
      await copy.db.query(`update ${copy.name} set v = 'x' where id = 2`);
      expect((await copy.run(await plan())).publish).toMatchObject({ level: 'sampled', inserted: 0, updated: 1, unchanged: 9 });
    });
    it('makes its target in the first run', async () => {
      const copy = await copyOf();
      const plan = await copy.plan({ to: { load: 'merge' } });
      expect([plan.risk, (await copy.run(plan)).publish.published, await copy.hash('mart')]).toEqual(['R1', 10, await copy.hash('public')]);
      await copy.db.query(`delete from ${copy.name} where id = 5`);
      expect((await copy.run(await copy.plan({ to: { load: 'merge' } }))).publish).toMatchObject({ deleted: 1, unchanged: 9 });
    });
    it('stops before it deletes more than the limit, or everything, and leaves the target as it was', async () => {
      const copy = await copyOf(filled);
      const before = await copy.hash('mart');
      await copy.db.query(`delete from ${copy.name} where id <= 3`);
      expect(await failure(copy.run(await copy.plan({ to: { load: 'merge' } })))).toMatchObject({ code: 'sink.too-many-deletes', text: expect.stringContaining('3 of the 10 rows'), next: expect.stringContaining('to.deletes: { atMost: 30% }') });
      await copy.db.query(`delete from ${copy.name}`);
      expect(await failure(copy.run(await copy.plan({ to: { load: 'merge', deletes: { atMost: '99%' } } })))).toMatchObject({ code: 'sink.too-many-deletes', next: expect.stringContaining('the source is empty') });
      expect(await copy.hash('mart')).toBe(before);
      expect((await copy.run(await copy.plan({ to: all }))).publish).toMatchObject({ deleted: 10, unchanged: 0 });
      expect(await rows(copy)).toEqual([]);
    });
    it('moves a value that must be unique from a row that vanished to a new one', async () => {
      const copy = await copyOf(filled + 'alter table mart.NAME add unique (v);');
      await copy.db.query(`delete from ${copy.name} where id = 1; insert into ${copy.name} (id, v) values (12, 'v1')`);
      expect((await copy.run(await copy.plan({ to: { load: 'merge' } }))).publish).toMatchObject({ inserted: 1, deleted: 1 });
      expect(await copy.hash('mart')).toBe(await copy.hash('public'));
    });
    it('writes into partitions and into ids that the server makes', async () => {
      const copy = await copyOf(`create table mart.NAME (id int generated always as identity primary key, v text, n numeric, f float8, at timestamptz not null) partition by range (id);
        create table mart.NAME_1 partition of mart.NAME for values from (0) to (6); create table mart.NAME_2 partition of mart.NAME for values from (6) to (100); insert into mart.NAME overriding system value select * from public.NAME`);
      await copy.db.query(`delete from ${copy.name} where id in (1, 9); update ${copy.name} set v = 'x' where id in (2, 8); insert into ${copy.name} (id, v) values (0, 'a'), (20, 'b')`);
      expect((await copy.run(await copy.plan({ to: all }))).publish).toMatchObject({ inserted: 2, updated: 2, deleted: 2, unchanged: 6 });
      expect(await copy.hash('mart')).toBe(await copy.hash('public'));
    });
    it('does not reach into other tables, nor believe a trigger', async () => {
      const cascading = await copyOf(filled + 'create table mart.child_NAME (id int references mart.NAME on delete cascade); insert into mart.child_NAME values (1)');
      await cascading.db.query(`delete from ${cascading.name} where id = 1`);
      expect(await failure(cascading.run(await cascading.plan({ to: { load: 'merge' } })))).toMatchObject({ code: 'sink.constraint-violated', text: expect.stringContaining('reaches into another table') });
      const lying = await copyOf(filled + `create function mart.lie_NAME() returns trigger language plpgsql as 'begin new.v := ''lie''; return new; end'; create trigger t before update on mart.NAME for each row execute function mart.lie_NAME()`);
      await lying.db.query(`update ${lying.name} set v = 'true' where id = 1`);
      const before = await lying.hash('mart');
      expect(await failure(lying.run(await lying.plan({ to: { load: 'merge' } })))).toMatchObject({ code: 'sink.reconcile-mismatch', text: expect.stringContaining('after the merge') });
      expect(await lying.hash('mart')).toBe(before);
    });
    it('knows rows that differ where an equality sees none, also in the key', async () => {
      const copy = await copyOf('alter table NAME drop constraint NAME_pkey, drop v, alter n set not null, add primary key (n); create table mart.NAME (id int, n numeric primary key, f float8, at timestamptz not null); insert into mart.NAME select id, n, f, at from public.NAME');
      await copy.db.query(`update ${copy.name} set n = 1.00 where n = 1; update ${copy.name} set f = '-0' where n = 2; update mart.${copy.name} set f = 0 where n = 2`);
      expect((await copy.run(await copy.plan({ to: { load: 'merge', key: ['n'] } }))).publish).toMatchObject({ updated: 2, unchanged: 8 });
      expect(await copy.hash('mart')).toBe(await copy.hash('public'));
    });
    it('refuses twins of a key that nothing proves, and a cursor', async () => {
      const copy = await copyOf('alter table NAME drop constraint NAME_pkey, alter id set not null; insert into NAME select * from NAME where id = 1;' + filled.replace('select *', 'select distinct *'));
      expect(await failure(copy.run(await copy.plan({ to: { load: 'merge', key: ['id'] } })))).toMatchObject({ code: 'sink.constraint-violated', text: expect.stringContaining('two rows of the source have one key') });
      const other = await copyOf(filled);
      expect(await failure(other.plan({ from: { cursor: 'at' }, to: { load: 'merge' } }))).toMatchObject({ code: 'request.invalid', text: expect.stringContaining('says nothing about rows that vanished') });
    });
    it('compares counts where the proof is of counts', async () => {
      const copy = await copyOf(filled);
      await copy.db.query(`delete from ${copy.name} where id = 1`);
      const plan = await copy.plan({ to: { load: 'merge' } });
      const counts = { ...plan, tasks: plan.tasks.map((task) => ({ ...task, level: 'counts' as const })) };
      expect((await copy.run(counts)).publish).toMatchObject({ deleted: 1, unchanged: 9, level: 'counts', targetDigest: null });
    });
  });

  describe('scd2', () => {
    const versions = (copy: ACursorCopy) => rows(copy, 'id, v, valid_from::text as f, valid_to::text as t, is_current as c', 'id < 3 or id > 10');
    const instant = (second: number): string => `2030-01-01T00:00:0${second}.000Z`;
    const text = (second: number): string => `2030-01-01 00:00:0${second}+00`;
    it('keeps every version of a row, and writes nothing for a source that is as it was', async () => {
      const copy = await copyOf();
      await copy.db.query(`set time zone 'UTC'; delete from ${copy.name} where id > 2`);
      const run = async (second: number, to = {}) => copy.run(await copy.plan({ to: { load: 'scd2', key: ['id'], ...to } }), undefined, instant(second));
      expect((await run(1)).publish).toMatchObject({ published: 2, inserted: 2, updated: 0, deleted: 0, unchanged: 0, asOf: instant(1) });
      await copy.db.query(`update ${copy.name} set v = null where id = 1; delete from ${copy.name} where id = 2; insert into ${copy.name} (id, v) values (11, 'new')`);
      expect((await run(2)).publish).toMatchObject({ published: 2, inserted: 1, updated: 1, deleted: 0, unchanged: 0 });
      expect(await versions(copy)).toEqual([
        { id: 1, v: 'v1', f: text(1), t: text(2), c: false }, { id: 1, v: null, f: text(2), t: null, c: true }, { id: 2, v: 'v2', f: text(1), t: null, c: true }, { id: 11, v: 'new', f: text(2), t: null, c: true }]);
      expect((await run(3)).publish).toMatchObject({ published: 0, inserted: 0, updated: 0, deleted: 0, unchanged: 2 });
      expect((await run(4, { deletes: { atMost: '50%' } })).publish).toMatchObject({ deleted: 1, unchanged: 2 });
      expect((await versions(copy))[2]).toEqual({ id: 2, v: 'v2', f: text(1), t: text(4), c: false });
      await copy.db.query(`insert into ${copy.name} (id, v) values (2, 'back')`);
      expect((await run(2)).publish).toMatchObject({ inserted: 1, asOf: '2030-01-01T00:00:04.000001Z' }); // a clock that went back: versions never overlap
    });
    it('is published once: a publish that is asked for again, or an attempt that follows, changes nothing', async () => {
      const copy = await copyOf();
      await copy.run(await copy.plan({ to: { load: 'scd2' } }), undefined, instant(1));
      await copy.db.query(`update ${copy.name} set v = 'x' where id = 1`);
      const journey = copy.begin(await copy.plan({ to: { load: 'scd2' } }), undefined, { began: instant(2) });
      const load = await journey.load();
      const first = await journey.publish(load);
      const before = await copy.hash('mart');
      expect([await journey.publish(load), await copy.hash('mart')]).toEqual([{ ...first, proofMs: expect.any(Number) }, before]);
    });
    it('reads only what changed where a cursor is named', async () => {
      const copy = await copyOf('create index on NAME (at)');
      const ask = { from: { cursor: 'at' }, to: { load: 'scd2' } } as const;
      await copy.run(await copy.plan(ask), undefined, instant(1));
      await copy.db.query(`update ${copy.name} set v = 'moved', at = now() where id = 3; delete from ${copy.name} where id = 1`);
      const plan = await copy.plan(ask);
      const { load, publish } = await copy.run(plan, undefined, instant(2));
      expect([load.span?.from !== null, load.read < 10, publish.updated, publish.inserted, publish.deleted]).toEqual([true, true, 1, 0, 0]);
      expect(await rows(copy, 'id, v', 'is_current and id in (1, 3)')).toEqual([{ id: 1, v: 'v1' }, { id: 3, v: 'moved' }]);
      expect((await copy.run(await copy.plan(ask), undefined, instant(3))).publish).toMatchObject({ published: 0, updated: 0 });
      expect(await failure(copy.plan({ ...ask, to: { load: 'scd2', deletes: 'close' } }))).toMatchObject({ code: 'request.invalid', text: expect.stringContaining('says nothing about rows that vanished') });
    });
    it('refuses a table of another shape with what it lacks, and takes it once that is added', async () => {
      const copy = await copyOf('create table mart.NAME (id int not null, v text, n numeric, f float8, at timestamptz not null); insert into mart.NAME select * from NAME');
      const refused = await failure(copy.plan({ to: { load: 'scd2', key: ['id'] } })) as { code: string; text: string; next: string };
      expect(refused).toMatchObject({ code: 'plan.refused', text: expect.stringContaining('It has no column valid_from timestamptz.'), next: expect.stringContaining('WHERE is_current') });
      await copy.db.query(refused.next.replace('add it: ', ''));
      await copy.db.query(`update ${copy.name} set v = 'x' where id = 1`);
      expect((await copy.run(await copy.plan({ to: { load: 'scd2', key: ['id'] } }))).publish).toMatchObject({ inserted: 0, updated: 1, unchanged: 9 });
      const whole = await copyOf('create table mart.NAME as select *, now() as valid_from, null::timestamptz as valid_to, true as is_current from NAME; alter table mart.NAME add primary key (id); create unique index on mart.NAME (id) where valid_to is null');
      expect(await failure(whole.plan({ to: { load: 'scd2' } }))).toMatchObject({ code: 'plan.refused', text: expect.stringContaining('it takes one version of a row only') });
      const named = await copyOf('alter table NAME add is_current boolean');
      expect(await failure(named.plan({ to: { load: 'scd2' } }))).toMatchObject({ code: 'plan.refused', text: expect.stringContaining('`is_current`, which a history keeps for itself') });
    });
    it('stops before it ends the versions of an empty source', async () => {
      const copy = await copyOf();
      await copy.run(await copy.plan({ to: { load: 'scd2', deletes: 'close' } }), undefined, instant(1));
      await copy.db.query(`delete from ${copy.name}`);
      expect(await failure(copy.run(await copy.plan({ to: { load: 'scd2', deletes: 'close' } }), undefined, instant(2)))).toMatchObject({ code: 'sink.too-many-deletes', text: expect.stringContaining('may close 20 %') });
    });
  });
});
