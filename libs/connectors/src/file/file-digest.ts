import type { ColumnMapping, ColumnType, Digest } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { type Differing, compile, duckDiffering, duckDigest, duckSampled, identifier } from '@agent-etl/sql-safety';
import type { BucketSample, BucketSum, HashAsk, HashedRows } from '../port.ts';
import { type Duck, listOf, sql } from './duck-sql.ts';

/** Key of the row digest; both ends use the same. */
const KEY = 'etl';

/** Order-free digest of the travelling columns c0, c1, …, over the same canonical row text as every other engine. */
export async function digestOf(duck: DuckChild, from: Duck, how: { columns: readonly Pick<ColumnMapping, 'type'>[]; signal: AbortSignal }): Promise<Digest> {
  const named = how.columns.map(({ type }, index) => ({ name: `c${index}`, type }));
  const [row] = await duck.query(compile(duckDigest(named, KEY, sql`(SELECT ${listOf(plainOf(how.columns))} FROM (${from}) AS rows) AS plain`)), how.signal);
  return { kind: 'text-md5', rows: Number(row?.['n'] ?? 0), a: String(row?.['a'] ?? '0'), b: String(row?.['b'] ?? '0') };
}

/** Sums of the sampled rows among c0, c1, …, by bucket: only they are hashed whole. */
export async function sampleOf(duck: DuckChild, from: Duck, { columns, sample: { buckets, key: keys }, signal }: { columns: readonly Pick<ColumnMapping, 'type'>[]; sample: BucketSample; signal: AbortSignal }): Promise<BucketSum[]> {
  const named = columns.map(({ type }, index) => ({ name: `c${index}`, type }));
  const sums = duckSampled({ columns: named, keys, key: KEY, buckets }, sql`(SELECT ${listOf(plainOf(columns))} FROM (${from}) AS rows) AS plain`);
  return (await duck.query(compile(sums), signal)).map(({ bucket, n, a, b }) => ({ bucket: String(bucket), rows: Number(n), a: String(a), b: String(b) }));
}

/** @property within starts an engine that may read the rows, says where they are, and ends it */
export interface FileRows { readonly columns: readonly Pick<ColumnMapping, 'type'>[]; readonly ask: HashAsk; readonly within: <T>(work: (duck: DuckChild, from: Duck) => Promise<T>) => Promise<T> }
/** Rows by their keys, hashed as their digest is. */
export function hashedRowsOf({ columns: mapped, ask, within }: FileRows): HashedRows {
  const columns = mapped.map(({ type }, index) => ({ name: `c${index}`, type }));
  const run = (of: Differing['of']): Promise<readonly Readonly<Record<string, unknown>>[]> => within((duck, from) =>
    duck.query(compile(duckDiffering({ columns, keys: ask.key, key: KEY, of }, sql`(SELECT ${listOf(plainOf(mapped))} FROM (${from}) AS rows) AS plain`)), ask.signal));
  return {
    buckets: async () => (await run('buckets')).map(({ bucket, n, a, b }) => ({ bucket: String(bucket), rows: Number(n), a: String(a), b: String(b) })),
    rows: async (buckets, limit) => (await run({ buckets, limit })).map(({ k, h }) => ({ key: JSON.parse(String(k)) as (string | null)[], hash: String(h) })),
  };
}
const plainOf = (columns: readonly Pick<ColumnMapping, 'type'>[]): Duck[] => columns.map(({ type }, index) => sql`${canonical(sql`${identifier(`c${index}`)}`, type)} AS ${identifier(`c${index}`)}`);

/** DuckDB prints a decimal whose digits all stand after the point without its zero; others print it. */
function canonical(cell: Duck, { kind, precision, scale }: ColumnType): Duck {
  if (kind !== 'dec' || precision === undefined || precision !== scale) return cell;
  return sql`regexp_replace(CAST(${cell} AS VARCHAR), '^(-?)[.]', '\\10.')`;
}
