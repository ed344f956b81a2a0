import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DuckDBInstance } from '@duckdb/node-api';
import { type SafeSql, compile, sqlFor } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckChild } from './duck-child.ts';

const sql = sqlFor('duckdb');
const statements: [string, SafeSql<'duckdb'>][] = [
  ['whole numbers at their ends', compile(sql`SELECT * FROM (VALUES ((-128)::TINYINT, 255::UTINYINT, (-32768)::SMALLINT, 65535::USMALLINT, (-2147483648)::INTEGER, 4294967295::UINTEGER, (-9223372036854775808)::BIGINT, 18446744073709551615::UBIGINT),
    (127, 0, 32767, 0, 2147483647, 0, 9223372036854775807, 0), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(a, b, c, d, e, f, g, h)`)],
  ['numbers of sixteen bytes', compile(sql`SELECT unnest([170141183460469231731687303715884105727, -170141183460469231731687303715884105728, 0, -1, 18446744073709551616, NULL]::HUGEINT[]) AS big`)],
  ['doubles that JSON has and has not', compile(sql`SELECT d, d::FLOAT AS f FROM (SELECT unnest([1.5, -0.0, 0.1, 5e-324, 'NaN'::DOUBLE, 'Infinity'::DOUBLE, '-Infinity'::DOUBLE, NULL, 16777217]) AS d)`)],
  ['texts short and long', compile(sql`SELECT unnest(['', 'x', 'twelve bytes', 'thirteen byte', 'Größe €', repeat('ü', 5000), NULL, 'a' || chr(0) || 'b', repeat('z', 2000000)]) AS t, true AS yes, NULL::BOOLEAN AS none`)],
  ['nothing at all', compile(sql`SELECT 1 AS a, 'x' AS b WHERE false`)],
  ['several chunks', compile(sql`SELECT range AS n, CASE WHEN range % 7 = 0 THEN NULL ELSE md5(range::VARCHAR) END AS t FROM range(9999)`)],
  ['columns of strange names', compile(sql`SELECT 2 AS "Größe", 3 AS "a""b", 4 AS "1", 5 AS "0"`)],
  ['two columns of one name', compile(sql`SELECT 1 AS a, 2 AS a`)],
  ['other types, by the package that knows them all', compile(sql`SELECT DATE '2024-02-29' AS d, 1.50::DECIMAL(18,4) AS n, [1, 2] AS l, {'a': 1} AS s, TIMESTAMP '2024-01-01 00:00:00.5' AS t, 'x'::BLOB AS b, 'ok' AS v`)],
  ['values', compile(sql`SELECT ${'text €'} AS a, ${'short'} AS b, ${7} AS c, ${-1} AS d, ${3_000_000_000} AS e, ${1.25} AS f, ${true} AS g, ${12345678901234567890n} AS h, ${null} IS NULL AS i, typeof(${7}) AS j, typeof(${3_000_000_000}) AS k, typeof(${9n}) AS l, typeof(${'x'}) AS m`)],
  ['a statement that is no question', compile(sql`CREATE TABLE t AS SELECT range AS n FROM range(5)`)],
  ['rows that a statement changed', compile(sql`UPDATE t SET n = n + 1 WHERE n > 2`)],
];

describe('rows of an engine child', () => {
  let scratch: string;
  let child: DuckChild;
  let reference: Awaited<ReturnType<DuckDBInstance['connect']>>;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'plain-rows-'));
    child = await DuckChild.start({ about: 'rows', scratch });
    reference = await (await DuckDBInstance.create(':memory:', { preserve_insertion_order: 'true' })).connect();
  });
  afterAll(async () => {
    await child.stop();
    await rm(scratch, { recursive: true });
  });

  it.each(statements)('are what @duckdb/node-api says: %s', async (_, statement) => {
    const reader = await reference.streamAndReadUntil(statement.text, 10_001, [...statement.params] as never);
    const rows = await child.query(statement);
    expect(rows).toEqual(reader.getRowObjectsJson());
    expect(rows.map((row) => Object.keys(row))).toEqual(reader.getRowObjectsJson().map((row) => Object.keys(row)));
  });
  it('keep a mark of byte order at the start of a text, which is a letter like others', async () => {
    expect(await child.query(compile(sql`SELECT chr(65279) || 'x' AS a`))).toEqual([{ a: '\uFEFFx' }]);
  });
  it.each([['plain', compile(sql`SELECT range AS n FROM range(10001)`)], ['of other types', compile(sql`SELECT DATE '2024-01-01' AS d FROM range(10001)`)]])('are 10,000 at most: %s', async (_, statement) => {
    await expect(child.query(statement)).rejects.toThrow();
  });
  it('are counted where a statement changed them', async () => {
    expect(await child.copy(compile(sql`UPDATE t SET n = n + 1 WHERE n > 2`))).toBe(2);
  });
  it('say why there are none', async () => {
    await expect(child.query(compile(sql`SELECT n::INTEGER FROM (SELECT unnest(['1', 'x']) AS n)`))).rejects.toMatchObject({ name: 'EtlError', code: expect.stringMatching(/^data\./) as unknown });
    await expect(child.query(compile(sql`SELECT FROM WHERE`))).rejects.toThrow();
    await expect(child.query(compile(sql``))).rejects.toThrow();
  });
  it('have a column for every name', async () => {
    const [row] = await child.query(compile(sql`SELECT 1 AS "__proto__", 2 AS "constructor"`));
    expect(Object.entries(row!)).toEqual([['__proto__', 1], ['constructor', 2]]);
  });
});
