import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { LoadTask, Plan } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type pg from 'pg';
import { ACursorCopy } from '../testing/a-cursor-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';

const shape = `id bigint primary key, label text, amount numeric, doc json, updated_at timestamptz not null`;
const cursorOf = (plan: Plan) => (plan.tasks[0] as LoadTask).cursor;

describePostgres('reading only what changed', () => {
  let database: TestState;
  const open: ACursorCopy[] = [];
  beforeAll(async () => { database = await aStateDatabase('cursor', [workerSchema]); }, 60_000);
  afterEach(async () => { await Promise.all(open.splice(0).map((copy) => copy.close())); });
  afterAll(async () => { await database?.drop(); });

  /** A source of n rows, one a minute up to 2001-01-10 00:00. */
  const sourceOf = async (name: string, rows: number, columns = shape): Promise<ACursorCopy> => {
    const copy = await ACursorCopy.open(database.adminUrl, name);
    open.push(copy);
    await copy.db.query(`create table public.${name} (${columns}); create index on public.${name} (updated_at, id);
      insert into public.${name} select n * 10, 'v' || n, n, json_build_object('n', n), timestamptz '2001-01-10' - (${rows} - n) * interval '1 minute' from generate_series(1, ${rows}) as n; analyze public.${name}`);
    return copy;
  };
  const change = (copy: ACursorCopy, statement: string): Promise<unknown> => copy.db.query(statement);

  it('sets the position with the first load, reads the overlap again and leaves what is equal alone', async () => {
    const copy = await sourceOf('first', 1000);
    const first = await copy.run(await copy.plan());
    expect([first.load.span, (await copy.position())?.value]).toEqual([{ from: null, to: '2001-01-10 00:00:00+00' }, '2001-01-10 00:00:00+00']);
    await change(copy, `update first set amount = -1, updated_at = '2001-01-10 00:00:00.000001+00' where id in (10, 20); insert into first values (7, 'new', 1, null, '2001-01-10 00:00:00.000001+00')`);
    const plan = await copy.plan();
    expect(cursorOf(plan)).toMatchObject({ column: 'updated_at', read: 'since' });
    const second = await copy.run(plan);
    expect([second.load.read, second.publish.inserted, second.publish.updated]).toEqual([64, 1, 2]); // 61 rows of the hour before, and three
    expect([await copy.hash('mart'), (await copy.position())?.value]).toEqual([await copy.hash('public'), '2001-01-10 00:00:00.000001+00']);
    const third = await copy.run(await copy.plan());
    expect([third.load.read, third.publish.published, third.publish.targetDigest]).toEqual([63, 0, third.load.digest]);
    expect(await copy.hash('mart')).toBe(await copy.hash('public'));
  }, 60_000);

  it('keeps its first position in a target that an earlier release has written into', async () => {
    const copy = await sourceOf('older', 50);
    await change(copy, 'drop table _etl.position');
    await copy.run(await copy.plan());
    expect((await copy.position())?.value).toBe('2001-01-10 00:00:00+00');
  }, 60_000);

  it('is safe to run again by an old plan, which starts from where the target is by then', async () => {
    const copy = await sourceOf('again', 300);
    await copy.run(await copy.plan());
    const plan = await copy.plan();
    for (const hour of [1, 2, 3]) {
      await change(copy, `insert into again values (${hour}, 'later', 1, null, timestamptz '2001-01-10' + ${hour} * interval '1 hour')`);
      const { load } = await copy.run(plan);
      expect(load.span?.from).toBe(`2001-01-10 0${hour - 1}:00:00+00`);
      expect(await copy.hash('mart')).toBe(await copy.hash('public'));
    }
  }, 60_000);

  it('publishes nothing that was read from a position which somebody else has moved', async () => {
    const copy = await sourceOf('raced', 300);
    await copy.run(await copy.plan());
    const plan = await copy.plan();
    await change(copy, `update raced set label = 'old', updated_at = '2001-01-10 01:00+00' where id = 10`);
    const slow = copy.begin(plan);
    const load = await slow.load();
    await change(copy, `update raced set label = 'new', updated_at = '2001-01-10 02:00+00' where id = 10`);
    await copy.run(plan);
    await expect(slow.publish(load)).rejects.toMatchObject({ code: 'request.conflict' });
    expect(await copy.hash('mart')).toBe(await copy.hash('public'));
  }, 60_000);

  it('moves the position once, however often the publish is told', async () => {
    const copy = await sourceOf('once', 100);
    await copy.run(await copy.plan());
    await change(copy, `insert into once values (1, 'x', 1, null, '2001-01-10 05:00+00')`);
    const journey = copy.begin(await copy.plan());
    const load = await journey.load();
    const told = await journey.publish(load);
    const position = await copy.position();
    await change(copy, `insert into once values (2, 'y', 1, null, '2001-01-10 06:00+00')`);
    expect(await journey.publish(load)).toMatchObject({ published: told.published, inserted: 1 });
    expect(await copy.position()).toEqual(position);
  }, 60_000);

  it('is red, and changes nothing, when the target does something else with a row', async () => {
    const copy = await sourceOf('bent', 100);
    await copy.run(await copy.plan());
    const before = [await copy.hash('mart'), await copy.position()];
    await change(copy, `create function bend() returns trigger language plpgsql as $$ begin new.label := upper(new.label); return new; end $$;
      create trigger bend before insert or update on mart.bent for each row execute function bend(); insert into bent values (1, 'x', 1, null, '2001-01-10 05:00+00')`);
    await expect(copy.run(await copy.plan())).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
    expect([await copy.hash('mart'), await copy.position()]).toEqual(before);
  }, 60_000);

  it('compares no values at level counts, but where something stands between the statement and the table, such as a type that rounds', async () => {
    const copy = await sourceOf('counted', 100);
    await copy.run(await copy.plan());
    const counted = async (): Promise<Plan> => { const plan = await copy.plan(); return { ...plan, tasks: plan.tasks.map((task) => ({ ...task, level: 'counts' as const })) as Plan['tasks'] }; };
    await change(copy, `insert into counted values (1, 'x', 1.5, null, '2001-01-10 05:00+00')`);
    expect((await copy.run(await counted())).publish).toMatchObject({ inserted: 1, level: 'counts' });
    const plan = await counted();
    await change(copy, `alter table mart.counted alter column amount type numeric(12,0); insert into counted values (2, 'y', 2.5, null, '2001-01-10 06:00+00')`);
    await expect(copy.run(plan)).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
    await change(copy, `alter table mart.counted alter column amount type numeric; create function bend_counted() returns trigger language plpgsql as $$ begin new.label := upper(new.label); return new; end $$;
      create trigger bend before insert on mart.counted for each row execute function bend_counted()`);
    await expect(copy.run(plan)).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
  }, 60_000);

  it.each([['dropped and made again', 'drop table mart.gone_0; create table mart.gone_0 (like public.gone_0 including all); insert into mart.gone_0 values (1, null, 1, null, now())'], ['replaced by another pipeline', null]])(
    'has no position in a target that was %s', async (_, statement) => {
      const copy = await sourceOf(statement ? 'gone_0' : 'gone_1', 50);
      await copy.run(await copy.plan());
      const plan = await copy.plan();
      if (statement) await change(copy, statement);
      else {
        await change(copy, `create view public.on_gone as select 1; create view mart.reads_gone as select * from mart.gone_1`); // a view on it: the rows are replaced, the table stays
        await copy.run(await copy.plan({ name: 'other', to: { load: 'replace' } }));
      }
      expect('questions' in await copy.ask()).toBe(true);
      await expect(copy.run(plan)).rejects.toMatchObject({ code: 'request.conflict' });
    }, 60_000);

  it('never takes a row of next year for how far it has come', async () => {
    const copy = await sourceOf('ahead', 100);
    await change(copy, `insert into ahead values (1, 'ahead', 1, null, '2999-01-01'), (2, 'ever', 1, null, 'infinity')`);
    await copy.run(await copy.plan());
    await change(copy, `insert into ahead values (3, 'now', 1, null, clock_timestamp()); update ahead set label = 'still ahead' where id = 1`);
    const { publish } = await copy.run(await copy.plan());
    expect([publish.inserted, publish.updated, await copy.hash('mart')]).toEqual([1, 1, await copy.hash('public')]);
  }, 60_000);

  it('reads a time without zone from far enough back, whatever zone its writers are in', async () => {
    const copy = await sourceOf('zoneless', 100, shape.replace('timestamptz', 'timestamp'));
    await change(copy, `insert into zoneless values (1, 'east', 1, null, clock_timestamp() at time zone 'UTC' + interval '14 hours')`);
    await copy.run(await copy.plan());
    await change(copy, `insert into zoneless values (2, 'west', 1, null, clock_timestamp() at time zone 'UTC' - interval '12 hours')`);
    expect((await copy.run(await copy.plan())).publish.inserted).toBe(1);
    expect(await copy.hash('mart')).toBe(await copy.hash('public'));
  }, 60_000);

  it('goes through text where types differ, and hashes only what it reads', async () => {
    const copy = await sourceOf('typed', 200);
    await change(copy, `create schema if not exists mart; create table mart.typed (id bigint primary key, label varchar(50), amount numeric(12,3), doc json, updated_at timestamptz)`);
    await copy.run(await copy.plan());
    await change(copy, `update typed set label = 'changed', updated_at = '2001-01-10 00:30+00' where id = 10`);
    const { load, publish } = await copy.run(await copy.plan(), 1_000);
    expect([load.read, load.chunks > 1, load.digest?.kind, publish.updated]).toEqual([62, true, 'text-md5', 1]);
  }, 60_000);

  it('ends each of forty runs over a moving source as a full reload would', async () => {
    const copy = await sourceOf('moving', 2000);
    const world = new World(copy, await copy.beside());
    await copy.run(await copy.plan());
    for (let round = 0; round < 40; round += 1) {
      await world.goOn(round);
      const plan = await copy.plan();
      expect(cursorOf(plan)?.read).toBe('since');
      const journey = copy.begin(plan, 1_500);
      const load = await journey.load();
      const [reload, changed] = [await copy.hash('public'), await world.changed()];
      await world.endLate(round % 3 === 0 ? 'now' : 'later');
      const { published } = await journey.publish(load);
      expect([round, await copy.hash('mart'), published]).toEqual([round, reload, changed]);
    }
    expect(world.late).toBeGreaterThan(10);
  }, 240_000);
});

/** What goes on at a source: writers that stamp a row long before they commit, ties, changes of old rows, keys in no order. */
class World {
  late = 0;
  private minutes = 0;
  private seed = 20010710;
  private isOpen = false;
  constructor(private readonly copy: ACursorCopy, private readonly other: pg.Client) {}
  private random(below: number): number {
    this.seed = (Math.imul(this.seed, 1103515245) + 12345) & 0x7fffffff;
    return (this.seed >> 8) % below;
  }
  private at(minutes: number, micros = 0): string { return `(timestamptz '2001-01-10' + ${minutes} * interval '1 minute' + ${micros} * interval '1 microsecond')`; }
  private insert(count: number, at: string): string {
    const ids = Array.from({ length: count }, () => this.random(2 ** 22) * 10 + 3);
    return `insert into public.moving values ${ids.map((id) => `(${id}, 'new', ${this.random(9)}.0, null, ${at})`).join(', ')} on conflict (id) do update set amount = moving.amount + 1, updated_at = excluded.updated_at`;
  }
  async goOn(round: number): Promise<void> {
    const { db } = this.copy;
    this.minutes += this.random(20);
    if (this.isOpen && round % 2 === 0) await this.endLate('now');
    for (let n = 0; n < 3; n += 1) await db.query(this.insert(1 + this.random(20), this.at(this.minutes - this.random(5), this.random(2))).replace(/\((\d+), /g, (all, id: string) => (n === 0 ? all : `(${Number(id) + n}, `))).catch(tolerateTwins);
    await db.query(`update public.moving set amount = amount * 1.00, label = label || '.', updated_at = ${this.at(this.minutes)} where id % 10 = 0 and id % ${30 + this.random(40) * 10} = 0`);
    await db.query(this.insert(3, `(select value::timestamptz from _etl.position where target = 'mart.moving')`)).catch(tolerateTwins); // stamps equal to the position, keys above and below
    if (round % 5 === 4) return;
    if (!this.isOpen) await this.beginLate();
  }
  /** Stamped now, seen later: at most two rounds of 20 minutes, which the overlap of an hour covers. */
  private async beginLate(): Promise<void> {
    this.isOpen = true;
    await this.other.query('begin');
    const at = this.at(this.minutes - this.random(10), this.random(3));
    await this.other.query(`insert into public.moving values (${this.random(2 ** 30) * 10 + 9}, 'late', 1, '{"a": 1}', ${at})`);
    await this.other.query(`update public.moving set label = 'late', updated_at = ${at} where id % 10 = 9 and label <> 'late'`);
  }
  async endLate(when: 'now' | 'later'): Promise<void> {
    if (!this.isOpen || when === 'later') return;
    await this.other.query('commit');
    this.isOpen = false;
    this.late += 1;
  }
  /** Rows that the target lacks or has otherwise, as everybody sees the source now. */
  async changed(): Promise<number> {
    const { rows } = await this.copy.db.query<{ n: number }>('select count(*)::int as n from public.moving s left join mart.moving t using (id) where t is null or t::text is distinct from s::text');
    return rows[0]!.n;
  }
}
const tolerateTwins = (error: { code?: string }): void => { if (error.code !== '21000') throw error; }; // one statement drew a key twice
