import type { ColumnMapping, Digest } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, mysqlDigest, sqlFor, typeName } from '@agent-etl/sql-safety';
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

/** Digest of all rows of a table that a load has filled, in the spelling of every engine. */
export async function digestOfWritten(session: MysqlSession, { columns, table, said, signal }: { columns: readonly ColumnMapping[]; table: SqlIdentifier; said: string; signal: AbortSignal }): Promise<Digest> {
  const stop = (): void => { session.destroy(signal.reason); };
  signal.throwIfAborted();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const hashed = columns.map(({ type }, index) => ({ name: `c${index}`, type }));
    const [sums] = await session.run<{ n: number | string; a: string; b: string }>(compile(mysqlDigest(hashed, DIGEST_KEY, writtenRows(columns, table))), said);
    return { kind: 'text-md5', rows: Number(sums?.n ?? 0), a: sums?.a ?? '0', b: sums?.b ?? '0' };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
