import { setImmediate } from 'node:timers/promises';
import { type SqlFragment, compile, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import { Md5Lanes } from '../digest/md5-lanes.ts';
import type { BucketSample, BucketSum } from '../port.ts';
import { type Reading, hashedSql } from './row-sql.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const sql = sqlFor('sqlite');
/** Rows of the sample between two breaths: some thousand were looked at meanwhile. */
const BREATH = 200;
const BUCKET = sql`"agent-etl: bucket"`;
export interface Sampling { readonly columns: readonly Reading[]; readonly froms: readonly SqlFragment<'sqlite'>[]; readonly sample: BucketSample; readonly signal: AbortSignal }

/** Sums of the sampled rows of some relations, by bucket. SQLite asks us for the bucket of each key, and makes the whole text of those rows only that are in the sample. */
export async function sampleOf(database: SqliteDatabase, { columns, froms, sample: { buckets, key }, signal }: Sampling): Promise<BucketSum[]> {
  const bucket = sql`etl_bucket(${hashedSql(key.map((index) => columns[index]!))})`;
  const chosen = joinSql(buckets.map((each) => literal('sqlite', each)), sql`, `);
  const sums = new Map<string, Md5Lanes>();
  let rows = 0;
  for (const from of froms) {
    // The limit keeps SQLite from asking twice: what is selected here is not taken apart.
    const keyed = sql`(SELECT *, ${bucket} AS ${BUCKET} FROM ${from} LIMIT -1)`;
    for (const [name, row] of database.rows(compile(sql`SELECT ${BUCKET}, ${hashedSql(columns)} FROM ${keyed} WHERE ${BUCKET} IN (${chosen})`))) {
      rows += 1;
      if (rows % BREATH === 0) { signal.throwIfAborted(); await setImmediate(); }
      const lanes = sums.get(String(name)) ?? new Md5Lanes();
      lanes.add(row as Uint8Array);
      sums.set(String(name), lanes);
    }
  }
  return [...sums].map(([name, lanes]) => { const { rows: of, a, b } = lanes.digest(); return { bucket: name, rows: of, a, b }; });
}
