import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import type { Migration, MigrationClass } from './migration-class.ts';
import { platformMigrations } from './migrations/platform.migration.ts';
import { STATE_RELEASE } from './release.ts';
import { requireCurrent } from './schema-check.ts';
import { judgeSchema } from './schema-rules.ts';
import { prepareState } from './state-preparation.ts';
import { aStateDatabase, describePostgres, type TestState } from './testing.ts';

/** A migration of any release, with the statements that it runs. */
function aMigration(facts: Pick<Migration, 'name' | 'release' | 'phase' | 'lastNeededIn'>, ...statements: string[]): MigrationClass {
  return class implements Migration {
    readonly name = facts.name;
    readonly release = facts.release;
    readonly phase = facts.phase;
    readonly lastNeededIn = facts.lastNeededIn ?? 0;
    async up(runner: QueryRunner): Promise<void> { for (const statement of statements) await runner.query(statement); }
    async down(): Promise<void> { /* nothing migrates down */ }
  };
}
const next = STATE_RELEASE + 1;
const adds = aMigration({ name: 'Adds1990000000000', release: next, phase: 'expand' }, 'alter table inbox add column note text');
const takes = aMigration({ name: 'Takes1990000000001', release: next, phase: 'contract', lastNeededIn: STATE_RELEASE }, 'alter table inbox drop column note');
const farAhead = aMigration({ name: 'Ahead1990000000002', release: next + 1, phase: 'expand' }, 'alter table inbox add column far text');
const foreign = aMigration({ name: 'Foreign1990000000003', release: 1, phase: 'expand' }, 'alter table inbox add column foreign_note text');
const own = platformMigrations();

describePostgres('migrations of a schema', () => {
  let test: TestState;
  let admin: pg.Client;
  beforeAll(async () => { test = await aStateDatabase('migrations', []); });
  beforeEach(async () => {
    admin ??= await connected(test.adminUrl);
    await admin.query('drop schema if exists monitor cascade');
  });
  afterAll(async () => { await admin?.end(); await test?.drop(); });
  const connected = async (url: string): Promise<pg.Client> => { const client = new pg.Client({ connectionString: url }); await client.connect(); return client; };
  const prepare = (migrations: MigrationClass[], phase?: 'expand' | 'contract') => prepareState({ adminUrl: test.adminUrl, schemas: [{ schema: 'monitor', migrations }], ...(phase ? { phase } : {}) });
  /** As a later release does it, whose number is higher. */
  const asLater = async (...later: MigrationClass[]): Promise<void> => {
    await prepare(own);
    for (const One of later) {
      const step = new One();
      await admin.query('begin; set local search_path = monitor');
      await step.up(admin as never);
      await admin.query('insert into migrations (timestamp, name) values (1, $1)', [step.name]);
      await admin.query('insert into schema_step (name, release, floor) values ($1, $2, $3)', [step.name, step.release, step.phase === 'expand' ? step.release - 1 : (step.lastNeededIn ?? 0) + 1]);
      await admin.query('commit');
    }
  };
  const start = async (): Promise<string> => {
    const state = await test.open('monitor');
    try { requireCurrent('monitor', judgeSchema(await state.migrated(), own.map((One) => new One()))); return 'starts'; } catch (error) { return (error as { code: string }).code; }
  };
  const columns = async (): Promise<string[]> => (await admin.query<{ name: string }>(`select attname as name from pg_attribute where attrelid = 'monitor.inbox'::regclass and attnum > 0 and not attisdropped`)).rows.map(({ name }) => name);

  it('remembers of which release each is, and repeating changes nothing', async () => {
    await prepare(own);
    await prepare(own);
    expect((await admin.query('select name, release, floor from monitor.schema_step')).rows).toEqual(own.map(({ name }) => ({ name, release: 1, floor: 0 })));
  });
  it('remembers it also for what was migrated before databases did', async () => {
    await prepare(own);
    await admin.query('drop table monitor.schema_step');
    expect(await start()).toBe('starts');
    await prepare(own);
    expect((await admin.query('select floor from monitor.schema_step')).rows).toEqual([{ floor: 0 }]);
  });
  it('steps back when it and a service wait for each other, and tries again', async () => {
    await prepare(own);
    const service = await connected(test.adminUrl);
    const crossing = aMigration({ name: 'Crossing1990000000006', release: 1, phase: 'expand' }, 'alter table monitor.inbox add column crossed text', 'alter table monitor.outbox add column crossed text');
    await service.query('begin; lock table monitor.outbox in row exclusive mode');
    const migrating = prepare([...own, crossing]);
    for (let tries = 0; tries < 500 && (await admin.query("select from pg_locks where not granted and relation = 'monitor.outbox'::regclass")).rowCount === 0; tries += 1) await new Promise((done) => { setTimeout(done, 10); });
    await service.query('lock table monitor.inbox in row exclusive mode'); // granted once the server has ended the migration's try
    await service.query('commit');
    await service.end();
    await migrating;
    expect(await columns()).toContain('crossed');
  });
  it('lets the release before run on what the next one added, and does nothing there', async () => {
    await asLater(adds);
    expect(await start()).toBe('starts');
    await prepare(own);
    expect(await columns()).toContain('note');
  });
  it('refuses by name what is two releases ahead, at migrate and at the start', async () => {
    await asLater(adds, farAhead);
    expect(await start()).toBe('state.newer');
    await expect(prepare(own)).rejects.toMatchObject({ code: 'state.newer', message: `The schema monitor belongs to release ${next + 1}; this is release ${STATE_RELEASE}, which cannot run on it: Ahead1990000000002.` });
  });
  it('refuses by name what the next release has taken away', async () => {
    await asLater(adds, takes);
    expect(await start()).toBe('state.newer');
    await expect(prepare(own)).rejects.toMatchObject({ code: 'state.newer', message: expect.stringContaining('Takes1990000000001') });
  });
  it('refuses what nobody knows', async () => {
    await prepare([...own, foreign]);
    await admin.query(`delete from monitor.schema_step where name like 'Foreign%'`);
    await expect(prepare(own)).rejects.toMatchObject({ code: 'state.newer', message: expect.stringContaining('Foreign1990000000003') });
  });
  it('waits at the start for what was never migrated', async () => {
    await prepare([]);
    await admin.query('drop table monitor.migrations, monitor.schema_step');
    expect(await start()).toBe('state.older');
    await admin.query('drop schema monitor cascade');
    expect(await start()).toBe('state.older');
  });
  it('leaves whole migrations behind when its session is killed, and goes on with the next call', async () => {
    const slow = aMigration({ name: 'Slow1990000000004', release: 1, phase: 'expand' }, 'alter table inbox add column slow text', 'select pg_sleep(30)');
    const running = prepare([...own, slow]).then(() => 'done', () => 'killed');
    for (;;) {
      const { rowCount } = await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'etl-migrate-monitor' and query like '%pg_sleep%' and state = 'active'`);
      if (rowCount) break;
    }
    expect(await running).toBe('killed');
    expect(await columns()).not.toContain('slow');
    expect((await admin.query('select name from monitor.schema_step')).rows).toEqual(own.map(({ name }) => ({ name })));
    await prepare([...own, aMigration({ name: 'Slow1990000000004', release: 1, phase: 'expand' }, 'alter table inbox add column slow text')]);
    expect(await columns()).toContain('slow');
  });
  it('refuses a later release over a hole: it is one half of two, or was changed by hand', async () => {
    await asLater(adds);
    await admin.query(`delete from monitor.migrations where name like 'Platform%'`);
    await expect(prepare(own)).rejects.toMatchObject({ code: 'state.half-migrated', message: expect.stringContaining('Adds1990000000000') });
    expect(await start()).toBe('state.half-migrated');
  });
  it('waits for a table that somebody uses, and lets those behind it pass meanwhile', async () => {
    await prepare(own);
    const user = await connected(test.adminUrl);
    await user.query('begin; select count(*) from monitor.inbox');
    const migrating = prepare([...own, aMigration({ name: 'Wanted1990000000005', release: 1, phase: 'expand' }, 'alter table inbox add column wanted text')]);
    await new Promise((done) => { setTimeout(done, 4_000); });
    await user.query('commit');
    await user.end();
    await migrating;
    expect(await columns()).toContain('wanted');
  }, 30_000);
  it('contracts only when asked, and not while a process of an earlier release lives', async () => {
    const takesNow = aMigration({ name: 'TakesNow1990000000006', release: STATE_RELEASE, phase: 'contract', lastNeededIn: STATE_RELEASE - 1 }, 'alter table inbox drop column seen_at');
    await prepare([...own, takesNow]);
    expect(await columns()).toContain('seen_at');
    const before = new pg.Client({ connectionString: test.logins.monitor.url, application_name: 'etl-monitor' });
    await before.connect();
    await expect(prepare([...own, takesNow], 'contract')).rejects.toMatchObject({ code: 'state.in-use', message: expect.stringContaining('a release of before') });
    expect(await columns()).toContain('seen_at');
    await before.end();
    const state = await test.open('monitor'); // of this release: it does not need the column
    await prepare([...own, takesNow], 'contract');
    expect(await columns()).not.toContain('seen_at');
    await state.close();
  });
  it('of two starters of one schema one waits for the other', async () => { await Promise.all([prepare(own), prepare(own), prepare(own)]); });
  it('says what the server said of a statement that fails', async () => {
    const broken = aMigration({ name: 'Broken1990000000007', release: 1, phase: 'expand' }, 'alter table nowhere add column x int');
    await expect(prepare([...own, broken])).rejects.toThrow(/nowhere/);
  });
});
