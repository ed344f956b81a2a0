import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type SqlFragment, compile, joinSql, sqlFor } from '@agent-etl/sql-safety';
import { Md5Lanes } from '../digest/md5-lanes.ts';
import type { HashAsk, HashedRow, HashedRows } from '../port.ts';
import { type Reading, hashedSql } from './row-sql.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
const BREATH = 2_000;
/** As many as name one of 4,096 buckets in every engine. */
const BUCKET_DIGITS = 3;
/** @property within opens the database for the work and closes it again, where it is not open anyway */
export interface HashedOf { readonly columns: readonly Reading[]; readonly from: SqlFragment<'sqlite'>; readonly ask: HashAsk; within<T>(work: (database: SqliteDatabase) => Promise<T>): Promise<T> }

/** Rows by their keys. SQLite has no md5: it makes the texts, and here they are hashed. */
export function hashedRowsOf({ columns, from, ask, within }: HashedOf): HashedRows {
  const keyed = ask.key.map((index) => columns[index]!);
  const texts = sql`json_array(${joinSql(keyed.map(({ source }) => sql`CAST(${columnName(source)} AS TEXT)`), sql`, `)})`;
  const each = (take: (bucket: string, row: Uint8Array, key: string) => 'go-on' | 'enough'): Promise<void> => within(async (database) => {
    let rows = 0;
    for (const [key, row, text] of database.rows(compile(sql`SELECT ${hashedSql(keyed)}, ${hashedSql(columns)}, ${texts} FROM ${from}`))) {
      if (take(hash('md5', key as Uint8Array, 'hex').slice(0, BUCKET_DIGITS), row as Uint8Array, text as string) === 'enough') return;
      rows += 1;
      if (rows % BREATH === 0) { ask.signal.throwIfAborted(); await setImmediate(); }
    }
  });
  return {
    async buckets() {
      const sums = new Map<string, Md5Lanes>();
      await each((bucket, row) => {
        const lanes = sums.get(bucket) ?? new Md5Lanes();
        lanes.add(row);
        sums.set(bucket, lanes);
        return 'go-on';
      });
      return [...sums].map(([bucket, lanes]) => { const { rows, a, b } = lanes.digest(); return { bucket, rows, a, b }; });
    },
    async rows(buckets, limit) {
      const found: HashedRow[] = [];
      await each((bucket, row, key) => {
        if (buckets.includes(bucket)) found.push({ key: JSON.parse(key) as (string | null)[], hash: hash('md5', row, 'hex') });
        return found.length < limit ? 'go-on' : 'enough';
      });
      return found;
    },
  };
}
