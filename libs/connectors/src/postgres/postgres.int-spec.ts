import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LoadTask, PostgresConnection, PublishTask } from '@agent-etl/contracts';
import { EtlError } from '@agent-etl/contracts';
import { Secret } from '@agent-etl/secrets';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { ChunkRange, ConnectorTools, OpenConnection, SinkSession, SourceSession } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';

const admin = process.env['ETL_TEST_POSTGRES_URL'];
if (!admin) process.stdout.write('SKIPPED connectors postgres: ETL_TEST_POSTGRES_URL is not set\n');
const suite = admin ? describe : describe.skip;
const url = new URL(admin ?? 'postgres://postgres@127.0.0.1/postgres');
const [from, to] = [`t_pgsrc_${process.pid}`, `t_pgdst_${process.pid}`];
const tools: ConnectorTools = { secrets: { get: async (reference) => new Secret(reference.includes('wrong') ? 'wrong' : 'right') }, fileRoots: [], scratch: '/tmp', name: 'agent-etl test', fileLedger: undefined as unknown as ConnectorTools['fileLedger'] };
const connection = (database: string, more: Partial<PostgresConnection> = {}): PostgresConnection => ({ name: database === from ? 'shop' : 'warehouse', connector: 'postgres', host: url.hostname, port: Number(url.port), user: url.username, database, ...more });
const runId = (n: number): string => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const live = new AbortController().signal;
const quiet = { onRead: () => undefined, signal: live };

suite('the postgres connector', () => {
  let source: pg.Client;
  let target: pg.Client;
  let shop: OpenConnection;
  let warehouse: OpenConnection;
  let root: pg.Client;
  beforeAll(async () => {
    root = new pg.Client({ connectionString: admin });
    await root.connect();
    for (const name of [from, to]) { await root.query(`drop database if exists ${name} with (force)`); await root.query(`create database ${name}`); }
    const open = async (database: string): Promise<pg.Client> => { const client = new pg.Client({ connectionString: Object.assign(new URL(url.href), { pathname: `/${database}` }).href }); await client.connect(); return client; };
    [source, target] = [await open(from), await open(to)];
    [shop, warehouse] = [await postgresConnector.open(connection(from), tools), await postgresConnector.open(connection(to), tools)];
    await source.query(`create table orders (id bigint primary key, name text not null, total numeric(12,2), at timestamptz not null default '2026-01-01', note text);
      insert into orders select i, 'n' || i, i * 1.5, '2026-01-01'::timestamptz + i * interval '1 second', case when i % 3 = 0 then repeat('x', i % 500) end from generate_series(1, 60000) i; analyze orders`);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([source.end(), target.end()]);
    for (const name of [from, to]) await root.query(`drop database if exists ${name} with (force)`);
    await root.end();
  }, 120_000);

  const loadTask = async (dataset: string, into: string, more: Partial<LoadTask> = {}): Promise<LoadTask> => {
    const profile = await shop.profile(dataset, 'source');
    return {
      id: 'load', kind: 'load', engine: 'splice', source: { connection: 'shop' as never, dataset }, target: { connection: 'warehouse' as never, dataset: into }, carrier: 'frames', digest: 'pg-frame', options: {}, sourceFingerprint: profile.fingerprint,
      columns: profile.columns.map(({ name, type, native, nullable }) => ({ source: name, target: name, type, sourceNative: native, targetNative: native, nullable })), chunks: { by: 'ctid', count: 4, parallel: 2, targetBytes: 2 * 1024 * 1024 }, ...more,
    };
  };
  const publishTask = (load: LoadTask, how: PublishTask['how'], key: string[] | null = null): PublishTask => ({ id: 'publish', kind: 'publish', engine: load.engine, load: load.id, source: load.source, target: load.target, columns: load.columns, how, key, keyFromSource: key !== null, level: 'full', digest: load.digest });
  const move = async (session: SourceSession, sink: SinkSession, range: ChunkRange): Promise<'written' | 'redo' | 'done'> => {
    const writer = await sink.begin(range);
    if (writer === 'done') return 'done';
    try {
      const { rows, bytes, digest } = await session.read(range, { ...quiet, to: writer.to });
      return await writer.commit({ rows, rejected: 0, bytes, digest });
    } catch (error) { await writer.abort(error); throw error; }
  };
  const copy = async (load: LoadTask, how: PublishTask['how'], run: number, key: string[] | null = null) => {
    const session = await shop.source.begin(load, null);
    const sink = await warehouse.sink.begin(load, { runId: runId(run), task: 'load', attempt: 1, holder: 'test' });
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const ranges = await session.cut();
      for (const range of ranges) expect(await move(session, sink, range)).toBe('written');
      const ledger = await sink.ledger();
      const sum = (lane: 'a' | 'b'): string => String(ledger.reduce((total, { digest }) => total + BigInt(digest?.[lane] ?? 0), 0n));
      const task = publishTask(load, how, key);
      const staged = await sink.stagedDigest(task, live);
      expect(staged).toEqual({ kind: 'pg-frame', rows: ledger.reduce((total, { rows }) => total + rows, 0), a: sum('a'), b: sum('b') });
      const published = await sink.publish(task, { rows: staged.rows, digest: staged });
      expect(await sink.publish(task, { rows: staged.rows, digest: staged })).toMatchObject(published);
      return { ranges: ranges.length, published, staged };
    } finally { await Promise.all([sink.close(), session.close()]); }
  };
  const leftovers = async (): Promise<unknown> => (await target.query(`select (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = '_etl' and c.relname like 's\\_%' and c.relkind = 'r') as staging`)).rows[0];
  const failed = async (work: Promise<unknown>): Promise<EtlError> => work.then(() => { throw new Error('resolved'); }, (error: EtlError) => error);

  it('copies a table in chunks, proves it and publishes it in one step with its key', async () => {
    const done = await copy(await loadTask('public.orders', 'mart.orders'), 'rename', 1, ['id']);
    expect(done.ranges).toBeGreaterThan(2);
    expect(done.published).toEqual({ published: 60000, inserted: null, updated: null });
    const { rows: [row] } = await target.query(`select count(*)::int n, sum(hashtextextended(o::text, 0)) h, (select count(*)::int from pg_index where indrelid = 'mart.orders'::regclass and indisprimary) k from mart.orders o`);
    const { rows: [there] } = await source.query('select count(*)::int n, sum(hashtextextended(o::text, 0)) h, 1 as k from orders o');
    expect(row).toEqual(there);
    expect(await leftovers()).toEqual({ staging: 0 });
  });
  it('appends, upserts without touching equal rows, and swaps', async () => {
    expect((await copy(await loadTask('public.orders', 'mart.orders'), 'upsert', 2, ['id'])).published).toEqual({ published: 0, inserted: 0, updated: 0 });
    await source.query(`update orders set name = 'changed' where id <= 10; insert into orders values (70000, 'new', 1, now(), null)`);
    expect((await copy(await loadTask('public.orders', 'mart.orders'), 'upsert', 3, ['id'])).published).toEqual({ published: 11, inserted: 1, updated: 10 });
    await target.query('create table mart.plain (like mart.orders)');
    for (const run of [4, 5]) await copy(await loadTask('public.orders', 'mart.plain'), 'append', run);
    expect((await target.query('select count(*)::int n from mart.plain')).rows[0]).toEqual({ n: 120002 });
    await copy(await loadTask('public.orders', 'mart.plain'), 'swap', 6);
    expect((await target.query('select count(*)::int n from mart.plain')).rows[0]).toEqual({ n: 60001 });
    await target.query('create view mart.seen as select * from mart.plain');
    await copy(await loadTask('public.orders', 'mart.plain'), 'swap', 7);
    expect((await target.query('select count(*)::int n from mart.seen')).rows[0]).toEqual({ n: 60001 });
    expect(await leftovers()).toEqual({ staging: 0 });
  });
  it('lets a later attempt go on from the ledger under the same picture, and shuts the earlier one out', async () => {
    const load = await loadTask('public.orders', 'mart.resumed');
    const first = await shop.source.begin(load, null);
    const early = await warehouse.sink.begin(load, { runId: runId(8), task: 'load', attempt: 1, holder: 'first' });
    await early.raise();
    await early.prepare({ fresh: 'start-over' });
    const ranges = await first.cut();
    await move(first, early, ranges[0]!);
    const half = await early.begin(ranges[1]!);
    await source.query('update orders set note = $1 where id <= 30000', ['moved by an update']);
    const second = await shop.source.begin(load, first.snapshot);
    await first.close();
    const late = await warehouse.sink.begin(load, { runId: runId(8), task: 'load', attempt: 2, holder: 'second' });
    const raised = late.raise();
    if (half === 'done') throw new Error('not yet written');
    await half.abort(new Error('killed'));
    expect(await raised).toBe(2);
    expect((await failed(early.begin(ranges[2]!))).code).toBe('lease.lost');
    await late.prepare({ fresh: 'keep' });
    const told = [];
    for (const range of ranges) told.push(await move(second, late, range));
    expect(told).toEqual(['done', ...ranges.slice(1).map(() => 'written')]);
    const staged = await late.stagedDigest(publishTask(load, 'rename'), live);
    expect(staged.rows).toBe(60001);
    await late.publish(publishTask(load, 'rename'), { rows: staged.rows, digest: staged });
    expect((await target.query(`select count(*)::int n, count(*) filter (where note = 'moved by an update')::int moved from mart.resumed`)).rows[0]).toEqual({ n: 60001, moved: 0 });
    await Promise.all([early.close(), late.close(), second.close()]);
  });
  it('leaves a picture to the next attempt, which sees what the first one saw', async () => {
    const load = await loadTask('public.orders', 'mart.left');
    const first = await shop.source.begin(load, null);
    const before = await first.digest(await first.cut(), live);
    await source.query('update orders set total = total + 1 where id <= 5');
    await first.leave?.();
    const second = await shop.source.begin(load, first.snapshot);
    expect(await second.digest(await second.cut(), live)).toEqual(before);
    await second.close();
  });
  it('says that a picture is lost when nobody holds it any more', async () => {
    expect((await failed(shop.source.begin(await loadTask('public.orders', 'mart.x'), '00000003-0000001B-1'))).code).toBe('source.snapshot-lost');
  });
  it('carries every value, whatever it holds', async () => {
    await source.query(`create table "Mixed ""case"" order" ("Select" int, "naïve" text, f double precision, d numeric, b bytea, j jsonb, a int[], u uuid, ts timestamp, dt date, iv interval);
      insert into "Mixed ""case"" order" values (1, 'tab	"quote" \\N \\. é 日本 😀', 'NaN', 'NaN', '\\x00ff', '{"a":[1]}', '{1,null}', '00000000-0000-0000-0000-000000000001', 'infinity', '-infinity', '1 mon'),
        (null, '', '-Infinity', 12345678901234567890123456789.123456789, '', 'null', '{}', null, '0044-03-15 BC', '9999-12-31', null), (2, repeat('y', 1048576), 5e-324, 0.1, null, null, null, null, null, null, null), (2, repeat('y', 1048576), 5e-324, 0.1, null, null, null, null, null, null, null)`);
    await copy(await loadTask('public."Mixed ""case"" order"', 'mart."Sélect.it"'), 'rename', 9);
    const texts = async (client: pg.Client, table: string): Promise<unknown> => (await client.query(`select md5(t::text) m from ${table} t order by 1`)).rows;
    expect(await texts(target, 'mart."Sélect.it"')).toEqual(await texts(source, '"Mixed ""case"" order"'));
  });
  it('copies an empty table, and one without a key but with twins', async () => {
    await source.query(`create table nothing (x int); create table twins (x int); insert into twins values (1), (1), (1)`);
    expect((await copy(await loadTask('public.nothing', 'mart.nothing'), 'rename', 10)).published.published).toBe(0);
    expect((await copy(await loadTask('public.twins', 'mart.twins'), 'rename', 11)).published.published).toBe(3);
  });
  it('names row, column and value that do not fit, and leaves nothing', async () => {
    await source.query(`create table wide (a int, n bigint); insert into wide select i, i from generate_series(1, 100) i; update wide set n = 2767891499 where a = 77`);
    const load = await loadTask('public.wide', 'mart.narrow');
    const narrow = { ...load, columns: load.columns.map((column) => ({ ...column, targetNative: 'integer' })) };
    const error = await failed(copy(narrow, 'rename', 12));
    expect([error.code, error.cell]).toEqual(['data.value-out-of-range', { row: 100, column: 'n', value: '2767891499', target: 'integer' }]);
    const sink = await warehouse.sink.begin(narrow, { runId: runId(12), task: 'load', attempt: 2, holder: 'test' });
    await sink.raise();
    await sink.discard();
    await sink.close();
    expect([await leftovers(), (await target.query(`select to_regclass('mart.narrow') t`)).rows[0]]).toEqual([{ staging: 0 }, { t: null }]);
  });
  it('stops within half a second when it is cancelled, also while the server computes', async () => {
    await source.query(`create view slow as select pg_sleep(60)::text as x`);
    const load = { ...await loadTask('public.slow', 'mart.slow'), chunks: { by: 'whole' as const, count: 1, parallel: 1, targetBytes: 1 } };
    const session = await shop.source.begin(load, null);
    const cancel = new AbortController();
    const [range] = await session.cut();
    const reading = failed(session.read(range!, { onRead: () => undefined, signal: cancel.signal, to: { write: () => true, drained: async () => undefined } }));
    await sleep(200);
    const began = Date.now();
    cancel.abort(new EtlError('run.cancelled', { reason: 'test' }));
    expect((await reading).code).toBe('run.cancelled');
    expect(Date.now() - began).toBeLessThan(500);
    await session.close();
    await sleep(300);
    expect((await source.query(`select count(*)::int n from pg_stat_activity where datname = $1 and application_name = 'agent-etl test' and state <> 'idle' and query not like 'SELECT pg_sleep%'`, [from])).rows[0]).toEqual({ n: 0 });
  });
  it('ends its reading when a target throws where it takes bytes, in a handler of the socket', async () => {
    const load = await loadTask('public.orders', 'mart.thrown', { chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 } });
    const session = await shop.source.begin(load, null);
    const [range] = await session.cut();
    const to = { write: (): boolean => { throw new EtlError('platform.disk-full', { path: 'here' }); }, drained: async () => undefined };
    expect((await failed(session.read(range!, { ...quiet, to }))).code).toBe('platform.disk-full');
    await session.close();
  });
  it.each(['frames', 'text'] as const)('leaves %s alone until a slow target is done with them, the last ones too', async (carrier) => {
    await source.query('drop table if exists lent; create table lent as select * from orders order by id limit 50000; analyze lent');
    const load = await loadTask('public.lent', 'mart.lent', { carrier, chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 } });
    const session = await shop.source.begin(load, null);
    const held: { bytes: Uint8Array; asTheyCame: Buffer }[] = [];
    let changed = 0;
    const settle = (): void => { for (const { bytes, asTheyCame } of held.splice(0)) if (!asTheyCame.equals(bytes)) changed += 1; };
    const to = { write: (bytes: Uint8Array) => { held.push({ bytes, asTheyCame: Buffer.from(bytes) }); return false; }, drained: async () => { await sleep(20); settle(); } };
    const [range] = await session.cut();
    expect(await session.read(range!, { ...quiet, to })).toMatchObject({ rows: 50_000 });
    expect([changed, held.length]).toEqual([0, 0]);
    await session.close();
  });
  it('notices a source that changed its shape', async () => {
    const load = await loadTask('public.twins', 'mart.twins2');
    await source.query('alter table twins add column y int, alter column x type bigint');
    const error = await failed(shop.source.begin(load, null));
    expect([error.code, error.message]).toEqual(['source.schema-drifted', 'public.twins changed: column x was integer and is bigint, column y came (integer, may be NULL).']);
  });
  it('says what is wrong with a connection, in words that help', async () => {
    const tell = async (more: Partial<PostgresConnection>, dataset = 'public.orders'): Promise<[string, string | null]> => {
      const error = await failed((await postgresConnector.open(connection(from, more), tools)).profile(dataset, 'source'));
      return [error.code, error.next];
    };
    expect(await tell({ port: 1 })).toEqual(['connection.unreachable', 'check host and port, then: agent-etl connections test shop']);
    expect((await tell({ database: 'nowhere' }))[0]).toBe('source.not-found');
    expect(await tell({}, 'public.order')).toEqual(['source.not-found', 'did you mean public.orders?']);
    await root.query(`do $$ begin if not exists (select 1 from pg_roles where rolname = 't_nobody') then create role t_nobody login; end if; end $$`);
    expect(await tell({ user: 't_nobody' })).toEqual(['connection.permission-denied', 'GRANT USAGE ON SCHEMA public TO "t_nobody"; GRANT SELECT ON public.orders TO "t_nobody"']);
  });
});
