import type { ColumnMapping, ColumnType, Digest } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { compile, identifier, rowDigest } from '@agent-etl/sql-safety';
import { type Duck, listOf, sql } from './duck-sql.ts';

/** Key of the row digest; both ends use the same. */
const KEY = 'etl';

/** Order-free digest of the travelling columns c0, c1, …, over the same canonical row text as every other engine. */
export async function digestOf(duck: DuckChild, from: Duck, how: { columns: readonly Pick<ColumnMapping, 'type'>[]; signal: AbortSignal }): Promise<Digest> {
  const digest = rowDigest('duckdb', how.columns.map(({ type }, index) => ({ name: `c${index}`, type })), KEY);
  const plain = how.columns.map(({ type }, index) => sql`${canonical(sql`${identifier(`c${index}`)}`, type)} AS ${identifier(`c${index}`)}`);
  const [row] = await duck.query(compile(sql`SELECT ${digest} FROM (SELECT ${listOf(plain)} FROM (${from}) AS rows) AS plain`), how.signal);
  return { kind: 'text-md5', rows: Number(row?.['n'] ?? 0), a: String(row?.['a'] ?? '0'), b: String(row?.['b'] ?? '0') };
}

/** DuckDB prints a decimal whose digits all stand after the point without its zero; others print it. */
function canonical(cell: Duck, { kind, precision, scale }: ColumnType): Duck {
  if (kind !== 'dec' || precision === undefined || precision !== scale) return cell;
  return sql`regexp_replace(CAST(${cell} AS VARCHAR), '^(-?)[.]', '\\10.')`;
}
