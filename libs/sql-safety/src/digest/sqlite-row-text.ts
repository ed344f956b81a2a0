import type { ColumnType } from '@agent-etl/contracts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';

const sql = sqlFor('sqlite');
type Lite = SqlFragment<'sqlite'>;

/** What SQLite lacks and the connector gives it: a double as exact text, days and microseconds since 1970 of a text. */
export const SQLITE_FUNCTIONS = ['etl_double', 'etl_days', 'etl_micros'] as const;

/** SQLite takes at most this many arguments, and nests expressions no deeper: so texts are joined flat and in groups. */
const MOST_ARGUMENTS = 500;
/** Texts one after the other; NULL counts as nothing. */
export function sqliteConcat(parts: readonly Lite[]): Lite {
  if (parts.length <= MOST_ARGUMENTS) return sql`concat(${joinSql(parts, sql`, `)})`;
  const groups = Array.from({ length: Math.ceil(parts.length / MOST_ARGUMENTS) }, (_, group) => parts.slice(group * MOST_ARGUMENTS, (group + 1) * MOST_ARGUMENTS));
  return sqliteConcat(groups.map(sqliteConcat));
}

/** One stored value as the text that every engine hashes, NULL where it is NULL. */
function valueText(c: Lite, { kind }: ColumnType): Lite {
  switch (kind) {
    case 'bool': return sql`CASE ${c} WHEN 1 THEN 't' WHEN 0 THEN 'f' END`;
    case 'i16': case 'i32': case 'i64': return sql`CAST(CAST(${c} AS INTEGER) AS TEXT)`;
    case 'dec': case 'uuid': return sql`CAST(${c} AS TEXT)`;
    case 'f32': case 'f64': return sql`CASE WHEN ${c} IS NOT NULL THEN etl_double(CAST(${c} AS REAL)) END`;
    case 'bytes': return sql`CASE WHEN ${c} IS NOT NULL THEN lower(hex(${c})) END`;
    case 'date': return sql`CASE WHEN date(${c}) = ${c} THEN CAST(CAST(julianday(${c}) - 2440587.5 AS INTEGER) AS TEXT) WHEN ${c} IS NOT NULL THEN etl_days(${c}) END`;
    case 'time': case 'ts': case 'tstz': return sql`CASE WHEN ${c} IS NOT NULL THEN etl_micros(${c}) END`;
    case 'text': case 'json': case 'other': return sql`octet_length(${c}) || ':' || ${c}`;
  }
}

/** The row as one text, equal to that of `rowDigest` in the other dialects for equal rows: key and values with commas between, `~` for NULL. SQLite has no md5: who reads it hashes it. */
export function sqliteRowText(columns: readonly { readonly value: Lite; readonly type: ColumnType }[], key: string): Lite {
  return sqliteConcat([literal('sqlite', key), ...columns.flatMap(({ value, type }) => [sql`','`, sql`coalesce(${valueText(value, type)}, '~')`])]);
}
