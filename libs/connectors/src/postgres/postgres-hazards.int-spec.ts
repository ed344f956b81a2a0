import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Column, type ColumnMapping, type Digest, type EtlError, type LoadTask, type Profile, type PublishTask, addDigests, digestText } from '@agent-etl/contracts';
import { fuseSteps } from '@agent-etl/sql-safety';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { OpenConnection, Published, SinkSession, SourceSession, Writer } from '../port.ts';
import { postgresConnector } from './postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from './testing/postgres-harness.ts';

const { signal } = new AbortController();
const tools = testTools('hazards');
const settled = async <T>(work: Promise<T>): Promise<T | string> => work.catch((error: { code?: string; message: string }) => error.code ?? error.message);

/** What a source owner, a neighbour or a slow worker may do while a copy runs: rows are equal at the end, or the copy says why not. */
describeServer('postgres-hazards', (adminUrl) => {
  const names = [`t_hazards_${process.pid}`, `t_hazards_latin_${process.pid}`] as const;
  const drops: (() => Promise<void>)[] = [];
  let admin: pg.Client;
  let latin: pg.Client;
  let open: OpenConnection;
  beforeAll(async () => {
    drops.push(await aDatabase(adminUrl, names[0]), await aDatabase(adminUrl, names[1], `encoding 'LATIN1' locale 'C' template template0`));
    [admin, latin] = await Promise.all(names.map((name) => clientOf(adminUrl, name))) as [pg.Client, pg.Client];
    open = await postgresConnector.open(connectionTo(adminUrl, names[0]), tools);
  }, 60_000);
  afterAll(async () => {
    await open?.close();
    await Promise.all([admin?.end(), latin?.end()]);
    for (const drop of drops) await drop();
  }, 60_000);

  const map = (columns: readonly Column[], target?: Profile): ColumnMapping[] => columns.map((column) => {
    const there = target?.columns.find(({ name }) => name === column.name);
    return { source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: there?.native ?? column.native, nullable: there?.nullable ?? column.nullable };
  });
  const loadOf = (source: Profile, dataset: string, more: Partial<LoadTask> = {}): LoadTask => ({
    id: 'load', kind: 'load', engine: 'splice', source: { connection: source.connection, dataset: source.dataset }, target: { connection: 'here', dataset } as LoadTask['target'], columns: map(source.columns),
    carrier: 'frames', chunks: { by: 'ctid', count: 1, parallel: 1, targetBytes: 8192 * 4 }, sourceFingerprint: source.fingerprint, options: {}, digest: 'pg-frame', ...more,
  });
  const publishOf = (load: LoadTask, more: Partial<PublishTask> = {}): PublishTask => ({
    id: 'publish', kind: 'publish', engine: load.engine, load: 'load', source: load.source, target: load.target, columns: load.columns, how: 'rename', key: null, keyFromSource: false, level: 'full', digest: load.digest, ...more,
  });
  const writerOf = (more: Partial<Writer> = {}): Writer => ({ runId: randomUUID(), task: 'load', attempt: 1, holder: 'tests', ...more });
  const loadAll = async (session: SourceSession, sink: SinkSession, kind: Digest['kind']): Promise<Digest> => {
    const digests: Digest[] = [];
    const ranges = await session.cut();
    for (const range of ranges) {
      const writer = await sink.begin(range);
      if (writer === 'done') continue;
      try {
        const count = await session.read(range, { to: writer.to, onRead: () => undefined, signal });
        await writer.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: count.digest });
        if (count.digest) digests.push(count.digest);
      } catch (cause) { await writer.abort(cause); throw cause; }
    }
    return kind === 'pg-frame' ? addDigests(kind, digests) : session.digest(ranges, signal);
  };
  const copy = async (source: OpenConnection, load: LoadTask, publish: Partial<PublishTask> = {}): Promise<Published> => {
    const session = await source.source.begin(load, null);
    const sink = await open.sink.begin(load, writerOf());
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const digest = await loadAll(session, sink, load.digest);
      const task = publishOf(load, publish);
      const staged = await sink.stagedDigest(task, signal);
      expect(digestText(staged)).toBe(digestText(digest));
      return await sink.publish(task, { rows: staged.rows, digest: staged });
    } finally {
      await sink.discard().catch(() => undefined);
      await Promise.all([session.close(), sink.close()]);
    }
  };
  const within = async <T>(ms: number, work: Promise<T>): Promise<T | 'stalled'> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'stalled'>((resolve) => { timer = setTimeout(() => { resolve('stalled'); }, ms); });
    try { return await Promise.race([work, late]); } finally { clearTimeout(timer); }
  };

  it('does not stand in a ring with a change of the table that waits for it', async () => {
    await admin.query('create table ring (id int); insert into ring select generate_series(1, 5000)');
    const source = await open.profile('public.ring', 'source');
    const load = loadOf(source, 'public.ring_copy');
    const session = await open.source.begin(load, null);
    const other = await clientOf(adminUrl, names[0]);
    const truncating = other.query('truncate ring');
    await new Promise((wait) => setTimeout(wait, 300));
    const [range] = await session.cut();
    const seen = await within(15_000, settled(session.read(range!, { to: { write: () => true, drained: async () => undefined }, onRead: () => undefined, signal })));
    await within(3_000, session.close());
    await within(3_000, truncating);
    await other.end();
    expect(seen === 'source.snapshot-lost' || (seen as { rows?: number }).rows !== undefined).toBe(true);
  }, 40_000);

  it('raises the fence past a worker that stopped breathing in mid-copy', async () => {
    await admin.query('create table paused (id int); insert into paused select generate_series(1, 10)');
    const load = loadOf(await open.profile('public.paused', 'source'), 'public.paused_copy');
    const runId = randomUUID();
    const old = await open.sink.begin(load, writerOf({ runId }));
    await old.raise();
    await old.prepare({ fresh: 'start-over' });
    const writer = await old.begin({ key: 'a'.repeat(64), ordinal: 0, from: null, to: null });
    expect(writer).not.toBe('done');
    const next = await open.sink.begin(load, writerOf({ runId, attempt: 2 }));
    expect(await within(15_000, next.raise())).toBe(2);
    expect(await settled((writer as Exclude<typeof writer, 'done'>).commit({ rows: 0, rejected: 0, bytes: 0, digest: null }))).not.toBe('written');
    await next.discard();
    await Promise.all([old.close(), next.close()]);
  }, 40_000);

  it('reads a materialized view', async () => {
    await admin.query('create table below (id int primary key, t text); insert into below select g, g::text from generate_series(1, 3000) g; create materialized view seen as select * from below');
    expect((await copy(open, loadOf(await open.profile('public.seen', 'source'), 'public.seen_copy'))).published).toBe(3000);
  });
  it('reads a view and a partitioned table whole', async () => {
    await admin.query(`create view looks as select id, upper(t) as t from below;
      create table parts (id int, t text) partition by range (id); create table parts_1 partition of parts for values from (0) to (100); create table parts_2 partition of parts for values from (100) to (1000);
      insert into parts select g, g::text from generate_series(1, 999) g`);
    for (const [name, rows] of [['looks', 3000], ['parts', 999]] as const) {
      const source = await open.profile(`public.${name}`, 'source');
      expect(source.pages).toBeNull();
      const load = loadOf(source, `public.${name}_copy`, { chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 8192 } });
      expect((await copy(open, load)).published).toBe(rows);
    }
  });

  it('keeps what hangs on a table that is replaced by a swap', async () => {
    await admin.query(`create table fresh (id int, v text); insert into fresh values (1, 'a'), (2, 'b');
      create table kept (id int primary key, v text, note text default 'none'); insert into kept values (9, 'old', 'x');
      create table keyed (id int primary key, v text); insert into keyed values (9, 'old');
      create table wider (id int, v text, more text); insert into wider values (9, 'old', 'x');
      create table split (id int, v text) partition by list (id); create table split_rest partition of split default; insert into split values (9, 'old')`);
    const source = await open.profile('public.fresh', 'source');
    for (const name of ['kept', 'keyed', 'wider', 'split']) {
      const shape = async () => (await admin.query<{ s: string }>(`select string_agg(attname || ' ' || format_type(atttypid, atttypmod) || attnotnull::text || atthasdef::text, ',' order by attname) || (select count(*) from pg_index where indrelid = c.oid)::text || relkind::text as s
        from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped where c.oid = $1::regclass group by c.oid, relkind`, [`public.${name}`])).rows[0]?.s;
      const before = await shape();
      const target = await open.profile(`public.${name}`, 'target');
      await copy(open, loadOf(source, `public.${name}`, { columns: map(source.columns, target) }), { how: 'swap' });
      expect([name, await shape()]).toEqual([name, before]);
      expect((await admin.query(`select id, v from ${name} order by id`)).rows).toEqual([{ id: 1, v: 'a' }, { id: 2, v: 'b' }]);
    }
  });
  it.each<[string, string, string, boolean]>([
    ['an owned sequence', 'create sequence NAME_s owned by NAME.id', `select count(*) from pg_class where relname = 'NAME_s'`, false],
    ['a policy that is switched off', 'create policy mine on NAME using (id > 0)', `select count(*) from pg_policy where polrelid = 'NAME'::regclass`, false],
    ['statistics', 'create statistics NAME_st on id, v from NAME', `select count(*) from pg_statistic_ext where stxrelid = 'NAME'::regclass`, false],
    ['the type of its rows', 'create function NAME_f(r NAME) returns int language sql as $$ select r.id $$', `select count(*) from pg_proc where proname = 'NAME_f'`, false],
    ['how a column is stored', 'alter table NAME alter v set storage external', `select count(*) from pg_attribute where attrelid = 'NAME'::regclass and attname = 'v' and attstorage = 'e'`, false],
    ['a comment on its key', `alter table NAME add primary key (id); comment on constraint NAME_pkey on NAME is 'why'`, `select count(*) from pg_description d join pg_constraint k on k.oid = d.objoid where k.conrelid = 'NAME'::regclass`, false],
    ['the name of its key', 'alter table NAME add constraint NAME_is_known primary key (id)', `select count(*) from pg_constraint where conrelid = 'NAME'::regclass and conname = 'NAME_is_known'`, true],
    ['grants that nobody gave', 'alter default privileges in schema _etl grant select on tables to public', `select count(*) from pg_class where oid = 'NAME'::regclass and relacl is null`, false],
  ])('keeps %s when it replaces', async (what, make, count, isSwapped) => {
    const name = `holds_${what.replaceAll(' ', '_')}`;
    const of = (text: string): string => text.replaceAll('NAME', name);
    await admin.query(`create table ${name} (id int not null, v text); insert into ${name} values (9, 'old'); ${of(make)}`);
    const before = await admin.query<{ oid: string }>(`select '${name}'::regclass::oid as oid`);
    await admin.query(`create table if not exists news_of (id int not null, v text); truncate news_of; insert into news_of values (1, 'a'), (2, 'b')`);
    const target = await open.profile(`public.${name}`, 'target');
    await copy(open, loadOf(await open.profile('public.news_of', 'source'), `public.${name}`, { columns: map((await open.profile('public.news_of', 'source')).columns, target) }), { how: 'swap' });
    if (what.startsWith('grants')) await admin.query('alter default privileges in schema _etl revoke select on tables from public');
    expect((await admin.query(`select id, v from ${name} order by id`)).rows).toEqual([{ id: 1, v: 'a' }, { id: 2, v: 'b' }]);
    expect((await admin.query(of(count))).rows).toEqual([{ count: '1' }]);
    expect((await admin.query<{ oid: string }>(`select '${name}'::regclass::oid as oid`)).rows[0]?.oid !== before.rows[0]?.oid).toBe(isSwapped);
  });
  it('never deletes the rows of other tables when it replaces', async () => {
    await admin.query(`create table parent (id int primary key, v text); create table child (id int references parent on delete cascade); insert into parent values (1, 'old'); insert into child values (1)`);
    const source = await open.profile('public.fresh', 'source');
    const target = await open.profile('public.parent', 'target');
    const answer = await settled(copy(open, loadOf(source, 'public.parent', { columns: map(source.columns, target) }), { how: 'truncate-insert' }));
    expect((await admin.query('select count(*)::int as n from child')).rows).toEqual([{ n: 1 }]);
    expect(typeof answer === 'string' ? answer : 'published').toMatch(/^(sink\.constraint-violated|plan\.refused|request\.conflict|published)$/);
  });
  it('does not publish fewer rows than it staged', async () => {
    await admin.query(`create table picky (id int, v text); create function drop_row() returns trigger language plpgsql as 'begin if new.id = 2 then return null; end if; return new; end';
      create trigger t before insert on picky for each row execute function drop_row()`);
    const source = await open.profile('public.fresh', 'source');
    expect(await settled(copy(open, loadOf(source, 'public.picky'), { how: 'append' }))).toBe('sink.reconcile-mismatch');
    expect((await admin.query('select count(*)::int as n from picky')).rows).toEqual([{ n: 0 }]);
  });
  it('appends to a table whose ids the server makes', async () => {
    await admin.query('create table made (id int generated always as identity primary key, v text)');
    expect((await copy(open, loadOf(await open.profile('public.fresh', 'source'), 'public.made'), { how: 'append' })).published).toBe(2);
    expect((await admin.query('select id from made order by 1')).rows).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('merges columns of types without an equality, twin rows and a partitioned target', async () => {
    await admin.query(`create table news (id int not null, j json, p point, v text); insert into news values (1, '{"a":1}', '(1,1)', 'a'), (2, '{"a":2}', '(2,2)', 'b'), (2, '{"a":2}', '(2,2)', 'b'), (3, null, null, null);
      create table merged (id int primary key, j json, p point, v text); insert into merged values (1, '{"a":1}', '(1,1)', 'a'), (2, '{"a":0}', '(2,2)', 'b');
      create table merged_parts (id int primary key, j json, p point, v text) partition by range (id); create table mp1 partition of merged_parts for values from (0) to (100); insert into merged_parts select * from merged`);
    const source = await open.profile('public.news', 'source');
    for (const name of ['merged', 'merged_parts']) {
      const target = await open.profile(`public.${name}`, 'target');
      const load = loadOf(source, `public.${name}`, { columns: map(source.columns, target) });
      expect([name, await copy(open, load, { how: 'upsert', key: ['id'] })]).toMatchObject([name, { inserted: 1, updated: 1 }]);
      expect([name, await copy(open, load, { how: 'upsert', key: ['id'] })]).toMatchObject([name, { inserted: 0, updated: 0 }]);
    }
  });

  it('reads a database in another encoding', async () => {
    await latin.query(`set client_encoding = 'UTF8'; create table words (id int, t text); insert into words values (1, 'é über'), (2, 'plain')`);
    const other = await postgresConnector.open(connectionTo(adminUrl, names[1]), tools);
    const source = await other.profile('public.words', 'source');
    await copy(other, loadOf(source, 'public.words_frames'));
    await copy(other, loadOf(source, 'public.words_text', { carrier: 'text', digest: 'text-md5' }));
    for (const name of ['words_frames', 'words_text']) expect((await admin.query(`select t from ${name} order by id`)).rows).toEqual([{ t: 'é über' }, { t: 'plain' }]);
  });
  it('compares values, not spellings, when types differ', async () => {
    await admin.query(`create table narrow (i int, n numeric, c char(4), f real, u text); insert into narrow values (5, 1.5, 'ab', 1.1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), (null, 'NaN', null, 'Infinity', null);
      create table wide (i numeric(12,2), n numeric(20,6), c text, f double precision, u uuid)`);
    await admin.query('delete from narrow where i is null');
    const source = await open.profile('public.narrow', 'source');
    const target = await open.profile('public.wide', 'target');
    const load = loadOf(source, 'public.wide', { columns: map(source.columns, target), carrier: 'text', digest: 'text-md5' });
    expect((await copy(open, load, { how: 'append' })).published).toBe(1);
  });
  it('does not round without a word', async () => {
    await admin.query(`create table fine (n numeric(18,4)); insert into fine values (1.2345); create table coarse (n numeric(12,2))`);
    const source = await open.profile('public.fine', 'source');
    const target = await open.profile('public.coarse', 'target');
    const load = loadOf(source, 'public.coarse', { columns: map(source.columns, target), carrier: 'text', digest: 'text-md5' });
    await expect(copy(open, load, { how: 'append' })).rejects.toThrow();
    expect((await admin.query('select count(*)::int as n from coarse')).rows).toEqual([{ n: 0 }]);
  });
  it.each<[string, string, { how: 'append' | 'upsert'; key?: string[] }, string, object | undefined, RegExp]>([
    ['a key that is there', 'id int unique, v text', { how: 'append' }, `_id_key: a row with this key is there already`, { column: 'id', value: '2' }, /upsert/],
    ['a row that refers to nothing', 'id int references known, v text', { how: 'append' }, `_id_fkey: a row that it refers to is missing`, { column: 'id', value: '1' }, /refers to/],
    ['a check', 'id int check (id < 2), v text', { how: 'append' }, `_id_check: a check of the target says no`, { column: 'the whole row', value: '(2, b)' }, /check/],
    ['a partition that is not there', 'id int, v text) partition by range (id', { how: 'append' }, 'no partition takes it', undefined, /partition/],
  ])('says which row the target refuses: %s', async (name, shape, publish, constraint, cell, next) => {
    const table = `refuses_${name.replaceAll(' ', '_')}`;
    await admin.query(`create table if not exists known (id int primary key); create table ${table} (${shape})`);
    if (name === 'a key that is there') await admin.query(`insert into ${table} values (2, 'old')`);
    const failure = await copy(open, loadOf(await open.profile('public.fresh', 'source'), `public.${table}`), publish).then(() => null, (error: EtlError) => error);
    expect([failure?.code, failure?.details['constraint'], failure?.next]).toEqual(['sink.constraint-violated', expect.stringContaining(constraint), expect.stringMatching(next)]);
    if (cell) expect(failure?.cell).toMatchObject(cell);
    expect(failure?.message).not.toMatch(/\(2, b\)|=\(/);
  });
  it('says that two rows of the source have one key', async () => {
    await admin.query(`create table doubled (id int not null, v text); insert into doubled values (7, 'a'), (7, 'b')`);
    const load = loadOf(await open.profile('public.doubled', 'source'), 'public.doubled_copy');
    const failure = await copy(open, load, { key: ['id'], keyFromSource: true }).then(() => null, (error: EtlError) => error);
    expect([failure?.code, failure?.message, failure?.cell]).toEqual(['sink.constraint-violated', 'The target refused rows: two rows of the source have one key.', expect.objectContaining({ column: 'id', value: '7' })]);
  });
  it('gives up a target and a source that stay locked, and says which', async () => {
    await admin.query('create table locked (id int, v text)');
    const other = await clientOf(adminUrl, names[0]);
    await other.query('begin; lock table locked in access exclusive mode');
    try {
      for (const [as, code] of [['source', 'source.busy'], ['target', 'sink.busy']] as const) {
        await expect(open.profile('public.locked', as)).rejects.toMatchObject({ code, message: expect.stringContaining('public.locked') as unknown, next: expect.stringContaining('run it again') as unknown });
      }
    } finally { await other.end(); }
  }, 40_000);
  it('knows what a target fills itself, and what takes no rows at all', async () => {
    await admin.query(`create domain counted as int default 7; create table fills (plain int not null, preset int not null default 1, made int generated always as identity, same text generated always as ('x') stored, through counted not null);
      create table bare (); create sequence numbers; create materialized view seen_once as select 1 as id; create view counts as select count(*) as n from fills`);
    expect(Object.fromEntries((await open.profile('public.fills', 'target')).columns.map(({ name, filled }) => [name, filled]))).toEqual({ plain: undefined, preset: 'default', made: 'default', same: 'always', through: 'default' });
    for (const [name, noun] of [['numbers', 'a sequence'], ['seen_once', 'a materialized view'], ['counts', 'a view']]) {
      await expect(open.profile(`public.${name}`, 'target')).rejects.toMatchObject({ code: 'request.invalid', message: `public.${name}: is ${noun}: nothing can be written into it.` });
    }
    await expect(open.profile('public.numbers', 'source')).rejects.toMatchObject({ code: 'request.invalid' });
    await expect(open.profile('public.bare', 'source')).rejects.toMatchObject({ code: 'profile.unusable', message: 'public.bare has no usable column: it has none.', next: 'give it a column, or name another table' });
    expect(await open.profile('public.bare', 'target')).toMatchObject({ exists: true, columns: [] });
  });
  it('names tables that are near in the same schema, or the same name in another one', async () => {
    await admin.query('create schema if not exists aside; create table aside.far_away (id int)');
    const next = async (dataset: string): Promise<string | null> => open.profile(dataset, 'source').then(() => null, (error: EtlError) => error.next);
    expect([await next('public.frseh'), await next('public.far_away'), await next('pubilc.fresh'), await next('public.zzzzzzzz')]).toEqual(
      ['did you mean public.fresh?', 'did you mean aside.far_away?', 'did you mean public.fresh?', 'agent-etl datasets here']);
  });
  it('finds the value that a digest stumbles over', async () => {
    await admin.query(`create table odd_json (id int, j json); insert into odd_json values (1, '{}'), (2, '{"a":"\\u0000"}'); create table far_times (id int, t timestamp); insert into far_times values (1, 'infinity'), (2, '294276-12-31 23:59:59')`);
    const json = loadOf(await open.profile('public.odd_json', 'source'), 'public.odd_jsonb', { carrier: 'text', digest: 'text-md5' });
    const into = (load: LoadTask, name: string, targetNative: string): LoadTask => ({ ...load, columns: load.columns.map((column) => (column.source === name ? { ...column, targetNative } : column)) });
    const digest = async (load: LoadTask): Promise<EtlError | null> => {
      const session = await open.source.begin(load, null);
      return session.digest(await session.cut(), signal).then(() => null, (error: EtlError) => error).finally(() => session.close());
    };
    expect(await digest(into(json, 'j', 'jsonb'))).toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'j', target: 'jsonb' } });
    const times = loadOf(await open.profile('public.far_times', 'source'), 'far.parquet', { engine: 'duckdb', carrier: 'text', digest: 'text-md5' });
    expect(await digest(into(times, 't', 'TIMESTAMP'))).toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 't', value: '294276-12-31 23:59:59', target: 'TIMESTAMP' } });
  });
  it('names row, column and value of a text that a step cannot cast, as files do, and blames no target', async () => {
    await admin.query(`create table odd_texts (id int, size text, code char(12)); insert into odd_texts values (1, '5', '1'), (2, 'a "few" [x]', '1'), (3, '7', '99999999999')`);
    const profile = await open.profile('public.odd_texts', 'source');
    const read = async (column: string): Promise<EtlError | null> => {
      const { stages } = fuseSteps([{ op: 'filter', where: { k: 'bin', op: column === 'size' ? '<' : '>', l: { k: 'col', name: 'id' }, r: { k: 'lit', t: { kind: 'i32' }, v: column === 'size' ? '9' : '2' } } }, { op: 'cast', column, to: { kind: 'i32' }, onError: 'fail' }],
        new Map(profile.columns.map(({ name, type }) => [name, type])), { dialect: 'postgres' });
      const load = loadOf(profile, 'public.odd_numbers', { transform: { input: profile.columns, stages: [...stages] } });
      const session = await open.source.begin({ ...load, columns: load.columns.map((one) => (one.source === column ? { ...one, type: { kind: 'i32' }, sourceNative: 'integer', targetNative: 'integer' } : one)) }, null);
      const [range] = await session.cut();
      return session.read(range!, { to: { write: () => true, drained: async () => undefined }, onRead: () => undefined, signal }).then(() => null, (error: EtlError) => error).finally(() => session.close());
    };
    const advice = { next: expect.stringContaining('onError: null') as unknown };
    expect(await read('size')).toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'size', value: 'a "few" [x]', target: 'integer' }, details: advice });
    expect(await read('code')).toMatchObject({ code: 'data.value-out-of-range', cell: { row: 3, column: 'code', value: '99999999999', target: 'integer' }, details: advice });
  });
  it('leaves nothing behind', async () => {
    const { rows } = await admin.query(`select (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = '_etl' and relname like 's\\_%' and relkind = 'r') as staging,
      (select count(*)::int from pg_stat_activity where application_name = 'hazards' and datname = current_database()) as backends`);
    expect(rows).toEqual([{ staging: 0, backends: 0 }]);
  });
});
