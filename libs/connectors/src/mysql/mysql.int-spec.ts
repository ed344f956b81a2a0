import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ColumnMapping, type LoadTask, type Profile, digestText } from '@agent-etl/contracts';
import type pg from 'pg';
import { type AFolder, aFolder, aLoad, aPublish, aWriter } from '../file/testing/a-folder.ts';
import type { OpenConnection } from '../port.ts';
import { postgresConnector } from '../postgres/postgres-connector.ts';
import { aDatabase, clientOf, connectionTo, describeServer, testTools } from '../postgres/testing/postgres-harness.ts';
import { mapColumnType } from '../registry.ts';
import { mysqlConnector } from './mysql-connector.ts';
import { type AMysql, aMysql, mysqlUrl } from './testing/mysql-harness.ts';

const { signal } = new AbortController();
const url = mysqlUrl();
if (url === null) it.skip('needs a MariaDB', () => undefined);
else describeServer('mysql', (adminUrl) => {
  let maria: AMysql;
  let folder: AFolder;
  let client: pg.Client;
  let source: OpenConnection;
  const sinks = new Map<'postgres' | 'file', OpenConnection>();
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const database = `t_mysql_${process.pid}`;
    closing.push(await aDatabase(adminUrl, database));
    client = await clientOf(adminUrl, database);
    maria = await aMysql(url, database);
    folder = await aFolder();
    closing.unshift(() => client.end(), () => maria.drop(), () => folder.drop());
    source = await mysqlConnector.open(maria.connection, testTools('mysql'));
    sinks.set('postgres', await postgresConnector.open(connectionTo(adminUrl, database), testTools('mysql'))).set('file', await folder.open());
  }, 30_000);
  afterAll(async () => { for (const close of closing) await close(); });

  async function move(dataset: string, [to, target]: ['postgres' | 'file', string], more: Partial<LoadTask> = {}): Promise<{ rows: number; pieces: number; digest: string; source: Profile }> {
    const profile = await source.profile(dataset, 'source');
    const columns = profile.columns.map((column): ColumnMapping => ({ source: column.name, target: column.name, type: column.type, sourceNative: column.native, targetNative: mapColumnType(to, column)?.native ?? '', nullable: column.nullable }));
    const task: LoadTask = { ...aLoad(profile, target, { carrier: 'text', engine: to === 'file' ? 'duckdb' : 'stream' }), columns, target: { connection: to, dataset: target }, ...more };
    const session = await source.source.begin(task, null);
    const sink = await sinks.get(to)!.sink.begin(task, aWriter());
    try {
      await sink.raise();
      await sink.prepare({ fresh: 'start-over' });
      const ranges = await session.cut();
      for (const range of ranges) {
        const writer = await sink.begin(range);
        if (writer === 'done') throw new Error('nothing was written yet');
        try {
          const { rows, bytes } = await session.read(range, { to: writer.to, onRead: () => undefined, signal });
          await writer.commit({ rows, rejected: 0, bytes, digest: null });
        } catch (cause) { await writer.abort(cause); throw cause; }
      }
      const read = await session.digest(ranges, signal);
      const staged = await sink.stagedDigest(aPublish(task), signal);
      expect(digestText(staged)).toBe(digestText(read));
      const { published } = await sink.publish(aPublish(task, { how: to === 'file' ? 'file' : 'rename' }), { rows: staged.rows, digest: staged });
      return { rows: published, pieces: ranges.length, digest: digestText(read), source: profile };
    } finally {
      await sink.discard();
      await Promise.all([session.close(), sink.close()]);
    }
  }

  it('carries every type to a table and to Parquet, every row proved', async () => {
    await maria.admin.query(`CREATE TABLE kinds (id INT PRIMARY KEY, tiny TINYINT(1), small SMALLINT UNSIGNED, medium MEDIUMINT, whole INT UNSIGNED, big BIGINT, huge BIGINT UNSIGNED, d DECIMAL(18,4), lead DECIMAL(4,4), f FLOAT, x DOUBLE, t VARCHAR(200), latin VARCHAR(20) CHARACTER SET latin1,
      e ENUM('a','b"c'), s SET('p','q'), raw VARBINARY(20), fixed BINARY(3), b LONGBLOB, bits BIT(5), day DATE, clock TIME(6), at DATETIME(6), z TIMESTAMP(6) NULL, y YEAR, j JSON, \`Mixed "Case\` TEXT)`);
    const NUL = String.raw`\0`;
    await maria.admin.query(`INSERT INTO kinds VALUES (1, 1, 65535, -8388608, 4294967295, -9223372036854775808, 18446744073709551615, -12345678901234.5678, 0.0001, 1.1, 0.1, 'a "b", c\\n\\\\. é 😀', 'é', 'b"c', 'p,q', 'x${NUL}y', 'ab', REPEAT('z', 100000), b'10101', '0001-01-01', '23:59:59.999999', '1969-12-31 23:59:59.999999', '2001-02-03 04:05:06.789', 2024, '{"a": 1.10}', 'é'),
      (2, -128, 0, 8388607, 0, 9223372036854775807, 0, 0, -0.9999, 3.4028235e38, 2417851639229258349412352, '', '', 'a', '', '', '', '', b'0', '9999-12-31', '00:00:00', '9999-12-31 23:59:59', '1970-01-01 00:00:01', 1901, 'null', ''),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, 0, 1, 1, 1, 1, 1, 1, 0, -0.25, -1.5e-300, ' blanks ', 'x', 'a', 'q', x'5c', 'abc', 'b', b'1', '2000-02-29', '12:00:00', '2000-02-29 12:00:00', '2038-01-01 00:00:00', 2155, '[1]', '~')`);
    const down = await move('kinds', ['postgres', 'public.kinds']);
    expect(down.source.columns.map(({ type }) => type.kind)).toEqual(['i32', 'i16', 'i32', 'i32', 'i64', 'i64', 'dec', 'dec', 'dec', 'f32', 'f64', 'text', 'text', 'text', 'text', 'bytes', 'bytes', 'bytes', 'dec', 'date', 'time', 'ts', 'tstz', 'i16', 'text', 'text']);
    expect([down.rows, down.source.primaryKey, down.source.range, down.source.rows, down.source.system]).toEqual([4, ['id'], 'id', 4, expect.stringMatching(/^(MariaDB|MySQL) \d/)]);
    expect((await move('kinds', ['file', 'kinds.parquet'])).digest).toBe(down.digest);
    const { rows: [row] } = await client.query(`select huge::text, f::text, latin, bits::text, z::text, raw from kinds where id = 1`);
    expect(row).toMatchObject({ huge: '18446744073709551615', f: '1.1', latin: 'é', bits: '21', raw: Buffer.from('x\0y') });
  });
  it('cuts by its key under one snapshot, which does not see what comes later', async () => {
    await maria.admin.query(`CREATE TABLE many (id BIGINT PRIMARY KEY, v VARCHAR(100)); INSERT INTO many SELECT CAST(seq AS SIGNED) * 3 - 20, CONCAT('row ', seq) FROM seq_1_to_60000`);
    const { rows, pieces } = await move('many', ['postgres', 'public.many'], { chunks: { by: 'key', count: 7, parallel: 1, targetBytes: 1 } });
    expect([rows, pieces]).toEqual([60_000, 7]);
    const profile = await source.profile('many', 'source');
    const session = await source.source.begin(aLoad(profile, 'x', { carrier: 'text' }), null);
    await maria.admin.query(`INSERT INTO many VALUES (1000000, 'late')`);
    const [range] = await session.cut();
    expect((await session.read(range!, { to: { write: () => true, drained: async () => undefined }, onRead: () => undefined, signal })).rows).toBe(60_000);
    await session.close();
    await expect(source.source.begin(aLoad(profile, 'x'), session.snapshot)).rejects.toMatchObject({ code: 'source.snapshot-lost' });
  }, 30_000);
  it('says what a table has become since its snapshot, and what between planning and reading', async () => {
    await maria.admin.query(`CREATE TABLE grows (id BIGINT PRIMARY KEY, v INT); INSERT INTO grows VALUES (1, 1), (2, 2)`);
    const load = aLoad(await source.profile('grows', 'source'), 'x', { carrier: 'text' });
    const session = await source.source.begin(load, null);
    await maria.admin.query('ALTER TABLE grows ADD COLUMN more VARCHAR(10), MODIFY v BIGINT');
    const issues = expect.arrayContaining([expect.objectContaining({ code: 'drift.wider' }), expect.objectContaining({ code: 'drift.added' })]) as unknown;
    await expect(session.read({ key: 'a', ordinal: 0, from: null, to: null }, { to: { write: () => true, drained: async () => undefined }, onRead: () => undefined, signal })).rejects.toMatchObject({ code: 'source.schema-drifted', issues });
    await session.close();
    await expect(source.source.begin(load, null)).rejects.toMatchObject({ code: 'source.schema-drifted', issues });
  });
  it('stops at a date that no other store takes, and publishes nothing', async () => {
    await maria.admin.query(`CREATE TABLE zero (id INT PRIMARY KEY, day DATE); INSERT INTO zero VALUES (1, '2000-01-01'), (2, '0000-00-00')`);
    await expect(move('zero', ['postgres', 'public.zero'])).rejects.toMatchObject({ code: 'data.value-out-of-range', cell: { column: 'day', value: '0000-00-00' } });
    expect((await client.query(`select to_regclass('public.zero') as there`)).rows).toEqual([{ there: null }]);
  });
  it('refuses a table without snapshots, and says why it cannot be reached', async () => {
    await maria.admin.query(`CREATE TABLE old (id INT) ENGINE = MyISAM`);
    await expect(source.profile('old', 'source')).rejects.toMatchObject({ code: 'request.unsupported' });
    const tried = async (more: object): Promise<unknown> => (await mysqlConnector.open({ ...maria.connection, ...more }, testTools('mysql'))).inspect('test').then(() => 'answered', (error: { code?: string }) => error.code);
    expect(await Promise.all([tried({}), tried({ port: 1 }), tried({ user: 'nobody' }), tried({ database: 'nowhere' }), tried({ tls: 'prefer' })])).toEqual(
      ['answered', 'connection.unreachable', 'connection.auth-failed', 'source.not-found', 'answered']);
    await maria.admin.query(`CREATE USER poor@'127.0.0.1' IDENTIFIED BY ''; GRANT SELECT ON ${maria.connection.database}.kinds TO poor@'127.0.0.1'`);
    expect(await tried({ user: 'poor' })).toBe('answered');
    await maria.admin.query(`DROP USER poor@'127.0.0.1'`);
  });
});
