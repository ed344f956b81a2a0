import type { ColumnMapping, ColumnType, Digest, LoadTask } from '@agent-etl/contracts';
import { type Differing, type SqlFragment, compile, identifier, joinSql, postgresDiffering, postgresDigest, postgresSampled, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { BucketSample, BucketSum, HashAsk, HashedRows } from '../port.ts';
import type { PostgresSession } from './postgres-session.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
type Engine = LoadTask['engine'];
/** Key of the row digest; both ends use the same. */
const DIGEST_KEY = 'etl';

/** Targets that store a text in a spelling of their own. */
const RESPELLED = /^(uuid|jsonb?)$/;
const INTEGERS = /^(smallint|integer|bigint)$/;

/** A value of the source in the spelling that its digest compares: that of the type that travels. A text that Postgres will store in a spelling of
 * its own is compared in that one; whatever could lose something on its way is not. */
export function sourceValue({ source, sourceNative, targetNative, type }: ColumnMapping, engine: Engine): Pg {
  const value = sql`${identifier(source)}`;
  if (engine === 'splice' && sourceNative !== targetNative && (type.kind === 'text' || type.kind === 'json') && RESPELLED.test(targetNative)) return sql`${value}::${typeName('postgres', targetNative)}::text`;
  return inSpelling(value, type, engine === 'splice' && sourceNative !== targetNative ? 'other-types' : 'own-type');
}
/** The same of a staged value: what the target's type made of it, turned back. A value that was rounded or cut on its way does not come back. */
export function stagedValue({ target, sourceNative, targetNative, type }: ColumnMapping, engine: Engine): Pg {
  const value = sql`${identifier(target)}`;
  if (type.kind === 'dec' && type.precision !== undefined) return sql`${value}::${typeName('postgres', `numeric(${type.precision},${type.scale ?? 0})`)}`;
  if ((type.kind === 'i16' || type.kind === 'i32' || type.kind === 'i64') && !INTEGERS.test(targetNative)) return sql`${value}::bigint`;
  if (type.kind === 'f32' && targetNative !== 'real') return sql`${value}::real`;
  if (type.kind === 'uuid') return sql`${value}::text`;
  return inSpelling(value, type, engine === 'splice' && sourceNative !== targetNative ? 'other-types' : 'own-type');
}
function inSpelling(value: Pg, { kind, precision }: ColumnType, ends: 'other-types' | 'own-type'): Pg {
  if (kind === 'text' || kind === 'json' || kind === 'other') return sql`${value}::text`;
  return kind === 'dec' && precision === undefined && ends === 'other-types' ? sql`trim_scale(${value}::numeric)` : value;
}

export interface RowsInput { readonly open: () => Promise<PostgresSession>; readonly done: (session: PostgresSession) => Promise<void>; readonly values: DigestInput['values']; readonly from: Pg; readonly ask: HashAsk }
/** Rows by their keys, hashed as their text digest is. */
export function hashedRows({ open, done, values, from, ask }: RowsInput): HashedRows {
  const list = joinSql(values.map(({ value }, index) => sql`${value} AS ${identifier(`c${index}`)}`), sql`, `);
  const columns = values.map(({ type }, index) => ({ name: `c${index}`, type }));
  const run = async <T>(of: Differing['of']): Promise<T[]> => {
    const session = await open();
    const stop = (): void => { void session.cancel(); };
    ask.signal.addEventListener('abort', stop, { once: true });
    try {
      const rows = await session.run<T>(compile(postgresDiffering({ columns, keys: ask.key, key: DIGEST_KEY, of }, { from: sql`(SELECT ${list} FROM ${from}) AS rows`, encoding: await encodingOf(session, 'comparing') })), { phase: 'comparing' });
      await done(session);
      return rows;
    } catch (error) {
      session.destroy();
      throw ask.signal.aborted ? ask.signal.reason : error;
    } finally {
      ask.signal.removeEventListener('abort', stop);
    }
  };
  return {
    buckets: async () => (await run<{ bucket: string; n: string; a: string; b: string }>('buckets')).map(({ bucket, n, a, b }) => ({ bucket, rows: Number(n), a, b })),
    rows: async (buckets, limit) => (await run<{ k: string; h: string }>({ buckets, limit })).map(({ k, h }) => ({ key: JSON.parse(k) as (string | null)[], hash: h })),
  };
}
async function encodingOf(session: PostgresSession, phase: string): Promise<'utf8' | 'other'> {
  const [encoding] = await session.run<{ name: string }>(compile(sql`SELECT getdatabaseencoding() AS name`), { phase });
  return encoding?.name === 'UTF8' ? 'utf8' : 'other';
}

export interface DigestInput { readonly values: readonly { readonly value: Pg; readonly type: ColumnType }[]; readonly from: Pg; readonly phase: string }
/** Order-free digest of rows over their canonical text, in UTF-8 whatever the server keeps. */
export async function textDigest(session: PostgresSession, { values, from, phase }: DigestInput): Promise<Digest> {
  const encoding = await encodingOf(session, phase);
  const list = joinSql(values.map(({ value }, index) => sql`${value} AS ${identifier(`c${index}`)}`), sql`, `);
  const rows = sql`(SELECT ${list} FROM ${from}) AS rows`;
  const columns = values.map(({ type }, index) => ({ name: `c${index}`, type }));
  const digest = postgresDigest(columns, DIGEST_KEY, { from: rows, encoding });
  const [sums] = await session.run<{ n: string; a: string; b: string }>(compile(digest), { phase });
  return { kind: 'text-md5', rows: Number(sums?.n ?? 0), a: sums?.a ?? '0', b: sums?.b ?? '0' };
}
/** Sums of the sampled rows, by bucket. */
export async function textSample(session: PostgresSession, { values, from, phase }: DigestInput, { buckets, key: keys, by }: BucketSample): Promise<BucketSum[]> {
  const list = joinSql(values.map(({ value }, index) => sql`${value} AS ${identifier(`c${index}`)}`), sql`, `);
  const columns = values.map(({ type }, index) => ({ name: `c${index}`, type }));
  const sums = postgresSampled({ columns, keys, key: DIGEST_KEY, buckets, by }, { from: sql`(SELECT ${list} FROM ${from}) AS rows`, encoding: await encodingOf(session, phase) });
  return (await session.run<{ bucket: number; n: string; a: string; b: string }>(compile(sums), { phase })).map(({ bucket, n, a, b }) => ({ bucket: String(bucket), rows: Number(n), a, b }));
}
