import type { ColumnType } from '@agent-etl/contracts';
import { identifier } from '../ident/identifier.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { exactDouble } from './exact-double.ts';
import type { Differing, SampledRows } from './row-digest.ts';

const sql = sqlFor('mysql');
type My = SqlFragment<'mysql'>;
interface HashedColumn { readonly name: string; readonly type: ColumnType }

/** A text as the bytes of its UTF-8, whatever the column keeps it in: so no two collations ever meet. */
export const mysqlText = (value: My): My => sql`CAST(CONVERT(${value} USING utf8mb4) AS BINARY)`;

/** One value as the text that every engine hashes, NULL where it is NULL. */
function valueText({ name, type: { kind } }: HashedColumn): My {
  const c = sql`${identifier(name)}`;
  switch (kind) {
    case 'bool': return sql`CASE WHEN ${c} THEN 't' WHEN NOT ${c} THEN 'f' END`;
    case 'i16': case 'i32': case 'i64': return sql`CAST(${c} AS CHAR)`;
    case 'dec': return sql`CAST(${c} + 0 AS CHAR)`;
    case 'uuid': return sql`CAST(${c} AS CHAR)`;
    case 'f32': case 'f64': return exactDouble('mysql', sql`CAST(${c} AS DOUBLE)`);
    case 'bytes': return sql`lower(hex(${c}))`;
    case 'date': return sql`CAST(datediff(${c}, '1970-01-01') AS CHAR)`;
    case 'time': return sql`CAST(floor(time_to_sec(${c})) * 1000000 + microsecond(${c}) AS SIGNED)`;
    case 'ts': case 'tstz': return sql`CAST(timestampdiff(MICROSECOND, '1970-01-01 00:00:00', ${c}) AS CHAR)`;
    case 'text': case 'json': case 'other': return sql`concat(length(${mysqlText(c)}), ':', ${mysqlText(c)})`;
  }
}
const rowText = (columns: readonly HashedColumn[], key: string): My => sql`concat(${joinSql([literal('mysql', key), ...columns.map((column) => sql`coalesce(CAST(${valueText(column)} AS BINARY), '~')`)], sql`, ',', `)})`;
const lane = (start: My): My => sql`CAST(coalesce(sum(CAST(conv(substring(h, ${start}, 15), 16, 10) AS UNSIGNED)), 0) AS CHAR)`;
const sums = sql`count(*) AS n, ${lane(sql`1`)} AS a, ${lane(sql`16`)} AS b`;

/** The query of the digest over a relation: rows and the two lanes as `n`, `a`, `b`, equal to those of `rowDigest` in the other dialects for equal rows. */
export function mysqlDigest(columns: readonly HashedColumn[], key: string, from: My): My {
  return sql`SELECT ${sums} FROM (SELECT md5(${rowText(columns, key)}) AS h FROM ${from}) AS hashed`;
}
/** As `postgresDiffering`, over a relation or parenthesised query of MySQL. Columns `bucket, n, a, b`, or `k, h`. */
export function mysqlDiffering({ columns, keys, key, of }: Differing, from: My): My {
  const chosen = keys.map((index) => columns[index]!);
  const bucket = sql`substring(md5(${rowText(chosen, key)}), 1, 3)`;
  const texts = chosen.map(({ name, type }) => (type.kind === 'bytes' ? sql`lower(hex(${identifier(name)}))` : sql`CONVERT(CAST(${identifier(name)} AS CHAR) USING utf8mb4)`));
  const hashed = sql`(SELECT ${bucket} AS bucket, md5(${rowText(columns, key)}) AS h, json_array(${joinSql(texts, sql`, `)}) AS k FROM ${from}) AS hashed`;
  if (of === 'buckets') return sql`SELECT bucket, ${sums} FROM ${hashed} GROUP BY bucket`;
  return sql`SELECT k, h FROM ${hashed} WHERE bucket IN (${joinSql(of.buckets.map((name) => literal('mysql', name)), sql`, `)}) LIMIT ${literal('mysql', of.limit)}`;
}
/** As `postgresSampled`, by md5, over a relation or parenthesised query of MySQL. Columns `bucket, n, a, b`. */
export function mysqlSampled({ columns, keys, key, buckets }: SampledRows, from: My): My {
  const bucket = sql`CAST(conv(substring(md5(${rowText(keys.map((index) => columns[index]!), key)}), 1, 3), 16, 10) AS UNSIGNED)`;
  return sql`SELECT bucket, ${sums} FROM (SELECT ${bucket} AS bucket, md5(${rowText(columns, key)}) AS h FROM ${from} WHERE ${bucket} IN (${joinSql(buckets.map((each) => literal('mysql', each)), sql`, `)})) AS hashed GROUP BY bucket`;
}
