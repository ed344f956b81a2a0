import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import type { Migration, MigrationClass } from '../migration-class.ts';
import { platformMigrations } from '../migrations/platform.migration.ts';
import { STATE_RELEASE } from '../release.ts';
import { enableRowSecurity } from '../row-security.ts';
import { sql } from '../sql.ts';
import { prepareState } from '../state-preparation.ts';
import { type TestState, aStateDatabase, describePostgres } from '../testing.ts';
import { verifyArchive } from './archive-reader.ts';
import { backupState } from './backup-state.ts';
import { restoreState } from './restore-state.ts';

const ours = '00000000-0000-7000-8000-00000000000a';
const theirs = '00000000-0000-7000-8000-00000000000b';
/** Rows that a careless copy changes: quotes, tabs, backslashes, bytes, null beside an empty text, a table that refers to another. */
class Strange1990000000000 implements Migration {
  readonly name = 'Strange1990000000000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    for (const { text } of [
      sql`create table above (tenant_id uuid not null, id int not null, note text, primary key (tenant_id, id))`, ...enableRowSecurity('above'),
      sql`create table a_child (tenant_id uuid not null, id int generated always as identity, of int not null, bytes bytea, doc jsonb, at timestamptz, twice int generated always as (of * 2) stored, foreign key (tenant_id, of) references above)`, ...enableRowSecurity('a_child'),
    ]) await runner.query(text);
  }
  async down(): Promise<void> { /* nothing migrates down */ }
}
class Later1990000000001 implements Migration {
  readonly name = 'Later1990000000001';
  readonly release = STATE_RELEASE;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> { await runner.query('alter table above add column later text'); }
  async down(): Promise<void> { /* nothing migrates down */ }
}
const schemas = (...more: MigrationClass[]) => [{ schema: 'orchestrator' as const, migrations: [...platformMigrations(), Strange1990000000000, ...more] }, { schema: 'monitor' as const, migrations: platformMigrations() }];

describePostgres('backup and restore', (cluster) => {
  let test: TestState;
  let folder: string;
  let file: string;
  const databases: string[] = [];
  const admin = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try { return await work(client); } finally { await client.end(); }
  };
  const at = (database: string): string => Object.assign(new URL(cluster), { pathname: `/${database}` }).href;
  const fresh = (name: string): string => { const database = `t_restored_${name}_${process.pid}`; databases.push(database); return database; };
  const restore = (database: string, more: Partial<Parameters<typeof restoreState>[0]> = {}) => restoreState({ adminUrl: cluster, database, file, schemas: schemas(), ...more });
  const content = (url: string) => admin(url, async (client) => ({
    above: (await client.query('select * from orchestrator.above order by 1, 2')).rows, child: (await client.query('select tenant_id, id, of, bytes, doc, at::text, twice from orchestrator.a_child order by 1, 2')).rows,
    outbox: (await client.query('select seq, tenant_id, topic, headers, body from orchestrator.outbox order by seq')).rows, inbox: (await client.query('select tenant_id, app, ce_id, seen_at::text from monitor.inbox order by ce_id')).rows }));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etl-backup-'));
    file = join(folder, 'state.backup');
    test = await aStateDatabase('backup', schemas());
    await admin(test.adminUrl, async (client) => {
      await client.query(`insert into orchestrator.above select t.id, n, case when n % 3 = 0 then null when n % 3 = 1 then '' else E'tab\\t back\\\\slash \\n "quote" \\\\N ä 🙂' end from generate_series(1, 40) n, (values ('${ours}'::uuid), ('${theirs}')) as t(id)`);
      await client.query(`insert into orchestrator.a_child (tenant_id, of, bytes, doc, at) select tenant_id, id, decode(md5(id::text), 'hex') || '\\x000aff'::bytea, jsonb_build_object('a', note, 'n', 1.10), '2026-01-01 00:00:00.123456+01' from orchestrator.above`);
      await client.query(`insert into orchestrator.outbox (tenant_id, topic, key, ce_id, headers, body, sent_at) select '${ours}', 'etl.run.events', n::text, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '{"ce_type": "run.started.v1"}', '\\x00ff', case when n < 4 then now() end from generate_series(1, 5) n`);
      await client.query(`insert into monitor.inbox (tenant_id, app, ce_id) values ('${ours}', 'monitor', '00000000-0000-7000-8000-000000000001')`);
      await client.query(`select setval('orchestrator.a_child_id_seq', 7000)`);
    });
    await backupState({ url: test.adminUrl, file, keys: [{ use: 'receipts', keyId: 'abc', publicKey: 'PEM', reference: 'keys/receipts.pem' }] });
  }, 60_000);
  afterAll(async () => {
    await test?.drop();
    for (const database of databases) await admin(cluster, (client) => client.query(`drop database if exists ${database} with (force)`));
    await rm(folder, { recursive: true, force: true });
  });

  it('says what it holds', async () => {
    const { header, parts, end } = await verifyArchive(file);
    expect(header).toMatchObject({ version: 1, release: STATE_RELEASE, keys: [{ keyId: 'abc' }] });
    expect(Object.keys(header.schemas)).toEqual(['monitor', 'orchestrator']);
    expect(parts.map(({ schema, table }) => `${schema}.${table}`)).toContain('orchestrator.a_child');
    expect(end.rows).toBe(40 * 2 * 2 + 5 + 1);
  });
  it('brings every row and every counter back, and keeps the walls between tenants', async () => {
    const database = fresh('whole');
    const summary = await restore(database, { mend: { seen: sql`select from monitor.inbox` } });
    expect(summary).toMatchObject({ rows: 166, resent: 2, mended: { seen: 1 } }); // of three sent messages the reader had taken one
    expect(await content(at(database))).toEqual(await content(test.adminUrl));
    expect(await admin(at(database), async (client) => (await client.query(`insert into orchestrator.a_child (tenant_id, of) values ('${ours}', 1) returning id`)).rows)).toEqual([{ id: 7001 }]);
    const url = Object.assign(new URL(at(database)), { username: 'orchestrator' }).href;
    const seen = await admin(url, async (client) => {
      await client.query(`begin; set local app.tenant = '${theirs}'`);
      return (await client.query<{ tenant_id: string }>('select distinct tenant_id from orchestrator.above')).rows;
    });
    expect(seen).toEqual([{ tenant_id: theirs }]);
    expect(await admin(at(database), async (client) => (await client.query('select seq from orchestrator.outbox where sent_at is null order by seq')).rows.map(({ seq }) => Number(seq as string)))).toEqual([2, 3, 4, 5]);
  });
  it('is refused by a database that has rows, and by one that services use', async () => {
    const database = fresh('full');
    await restore(database);
    await expect(restore(database)).rejects.toMatchObject({ code: 'state.not-empty' });
    const used = fresh('used');
    await prepareState({ adminUrl: cluster, database: used, schemas: schemas() });
    const session = new pg.Client({ connectionString: at(used), application_name: 'etl-orchestrator r1' });
    await session.connect();
    await expect(restore(used)).rejects.toMatchObject({ code: 'state.not-empty', message: expect.stringContaining('services use it') });
    await session.end();
    await restore(used); // empty schemas of the same release are no obstacle
  });
  it('ends by a signal in its middle, and leaves a target that still counts as empty', async () => {
    const database = fresh('ended');
    const ended = new Error('ended');
    for (const nth of [1, 5]) {
      const stop = new AbortController();
      let told = 0;
      await expect(restore(database, { signal: stop.signal, onTable: () => { told += 1; if (told === nth) stop.abort(ended); } })).rejects.toBe(ended);
      expect(await admin(at(database), async (client) => (await client.query('select from orchestrator.above')).rowCount)).toBe(0);
    }
    await expect(restore(database, { signal: AbortSignal.abort(ended) })).rejects.toBe(ended);
    await expect(restore(database)).resolves.toMatchObject({ rows: 166 });
  });
  it('is not made when a signal ends it, and no part of it stays', async () => {
    const stop = new AbortController();
    const ended = new Error('ended');
    await expect(backupState({ url: test.adminUrl, file: join(folder, 'never.backup'), keys: [], signal: stop.signal, onTable: () => { stop.abort(ended); } })).rejects.toBe(ended);
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });
  it('is brought forward to this release, and refused by an earlier one', async () => {
    const forward = fresh('forward');
    await restore(forward, { schemas: schemas(Later1990000000001) });
    expect(await admin(at(forward), async (client) => (await client.query('select count(later)::int as n, count(*)::int as rows from orchestrator.above')).rows)).toEqual([{ n: 0, rows: 80 }]);
    const newer = join(folder, 'newer.backup');
    await backupState({ url: at(forward), file: newer, keys: [] });
    const back = fresh('back');
    await expect(restore(back, { file: newer })).rejects.toMatchObject({ code: 'state.newer', message: expect.stringContaining('Later1990000000001') });
    expect(await admin(cluster, async (client) => (await client.query('select from pg_database where datname = $1', [back])).rowCount)).toBe(0);
  });
  it('is refused when it was damaged, and then nothing is written', async () => {
    const whole = await readFile(file);
    const bad = join(folder, 'bad.backup');
    const refused = async (bytes: Buffer): Promise<boolean> => {
      await writeFile(bad, bytes);
      return verifyArchive(bad).then(() => false, (error: { code?: string }) => error.code === 'backup.invalid');
    };
    const taken: string[] = [];
    for (let byte = 0; byte < whole.byteLength; byte += 41) {
      const bytes = Buffer.from(whole);
      bytes[byte]! ^= 1 << (byte % 8);
      if (!(await refused(bytes))) taken.push(`byte ${byte} flipped`);
    }
    for (let cut = 0; cut < whole.byteLength; cut += 397) if (!(await refused(whole.subarray(0, cut)))) taken.push(`cut at ${cut}`);
    if (!(await refused(Buffer.concat([whole, Buffer.from('x')])))) taken.push('one more byte');
    expect(taken).toEqual([]);
    await writeFile(bad, Buffer.from(whole.map((value, at) => (at === whole.byteLength >> 1 ? value ^ 1 : value))));
    const database = fresh('bad');
    await expect(restore(database, { file: bad })).rejects.toMatchObject({ code: 'backup.invalid' });
    expect(await admin(cluster, async (client) => (await client.query('select from pg_database where datname = $1', [database])).rowCount)).toBe(0);
  }, 120_000);
  it('leaves nothing when it fails in its middle, and can then be done again', async () => {
    const database = fresh('again');
    const failing = restore(database, { onTable: (table) => { if (table === 'orchestrator.above') throw new Error('killed'); } });
    await expect(failing).rejects.toThrow('killed');
    expect(await admin(at(database), async (client) => (await client.query('select from orchestrator.above')).rowCount)).toBe(0);
    await restore(database);
  });
  it('refuses a login that would see only part, before it writes a file', async () => {
    const part = join(folder, 'part.backup');
    await expect(backupState({ url: Object.assign(new URL(test.adminUrl), { username: 'orchestrator' }).href, file: part, keys: [] })).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringContaining('BYPASSRLS') });
    await expect(readFile(part)).rejects.toMatchObject({ code: 'ENOENT' });
  });
  it('is one instant, however long it takes and whatever is written meanwhile', async () => {
    const moving = join(folder, 'moving.backup');
    const before = await content(test.adminUrl);
    await backupState({ url: test.adminUrl, file: moving, keys: [], onTable: async (table) => {
      if (table === 'monitor.inbox') await admin(test.adminUrl, (client) => client.query(`insert into orchestrator.above values ('${ours}', 999, 'later')`));
    } });
    const database = fresh('moving');
    await restore(database, { file: moving });
    expect((await content(at(database))).above).toEqual(before.above);
  });
});
