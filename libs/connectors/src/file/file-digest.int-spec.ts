import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DuckChild } from '@agent-etl/engines';
import { compile, duckDigest, joinSql, rowDigest } from '@agent-etl/sql-safety';
import { type Duck, literalText, sql } from './duck-sql.ts';
import { digestOf } from './file-digest.ts';
import { type AFolder, aFolder } from './testing/a-folder.ts';

const { signal } = new AbortController();
const edges = ['0', '-0', '1', '-1.5', '0.1', '-1e308', '1.7976931348623157e308', '5e-324', '-5e-324', '2.2250738585072014e-308', '1e-200', '9.999999999999999e-201', '9007199254740991', '9007199254740993', '4503599627370495.5', '1e22', '1e23', 'nan', 'inf', '-inf', null];

describe('the digest of doubles in files', () => {
  let folder: AFolder;
  let duck: DuckChild;
  beforeAll(async () => {
    folder = await aFolder();
    duck = await DuckChild.start({ about: 'doubles', scratch: folder.tools.scratch });
  });
  afterAll(async () => {
    await duck?.stop();
    await folder?.drop();
  });
  const column = (value: string | null, as: 'DOUBLE' | 'FLOAT'): Duck => (as === 'DOUBLE' ? sql`CAST(${value === null ? sql`NULL` : literalText(value)} AS DOUBLE)` : sql`CAST(TRY_CAST(${value === null ? sql`NULL` : literalText(value)} AS FLOAT) AS FLOAT)`);

  it('is that of other engines, at every edge of a double', async () => {
    const rows = sql`${joinSql(edges.map((value) => sql`SELECT ${column(value, 'DOUBLE')} AS c0, 'x' AS c1, ${column(value, 'FLOAT')} AS c2`), sql` UNION ALL `)}`;
    const kinds = ['f64', 'text', 'f32'] as const;
    const [known] = await duck.query(compile(sql`SELECT ${rowDigest('duckdb', kinds.map((kind, nth) => ({ name: `c${nth}`, type: { kind } })), 'etl')} FROM (${rows}) AS known`));
    const { rows: n, a, b } = await digestOf(duck, rows, { columns: kinds.map((kind) => ({ type: { kind } })), signal });
    expect({ n: String(n), a, b }).toEqual({ ...known, n: String(edges.length) });
  });
  it('names each double a few times, not a hundred: the time to plan a wide row grows faster than its text', () => {
    const columns = Array.from({ length: 200 }, (_, nth) => ({ name: `c${nth}`, type: { kind: 'f64' as const } }));
    expect(compile(duckDigest(columns, 'etl', sql`doubles`)).text.split('"c7"').length).toBeLessThan(25); // 101 where it is printed whole
  });
});
