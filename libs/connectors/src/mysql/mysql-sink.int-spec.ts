import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ColumnMapping, type Digest, type LoadTask, type PublishTask, digestText } from '@agent-etl/contracts';
import type pg from 'pg';
import { aLoad, aPublish, aWriter } from '../file/testing/a-folder.ts';
import type { OpenConnection } from '../port.ts';
import { postgresConnector } from '../postgres/postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from '../postgres/testing/postgres-harness.ts';
import { mysqlConnector } from './mysql-connector.ts';
import { mapToMysql } from './mysql-types-rules.ts';
import { type AMysql, aMysql, mysqlUrl } from './testing/mysql-harness.ts';

const { signal } = new AbortController();
const url = mysqlUrl();
if (url === null) it.skip('needs a MariaDB', () => undefined);
else describeServer('mysql as a sink', (adminUrl) => {
  let maria: AMysql;
  let client: pg.Client;
  let source: OpenConnection;
  let target: OpenConnection;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const database = `t_mysql_sink_${process.pid}`;
    closing.push(await aDatabase(adminUrl, database));
    client = await clientOf(adminUrl, database);
    maria = await aMysql(url, database);
    closing.unshift(() => client.end(), () => maria.drop());
    source = await postgresConnector.open(connectionTo(adminUrl, database), testTools('mysql'));
    target = await mysqlConnector.open(maria.connection, testTools('mysql'));
  }, 30_000);
  afterAll(async () => { for (const close of closing) await close(); });

  /** Copies a table of Postgres as a plan would: the types of a target that is there, else the mapping. */
  async function move(from: string, to: string, { into = target, ...publish }: Partial<PublishTask> & { into?: OpenConnection } = {}): Promise<{ published: { published: number; inserted: number | null; updated: number | null }; digest: Digest }> {
    const profile = await source.profile(from, 'source');
    const there = await into.profile(to, 'target');
    const columns = profile.columns.map((column): ColumnMapping => ({
      source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: there.columns.find(({ name }) => name === column.name)?.native ?? mapToMysql(column)?.native ?? '', nullable: column.nullable }));
    const task: LoadTask = { ...aLoad(profile, to, { carrier: 'text', engine: 'stream' }), columns, target: { connection: 'maria', dataset: to } };
    const session = await source.source.begin(task, null);
    const sink = await into.sink.begin(task, aWriter());
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const [range] = await session.cut();
      for (let isWritten = false; !isWritten;) {
        const writer = await sink.begin(range!);
        if (writer === 'done') throw new Error('nothing was written yet');
        try {
          const { rows, bytes } = await session.read(range!, { to: writer.to, onRead: () => undefined, signal });
          isWritten = await writer.commit({ rows, rejected: 0, bytes, digest: null }) === 'written';
        } catch (cause) { await writer.abort(cause); throw cause; }
      }
      const staged = await sink.stagedDigest(aPublish(task), signal);
      expect(digestText(staged)).toBe(digestText(await session.digest([range!], signal)));
      const published = await sink.publish(aPublish(task, { how: 'rename', ...publish }), { rows: staged.rows, digest: staged });
      if (publish.how === undefined) expect(digestText(await into.sink.current(aPublish(task), signal))).toBe(digestText(staged));
      return { published, digest: staged };
    } finally {
      await sink.discard();
      await Promise.all([session.close(), sink.close()]);
    }
  }
  const rows = async (table: string): Promise<string[]> => ((await maria.admin.query({ sql: `SELECT * FROM ${table} ORDER BY id`, rowsAsArray: true })) as unknown as [unknown[][]])[0].map((row) => row.join());

  it('takes every type of Postgres that it holds, and gives it back to the same digest', async () => {
    await client.query(`create table kinds (id bigint primary key, b boolean, s smallint, i integer, d numeric(18,4), lead numeric(4,4), f real, x double precision, t text, v varchar(20), y bytea, day date, clock time, at timestamp, z timestamptz, u uuid, j json, jb jsonb, "Mixed ""Case" text);
      insert into kinds values (1, true, -32768, 2147483647, -12345678901234.5678, 0.0001, 1.1, 0.1, E'a "b", c\\n\\\\ é 😀 NULL', 'NULL', '\\x00ff5c22', '0001-01-01', '23:59:59.999999', '1969-12-31 23:59:59.999999', '2001-01-31 23:59:59.999999+05:30', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"a": 1.10}', '{"b": [1, null]}', '~'),
      (9223372036854775807, false, 0, 0, 0, -0.9999, 3.4028235e38, 2417851639229258349412352, '', ' blanks ', '', '9999-12-31', '00:00', '9999-12-31 23:59:59', '1970-01-01 00:00:01Z', null, 'null', '1', ''), (0, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
      (-9223372036854775808, true, 1, 1, 1, 0, -0.25, -1.5e-300, '\\N', '\\.', '\\x5c', '2000-02-29', '12:00', '2000-02-29 12:00', '2038-01-01Z', gen_random_uuid(), '[1]', '{}', 'x')`);
    expect((await move('public.kinds', 'kinds')).published.published).toBe(4);
    const back = await target.profile('kinds', 'source');
    expect(back.columns.map(({ native }) => native.replace('bigint(20)', 'bigint'))).toEqual(
      ['bigint', 'tinyint(1)', 'smallint(6)', 'int(11)', 'decimal(18,4)', 'decimal(4,4)', 'float', 'double', 'longtext', 'longtext', 'longblob', 'date', 'time(6)', 'datetime(6)', 'timestamp(6)', 'char(36)', 'longtext', 'longtext', 'longtext']);
    expect((await target.profile('kinds', 'target')).columns[1]?.type).toEqual({ kind: 'bool' }); // what a run has made, the next one fills
    expect((await move('public.kinds', 'kinds', { how: 'truncate-insert' })).published.published).toBe(4);
  });
  it('tells its rows by their keys as Postgres tells them', async () => {
    const profile = await source.profile('public.kinds', 'source');
    const columns = profile.columns.map((column): ColumnMapping => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapToMysql(column)?.native ?? '', nullable: true }));
    const task: LoadTask = { ...aLoad(profile, 'kinds', { carrier: 'text', engine: 'stream' }), columns, target: { connection: 'maria', dataset: 'kinds' } };
    const [session, again] = [await source.source.begin(task, null), await target.source.begin({ ...task, source: { connection: 'maria', dataset: 'kinds' }, sourceFingerprint: (await target.profile('kinds', 'source')).fingerprint }, null)];
    const ask = { key: [0], signal };
    const ends = [session.hashed!(ask), target.sink.hashed!(aPublish(task), ask), again.hashed!(ask)];
    const [there, written, read] = await Promise.all(ends.map(async (end) => (await end.buckets()).sort((a, b) => (a.bucket < b.bucket ? -1 : 1))));
    expect([written, read]).toEqual([there, there]);
    const buckets = there!.map(({ bucket }) => bucket);
    const [first, ...others] = await Promise.all(ends.map(async (end) => (await end.rows(buckets, 100)).map(({ key, hash }) => `${key.join()} ${hash}`).sort()));
    expect(others).toEqual([first, first]);
    await Promise.all([session.close(), again.close()]);
  });
  it('plans no decimal that it would round', () => {
    const native = (precision?: number, scale?: number) => mapToMysql({ type: { kind: 'dec', ...(precision === undefined ? {} : { precision, scale: scale! }) } })?.native ?? null;
    expect([native(), native(66, 0), native(40, 31), native(5, -2), native(65, 30)]).toEqual([null, null, null, null, 'DECIMAL(65,30)']);
  });
  it.each([
    ['bigint', '300', 'TINYINT UNSIGNED', '300'], ['text', `'longer than ten'`, 'VARCHAR(10)', 'longer than ten'], ['numeric(9,3)', '1.239', 'DECIMAL(9,2)', '1.239'], ['float8', `'NaN'`, 'DOUBLE', 'NaN'], ['timestamp', `'2001-02-03 04:05:06.5'`, 'DATETIME', '2001-02-03 04:05:06.5'],
    ['date', `'infinity'`, 'DATE', 'infinity'], ['timestamptz', `'1960-01-01Z'`, 'TIMESTAMP(6) NULL', '1960-01-01 00:00:00+00'], ['text', `'日本'`, 'VARCHAR(9) CHARACTER SET latin1', '日本'], ['text', `'c'`, `ENUM('a', 'b')`, 'c'],
  ])('names row, column and value of a %s %s that %s does not hold, and publishes nothing', async (type, value, native, said) => {
    const [fine] = { bigint: ['7'], text: [`'a'`], float8: ['1'], 'numeric(9,3)': ['1.25'] }[type] ?? [`'2001-02-03'`];
    await client.query(`drop table if exists misfit; create table misfit (id int, v ${type}); insert into misfit values (1, ${fine}), (2, null), (3, ${value})`);
    await maria.admin.query(`DROP TABLE IF EXISTS misfit; CREATE TABLE misfit (id INT, v ${native})`);
    await expect(move('public.misfit', 'misfit', { how: 'append' })).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { row: 3, column: 'v', value: said } });
    expect(await rows('misfit')).toEqual([]);
  });
  it('publishes in every way of a plan, and keeps what hangs on the table', async () => {
    const load = async (values: string, publish: Partial<PublishTask> = {}) => {
      await client.query(`drop table if exists news; create table news (id int not null, v text); insert into news values ${values}`);
      return (await move('public.news', 'kept', publish)).published;
    };
    await load(`(0, 'zero'), (1, 'a')`, { how: 'rename', key: ['id'], keyFromSource: true });
    expect((await target.profile('kept', 'target')).primaryKey).toEqual(['id']);
    await maria.admin.query('SET SESSION sql_mode = \'NO_AUTO_VALUE_ON_ZERO\'; ALTER TABLE kept MODIFY id INT NOT NULL AUTO_INCREMENT, ADD note VARCHAR(9) NOT NULL DEFAULT \'kept\', ADD UNIQUE KEY one (v(20))');
    await load(`(3, 'c')`, { how: 'append' });
    expect(await load(`(3, 'C!'), (4, 'd')`, { how: 'upsert', key: ['id'] })).toEqual({ published: 2, inserted: 1, updated: 1 });
    expect(await rows('kept')).toEqual(['0,zero,kept', '1,a,kept', '3,C!,kept', '4,d,kept']);
    await expect(load(`(5, 'x'), (5, 'y')`, { how: 'upsert', key: ['id'] })).rejects.toMatchObject({ code: 'sink.constraint-violated' });
    await expect(load(`(9, 'zero')`, { how: 'upsert', key: ['id'] })).rejects.toMatchObject({ code: 'sink.constraint-violated' }); // another key: its row is not changed behind our back
    await expect(load(`(4, 'again')`, { how: 'append' })).rejects.toMatchObject({ code: 'sink.constraint-violated' });
    await load(`(7, 'swapped')`, { how: 'swap' });
    expect([await rows('kept'), (await target.profile('kept', 'target')).indexes.length]).toEqual([['7,swapped,kept'], 2]);
    await maria.admin.query('CREATE TRIGGER noted BEFORE INSERT ON kept FOR EACH ROW SET NEW.note = \'trigger\'');
    await load(`(8, 'replaced')`, { how: 'swap' }); // a trigger would stay with the old table: rows are replaced instead
    expect(await rows('kept')).toEqual(['8,replaced,trigger']);
    await expect(load(`(9, 'late')`, { how: 'rename' })).rejects.toMatchObject({ code: 'plan.stale' });
  }, 30_000);
  it('gives a text key a length and tells its letters apart', async () => {
    await client.query(`create table words (w text primary key, n int); insert into words values ('a', 1), ('A', 2), ('a ', 3), ('ä', 4)`);
    expect((await move('public.words', 'words', { how: 'rename', key: ['w'], keyFromSource: true })).published.published).toBe(4);
    expect((await target.profile('words', 'target')).primaryKey).toEqual(['w']);
  });
  it('says which right is missing, and what to set where the server loads nothing from clients', async () => {
    await client.query('create table little (id int); insert into little values (1)');
    await maria.admin.query(`CREATE USER reader@'127.0.0.1' IDENTIFIED BY ''; GRANT SELECT ON ${maria.connection.database}.* TO reader@'127.0.0.1'`);
    const poor = await mysqlConnector.open({ ...maria.connection, user: 'reader' }, testTools('mysql'));
    await expect(move('public.little', 'little', { into: poor })).rejects.toMatchObject({ code: 'connection.permission-denied', details: { action: expect.stringContaining('CREATE'), grant: expect.stringMatching(/^GRANT SELECT, INSERT.* ON `t_mysql_sink_\d+`\.\* TO 'reader'$/) } });
    await maria.admin.query(`DROP USER reader@'127.0.0.1'; SET GLOBAL local_infile = OFF`);
    try {
      await expect(move('public.little', 'little')).rejects.toMatchObject({ code: 'connection.permission-denied', details: { grant: expect.stringContaining('SET GLOBAL local_infile = ON') } });
    } finally {
      await maria.admin.query('SET GLOBAL local_infile = ON');
    }
  });
});
