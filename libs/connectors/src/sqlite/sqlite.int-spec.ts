import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type ColumnMapping, type LoadTask, type Profile, type PublishTask, digestText } from '@agent-etl/contracts';
import type pg from 'pg';
import { aLoad, aPublish, aWriter } from '../file/testing/a-folder.ts';
import type { OpenConnection, SourceSession } from '../port.ts';
import { postgresConnector } from '../postgres/postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from '../postgres/testing/postgres-harness.ts';
import { mapColumnType } from '../registry.ts';
import { sqliteConnector } from './sqlite-connector.ts';
import { type ADatabase, aSqlite } from './testing/sqlite-harness.ts';

const { signal } = new AbortController();
type End = 'postgres' | 'sqlite' | 'file';

describeServer('sqlite', (adminUrl) => {
  let lite: ADatabase;
  let admin: DatabaseSync;
  let client: pg.Client;
  const at = new Map<End, OpenConnection>();
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const database = `t_sqlite_${process.pid}`;
    closing.push(await aDatabase(adminUrl, database));
    client = await clientOf(adminUrl, database);
    closing.unshift(() => client.end());
    lite = await aSqlite('delete');
    ({ admin } = lite);
    closing.unshift(() => lite.drop());
    at.set('sqlite', await lite.open()).set('file', await lite.folder.open()).set('postgres', await postgresConnector.open(connectionTo(adminUrl, database), testTools('sqlite')));
  }, 30_000);
  afterAll(async () => { for (const close of closing) await close(); });

  const natively = (source: Profile, sink: End): ColumnMapping[] => source.columns.map((column) => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapColumnType(sink, column)?.native ?? '', nullable: column.nullable }));
  interface Move { readonly from: [End, string]; readonly to: [End, string]; readonly more?: Partial<LoadTask>; readonly publish?: Partial<PublishTask> }
  /** Copies as planner and worker do, every row compared. */
  async function move({ from: [from, dataset], to: [to, target], more = {}, publish = {} }: Move): Promise<{ rows: number; digest: string; source: Profile }> {
    const source = await at.get(from)!.profile(dataset, 'source');
    const task: LoadTask = { ...aLoad(source, target, { carrier: 'text', engine: from === 'file' || to === 'file' ? 'duckdb' : 'stream' }), columns: natively(source, to), target: { connection: to, dataset: target }, ...more };
    const session = await at.get(from)!.source.begin(task, null);
    const sink = await at.get(to)!.sink.begin(task, aWriter());
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const ranges = await session.cut();
      for (const range of ranges) await piece(session, { sink, range });
      const read = await session.digest(ranges, signal);
      const staged = await sink.stagedDigest(aPublish(task), signal);
      expect(digestText(staged)).toBe(digestText(read));
      await session.close(); // without a write-ahead log a reader keeps writers out
      const published = await sink.publish(aPublish(task, { how: to === 'file' ? 'file' : 'rename', ...publish }), { rows: staged.rows, digest: staged });
      return { rows: published.published, digest: digestText(read), source };
    } finally {
      await session.close();
      await sink.discard();
      await sink.close();
    }
  }
  async function piece(session: SourceSession, { sink, range }: { sink: Awaited<ReturnType<OpenConnection['sink']['begin']>>; range: Awaited<ReturnType<SourceSession['cut']>>[number] }): Promise<void> {
    const writer = await sink.begin(range);
    if (writer === 'done') return;
    try {
      const { rows, bytes, digest } = await session.read(range, { to: writer.to, onRead: () => undefined, signal });
      await writer.commit({ rows, rejected: 0, bytes, digest });
      if (digest) expect(digestText(await session.digest([range], signal))).toBe(digestText(digest));
    } catch (cause) {
      await writer.abort(cause);
      throw await session.explain?.(cause) ?? cause;
    }
  }

  it('carries every type to a table and to Parquet, every row proved, and back', async () => {
    admin.exec(`CREATE TABLE kinds (id INTEGER PRIMARY KEY, small SMALLINT, price REAL, name VARCHAR(20), raw BLOB, yes BOOLEAN, day DATE, at DATETIME, z TIMESTAMP WITH TIME ZONE, clock TIME, doc JSON, any_thing, "Mixed ""Case""" TEXT)`);
    admin.exec(`INSERT INTO kinds VALUES (-9223372036854775808, 1, 0.1, 'a "b", c' || char(10), x'00ff', 1, '2001-02-03', '2001-02-03 04:05:06.789', '2001-02-03T04:05:06+02:00', '23:59:59.999999', '{"a": 1.10}', 7, 'é'),
      (9223372036854775807, NULL, 4.9406564584124654e-324, '', x'', 0, '0001-01-01', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59Z', '00:00', 'null', NULL, NULL),
      (3, -32768, 2417851639229258349412352.0, '\\.', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 8, '~'), (4, 0, 1e999, 'x', x'5c', 1, '9999-12-31', '9999-12-31 23:59:59', '2000-01-01 00:00+00', '12:00', '[1]', 9, ''), (5, 2, 3, '1', NULL, 0, NULL, NULL, NULL, NULL, '"x"', -1, NULL)`);
    const down = await move({ from: ['sqlite', 'kinds'], to: ['postgres', 'public.kinds'] });
    expect(down.source.columns.map(({ type }) => type.kind)).toEqual(['i64', 'i64', 'f64', 'text', 'bytes', 'bool', 'date', 'ts', 'tstz', 'time', 'json', 'i64', 'text']);
    expect([down.rows, down.source.primaryKey, down.source.rows, down.source.rowsExact, down.source.range]).toEqual([5, ['id'], 5, true, 'rowid']);
    const parquet = await move({ from: ['sqlite', 'kinds'], to: ['file', 'kinds.parquet'] });
    const up = await move({ from: ['postgres', 'public.kinds'], to: ['sqlite', 'again'] });
    const round = await move({ from: ['file', 'kinds.parquet'], to: ['sqlite', 'from_file'] });
    expect([parquet.digest, up.digest, round.digest]).toEqual([down.digest, down.digest, down.digest]);
    const { rows: [row] } = await client.query('select price::text as price, raw, at::text as at from kinds where id = 4');
    expect(row).toEqual({ price: 'Infinity', raw: Buffer.from('\\'), at: '9999-12-31 23:59:59' });
  });
  it('takes what only Postgres has, as text that comes back to the same digest', async () => {
    await client.query(`create table far (d numeric(18,4), free numeric, r real, day date, at timestamp, z timestamptz, u uuid, jb jsonb, words text[], y bytea);
      insert into far values (1.5, 1e50, 1.1, 'infinity', '-infinity', '2001-01-31 23:59:59.999999+05:30', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"b": [1, null]}', array['x', null], '\\x00'), (-0.0001, 0.00, 3.4028235e38, '0044-03-15 BC', '20000-01-01 00:00', 'infinity', null, '1', '{}', '')`);
    expect((await move({ from: ['postgres', 'public.far'], to: ['sqlite', 'far'] })).rows).toBe(2);
    expect(admin.prepare('SELECT d, free, typeof(d) AS stored FROM far ORDER BY rowid').all()).toEqual([{ d: '1.5000', free: '100000000000000000000000000000000000000000000000000', stored: 'text' }, { d: '-0.0001', free: '0.00', stored: 'text' }]);
    await client.query(`create table odd (f float8); insert into odd values (1), ('NaN')`);
    await expect(move({ from: ['postgres', 'public.odd'], to: ['sqlite', 'odd'] })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 2, column: 'f', value: 'NaN', target: 'REAL' } });
  });
  it('finds in its profile what is stored against the declaration, and names row and column of what was not seen', async () => {
    admin.exec(`CREATE TABLE loose (id INTEGER PRIMARY KEY, n INTEGER, t TEXT); INSERT INTO loose VALUES (1, 5, 'a'), (2, 'five', 'b'), (3, 1.5, 'c')`);
    const { columns } = await at.get('sqlite')!.profile('loose', 'source');
    expect(columns.map(({ type, native }) => [type.kind, native])).toEqual([['i64', 'INTEGER'], ['text', 'INTEGER holding integer and real and text'], ['text', 'TEXT']]);
    await move({ from: ['sqlite', 'loose'], to: ['postgres', 'public.loose'] });
    expect((await client.query('select n from loose order by id')).rows).toEqual([{ n: '5' }, { n: 'five' }, { n: '1.5' }]);
    // Tens of thousands of rows lie between the ends that a profile looks at.
    admin.exec(`CREATE TABLE late (id INTEGER PRIMARY KEY, n INTEGER); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000) INSERT INTO late SELECT i, CASE i WHEN 50001 THEN 'fünfzig' ELSE i END FROM c`);
    await expect(move({ from: ['sqlite', 'late'], to: ['postgres', 'public.late'] })).rejects.toMatchObject({ code: 'data.value-out-of-range', details: { row: 50_001 }, cell: { row: 50_001, column: 'n', value: 'fünfzig', target: 'i64' } });
    expect((await client.query(`select to_regclass('public.late') as there`)).rows).toEqual([{ there: null }]);
  });
  it.each([['nul', "cast(x'6100' as text)", 'text without NUL'], ['utf', "cast(x'61ff' as text)", 'UTF-8 text'], ['blob', "x'61'", 'text']])('names row and column of a text that no other store takes: %s', async (name, value, target) => {
    admin.exec(`CREATE TABLE broken_${name} (id INTEGER PRIMARY KEY, t TEXT); INSERT INTO broken_${name} VALUES (7, 'fine'), (12, ${value})`);
    await expect(move({ from: ['sqlite', `broken_${name}`], to: ['postgres', `public.broken_${name}`] })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 12, column: 't', target } });
  });
  it('cuts by rowid, keeps pieces under an equal picture, and gives it up when a row was written', async () => {
    admin.exec(`CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) INSERT INTO many SELECT i * 3 - 20, 'row ' || i FROM c`);
    const chunks = { by: 'key', count: 7, parallel: 1, targetBytes: 1 } as const;
    expect((await move({ from: ['sqlite', 'many'], to: ['postgres', 'public.many'], more: { chunks } })).rows).toBe(5_000);
    const task: LoadTask = { ...aLoad(await at.get('sqlite')!.profile('many', 'source'), 'x', { carrier: 'text' }), chunks };
    const first = await at.get('sqlite')!.source.begin(task, null);
    const cut = await first.cut();
    await first.close();
    const second = await at.get('sqlite')!.source.begin(task, first.snapshot);
    expect([cut.length, await second.cut()]).toEqual([7, cut]);
    await second.close();
    admin.exec(`INSERT INTO many VALUES (100000, 'late')`);
    await expect(at.get('sqlite')!.source.begin(task, first.snapshot)).rejects.toMatchObject({ code: 'source.snapshot-lost' });
  });
  it('says what a table has become, and lets nobody change it under a reader', async () => {
    admin.exec(`CREATE TABLE grows (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO grows VALUES (1, 'a'), (2, 'b')`);
    const task: LoadTask = aLoad(await at.get('sqlite')!.profile('grows', 'source'), 'x', { carrier: 'text' });
    const session = await at.get('sqlite')!.source.begin(task, null);
    expect(() => { admin.exec('ALTER TABLE grows ADD COLUMN more TEXT'); }).toThrow(/locked/);
    await session.close();
    admin.exec('ALTER TABLE grows ADD COLUMN more TEXT; ALTER TABLE grows DROP COLUMN v');
    await expect(at.get('sqlite')!.source.begin(task, null)).rejects.toMatchObject({ code: 'source.schema-drifted', issues: [expect.objectContaining({ code: expect.stringMatching(/^drift\.(gone|renamed)$/) as unknown })] });
  });
  it('adds a column in the transaction that publishes, and refuses one that came meanwhile with another type', async () => {
    admin.exec(`CREATE TABLE took (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO took VALUES (0, 'old')`);
    const evolve = [{ change: 'add' as const, column: 'more', native: 'TEXT' }];
    await client.query(`create table public.wider (id bigint primary key, v text, more text); insert into public.wider values (1, 'a', 'x'), (2, 'b', 'y')`);
    await move({ from: ['postgres', 'public.wider'], to: ['sqlite', 'took'], publish: { how: 'append', evolve } });
    expect(admin.prepare('SELECT id, more FROM took ORDER BY id').all().map((row) => ({ ...row }))).toEqual([{ id: 0, more: null }, { id: 1, more: 'x' }, { id: 2, more: 'y' }]);
    admin.exec('CREATE TABLE other (id INTEGER PRIMARY KEY, v TEXT, more BLOB)');
    await expect(move({ from: ['postgres', 'public.wider'], to: ['sqlite', 'other'], publish: { how: 'append', evolve } })).rejects.toMatchObject({ code: 'plan.stale' });
  });
  it('publishes in every way of a plan, and keeps the indexes of what it writes into', async () => {
    const rows = async (publish: Partial<PublishTask>, values: string): Promise<unknown> => {
      await client.query(`drop table if exists news; create table news (id int, v text); insert into news values ${values}`);
      const { rows: moved } = await move({ from: ['postgres', 'public.news'], to: ['sqlite', 'kept'], publish });
      return [moved, admin.prepare('SELECT id, v FROM kept ORDER BY id').all().map((row) => Object.values(row).join())];
    };
    expect(await rows({ how: 'rename', key: ['id'], keyFromSource: true }, `(1, 'a'), (2, 'b')`)).toEqual([2, ['1,a', '2,b']]);
    admin.exec('CREATE INDEX kept_v ON kept (v)');
    expect((await at.get('sqlite')!.profile('kept', 'target')).primaryKey).toEqual(['id']);
    expect(await rows({ how: 'append' }, `(3, 'c')`)).toEqual([1, ['1,a', '2,b', '3,c']]);
    expect(await rows({ how: 'upsert', key: ['id'] }, `(3, 'C'), (4, 'd')`)).toEqual([2, ['1,a', '2,b', '3,C', '4,d']]);
    await expect(rows({ how: 'upsert', key: ['id'] }, `(5, 'x'), (5, 'y')`)).rejects.toMatchObject({ code: 'sink.constraint-violated' });
    await expect(rows({ how: 'append' }, `(4, 'again')`)).rejects.toMatchObject({ code: 'sink.constraint-violated' });
    expect(await rows({ how: 'truncate-insert' }, `(9, 'z')`)).toEqual([1, ['9,z']]);
    admin.exec(`INSERT INTO kept VALUES (1, 'one'), (2, NULL)`);
    const all = { then: 'delete', atMost: 1 } as const;
    await expect(rows({ how: 'merge', key: ['id'], vanished: { then: 'delete', atMost: 0.2 } }, `(9, 'z'), (2, 'b')`)).rejects.toMatchObject({ code: 'sink.too-many-deletes', details: { missing: 1, rows: 3 } });
    expect(await rows({ how: 'merge', key: ['id'], vanished: all }, `(9, 'z'), (2, 'b'), (7, null)`)).toEqual([2, ['2,b', '7,', '9,z']]);
    await expect(rows({ how: 'merge', key: ['id'], vanished: all }, `(5, 'x'), (5, 'y')`)).rejects.toMatchObject({ code: 'sink.constraint-violated' });
    admin.exec('CREATE TABLE below (id INTEGER REFERENCES kept (id) ON DELETE CASCADE); INSERT INTO below VALUES (7)');
    for (const how of ['merge', 'truncate-insert'] as const) await expect(rows({ how, key: ['id'], vanished: all }, `(9, 'z')`)).rejects.toMatchObject({ code: 'sink.constraint-violated', details: { constraint: 'deleting rows reaches into below' } });
    admin.exec('DROP TABLE below');
    await expect(rows({ how: 'scd2', key: ['id'] }, `(9, 'z')`)).rejects.toMatchObject({ code: 'request.unsupported' });
    expect(admin.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'kept_v'").get()).toEqual({ n: 1 });
    expect(admin.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE '_etl_s_%'").get()).toEqual({ n: 0 });
  });
  it('tells its rows by their keys as Postgres tells them', async () => {
    await client.query(`drop table if exists told; create table told (id int primary key, v text, d float8); insert into told values (1, 'a', 0.1), (2, null, null), (3, 'ä "x"', -2.5)`);
    await move({ from: ['postgres', 'public.told'], to: ['sqlite', 'told'] });
    const profile = await at.get('postgres')!.profile('public.told', 'source');
    const task: LoadTask = { ...aLoad(profile, 'told', { carrier: 'text' }), target: { connection: 'lite', dataset: 'told' } };
    const session = await at.get('postgres')!.source.begin(task, null);
    const read = await at.get('sqlite')!.source.begin({ ...task, source: { connection: 'lite', dataset: 'told' }, sourceFingerprint: (await at.get('sqlite')!.profile('told', 'source')).fingerprint }, null);
    const ask = { key: [0], signal: new AbortController().signal };
    const ends = [session.hashed!(ask), at.get('sqlite')!.sink.hashed!(aPublish(task), ask), read.hashed!(ask)];
    const sums = await Promise.all(ends.map(async (end) => (await end.buckets()).sort((a, b) => (a.bucket < b.bucket ? -1 : 1))));
    expect([sums[1], sums[2]]).toEqual([sums[0], sums[0]]);
    const rows = await Promise.all(ends.map(async (end) => (await end.rows(sums[0]!.map(({ bucket }) => bucket), 100)).map(({ key, hash }) => `${key.join()} ${hash}`).sort()));
    expect([rows[1], rows[2]]).toEqual([rows[0], rows[0]]);
    await Promise.all([session.close(), read.close()]);
  });
  it('refuses a number that a target would round', async () => {
    admin.exec('CREATE TABLE rounds (n REAL)');
    await client.query('create table big (n bigint); insert into big values (9007199254740993)');
    await expect(move({ from: ['postgres', 'public.big'], to: ['sqlite', 'rounds'], publish: { how: 'append' } })).rejects.toThrow();
    expect(admin.prepare('SELECT count(*) AS n FROM rounds').get()).toEqual({ n: 0 });
  });
  it('refuses views, other files under its name, paths that leave the root, and a copy inside one file that cannot be read and written at once', async () => {
    admin.exec('CREATE VIEW endless AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i FROM c) SELECT i FROM c');
    await expect(at.get('sqlite')!.profile('endless', 'source')).rejects.toMatchObject({ code: 'request.unsupported' });
    await writeFile(join(lite.folder.root, 'not.db'), 'id,name\n1,x\n');
    for (const [file, code] of [['not.db', 'data.format-invalid'], ['../x.db', 'file.forbidden'], ['missing.db', 'source.not-found'], ['/etc/passwd', 'file.forbidden']] as const) {
      const open = await sqliteConnector.open({ ...lite.connection, file }, lite.folder.tools);
      await expect(open.profile('t', 'source')).rejects.toMatchObject({ code });
    }
    const profile = await at.get('sqlite')!.profile('kinds', 'source');
    await expect(at.get('sqlite')!.sink.begin({ ...aLoad(profile, 'twin'), source: { connection: 'lite', dataset: 'kinds' }, target: { connection: 'lite', dataset: 'twin' } }, aWriter())).rejects.toMatchObject({ code: 'request.unsupported' });
  });
  it('makes a file that is missing, with its folder', async () => {
    const open = await sqliteConnector.open({ ...lite.connection, file: 'new/made.db' }, lite.folder.tools);
    at.set('sqlite', open);
    await client.query(`create table little (id int, v text); insert into little values (1, 'x')`);
    expect((await open.profile('little', 'target')).exists).toBe(false);
    expect((await move({ from: ['postgres', 'public.little'], to: ['sqlite', 'little'] })).rows).toBe(1);
    expect((await open.inspect('datasets')).datasets).toEqual([{ name: 'little', rows: 1, bytes: null }]);
  });
});
