import type { ColumnMapping, Digest } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile, rowDigest } from '@agent-etl/sql-safety';
import { type Duck, sql } from './file-sql.ts';

/** Key of the row digest; both ends use the same. */
const KEY = 'etl';

/** Order-free digest of the travelling columns c0, c1, …, over the same canonical row text as every other engine. */
export async function digestOf(duck: DuckChild, from: Duck, how: { columns: readonly Pick<ColumnMapping, 'type'>[]; signal: AbortSignal }): Promise<Digest> {
  const digest = rowDigest('duckdb', how.columns.map(({ type }, index) => ({ name: `c${index}`, type })), KEY);
  const [row] = await duck.query(compile(sql`SELECT ${digest} FROM (${from}) AS rows`), how.signal);
  return { kind: 'text-md5', rows: Number(row?.['n'] ?? 0), a: String(row?.['a'] ?? '0'), b: String(row?.['b'] ?? '0') };
}
