import type { ColumnMapping, Digest } from '@agent-etl/contracts';
import { type Differing, type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, mysqlDiffering, mysqlDigest, mysqlSampled, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { BucketSample, BucketSum, HashAsk, HashedRows } from '../port.ts';
import type { MysqlSession } from './mysql-session.ts';
import { asName } from './mysql-table.ts';

const sql = sqlFor('mysql');
type My = SqlFragment<'mysql'>;
/** Key of the row digest; both ends use the same. */
export const DIGEST_KEY = 'etl';
const INTEGERS = /^(tiny|small|medium|big)?int/i;

/** A value that was written, turned back into the type that travelled: what the target's own type rounded or cut does not come back. */
function writtenValue({ target, targetNative, type: { kind, precision, scale } }: ColumnMapping): My {
  const value = sql`${asName(target)}`;
  if (kind === 'dec' && precision !== undefined) return sql`CAST(${value} AS ${typeName('mysql', `DECIMAL(${precision},${scale ?? 0})`)})`;
  if ((kind === 'i16' || kind === 'i32' || kind === 'i64') && !INTEGERS.test(targetNative)) return sql`CAST(${value} AS SIGNED)`;
  return value;
}
/** Rows of a table of ours as the digest takes them, under the names `c0`, `c1` and so on. */
export const writtenRows = (columns: readonly ColumnMapping[], table: SqlIdentifier): My =>
  sql`(SELECT ${joinSql(columns.map((column, index) => sql`${writtenValue(column)} AS ${identifier(`c${index}`)}`), sql`, `)} FROM ${table}) AS written`;

interface Written { readonly columns: readonly ColumnMapping[]; readonly table: SqlIdentifier; readonly said: string; readonly signal: AbortSignal }
const hashedAs = (columns: readonly ColumnMapping[]): Hashed[] => columns.map(({ type }, index) => ({ name: `c${index}`, type }));
/** Digest of all rows of a table that a load has filled, in the spelling of every engine. */
export const digestOfWritten = (session: MysqlSession, { columns, table, said, signal }: Written): Promise<Digest> =>
  untilAborted(session, signal, async () => {
    const [sums] = await session.run<{ n: number | string; a: string; b: string }>(compile(mysqlDigest(hashedAs(columns), DIGEST_KEY, writtenRows(columns, table))), said);
    return { kind: 'text-md5' as const, rows: Number(sums?.n ?? 0), a: sums?.a ?? '0', b: sums?.b ?? '0' };
  });
/** Sums of the sampled rows of such a table, by bucket. */
export const sampleOfWritten = (session: MysqlSession, { columns, table, said, signal }: Written, sample: BucketSample): Promise<BucketSum[]> =>
  sampleOfRows(session, { columns: hashedAs(columns), from: writtenRows(columns, table), said, signal }, sample);

interface Hashed { readonly name: string; readonly type: ColumnMapping['type'] }
export interface SampledTable { readonly columns: readonly Hashed[]; readonly from: My; readonly said: string; readonly signal: AbortSignal }
/** Sums of the sampled rows of a relation, by bucket: only they are hashed whole. */
export const sampleOfRows = (session: MysqlSession, { columns, from, said, signal }: SampledTable, { buckets, key: keys }: BucketSample): Promise<BucketSum[]> =>
  untilAborted(session, signal, async () => {
    const sums = await session.run<{ bucket: number | string; n: number | string; a: string; b: string }>(compile(mysqlSampled({ columns, keys, key: DIGEST_KEY, buckets }, from)), said);
    return sums.map(({ bucket, n, a, b }) => ({ bucket: String(bucket), rows: Number(n), a, b }));
  });
async function untilAborted<T>(session: MysqlSession, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const stop = (): void => { session.destroy(signal.reason); };
  signal.throwIfAborted();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

export interface HashedOf { readonly columns: readonly { readonly name: string; readonly type: ColumnMapping['type'] }[]; readonly from: (session: MysqlSession) => My; readonly said: string; readonly ask: HashAsk; open(): Promise<MysqlSession>; done(session: MysqlSession): Promise<void> }
/** Rows by their keys, hashed as their digest is. */
export function hashedOf({ columns, from, said, ask, open, done }: HashedOf): HashedRows {
  const run = async <T>(of: Differing['of']): Promise<T[]> => {
    const session = await open();
    const stop = (): void => { session.destroy(ask.signal.reason); };
    ask.signal.addEventListener('abort', stop, { once: true });
    try {
      return await session.run<T>(compile(mysqlDiffering({ columns, keys: ask.key, key: DIGEST_KEY, of }, from(session))), said);
    } finally {
      ask.signal.removeEventListener('abort', stop);
      await done(session);
    }
  };
  return {
    buckets: async () => (await run<{ bucket: string; n: number | string; a: string; b: string }>('buckets')).map(({ bucket, n, a, b }) => ({ bucket, rows: Number(n), a, b })),
    rows: async (buckets, limit) => (await run<{ k: string | (string | null)[]; h: string }>({ buckets, limit })).map(({ k, h }) => ({ key: (typeof k === 'string' ? JSON.parse(k) : k) as (string | null)[], hash: h })),
  };
}
