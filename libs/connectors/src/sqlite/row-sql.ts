import type { ColumnMapping } from '@agent-etl/contracts';
import { type SqlFragment, joinSql, literal, sqlFor, sqliteConcat, sqliteRowText } from '@agent-etl/sql-safety';
import { columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
export type Lite = SqlFragment<'sqlite'>;
/** Key of the row digest; both ends use the same. */
const DIGEST_KEY = 'etl';
export type Reading = Pick<ColumnMapping, 'source' | 'type'>;

/** A stored value as the text of the carrier: what the type cannot hold ends the statement by row and column, since any storage class may stand anywhere. */
export function cellText(c: Lite, { kind }: Reading['type'], refuse: Lite): Lite {
  const quoted = (text: Lite): Lite => sql`'"' || ${text} || '"'`;
  const escaped = (text: Lite): Lite => quoted(sql`replace(${text}, '"', '""')`);
  switch (kind) {
    case 'bool': return sql`CASE typeof(${c}) WHEN 'null' THEN NULL WHEN 'integer' THEN CASE ${c} WHEN 1 THEN '"t"' WHEN 0 THEN '"f"' ELSE ${refuse} END ELSE ${refuse} END`;
    case 'i16': case 'i32': case 'i64': return sql`CASE typeof(${c}) WHEN 'integer' THEN ${quoted(c)} WHEN 'null' THEN NULL ELSE ${refuse} END`;
    case 'f32': case 'f64': return sql`CASE typeof(${c}) WHEN 'real' THEN ${quoted(sql`etl_number(${c})`)} WHEN 'null' THEN NULL
      WHEN 'integer' THEN CASE WHEN ${c} BETWEEN -9007199254740992 AND 9007199254740992 THEN ${quoted(c)} ELSE ${refuse} END ELSE ${refuse} END`;
    case 'bytes': return sql`CASE typeof(${c}) WHEN 'blob' THEN ${quoted(sql`'\\x' || lower(hex(${c}))`)} WHEN 'null' THEN NULL ELSE ${refuse} END`;
    case 'date': return sql`CASE WHEN date(${c}) = ${c} THEN ${quoted(c)} ELSE ${calendarText(c, kind, refuse)} END`;
    case 'time': case 'ts': case 'tstz': return calendarText(c, kind, refuse);
    case 'dec': case 'text': case 'uuid': case 'json': case 'other':
      return sql`CASE typeof(${c}) WHEN 'text' THEN ${escaped(c)} WHEN 'null' THEN NULL WHEN 'integer' THEN ${quoted(c)} WHEN 'real' THEN ${quoted(sql`etl_number(${c})`)} ELSE ${refuse} END`;
  }
}
const calendarText = (c: Lite, kind: string, refuse: Lite): Lite =>
  sql`CASE typeof(${c}) WHEN 'text' THEN coalesce('"' || etl_spell(${literal('sqlite', kind)}, ${c}) || '"', ${refuse}) WHEN 'null' THEN NULL ELSE ${refuse} END`;
const refusal = ({ source, type }: Reading, rowid: string | null): Lite => {
  const c = columnName(source);
  const row = rowid === null ? sql`'none'` : sql`${columnName(rowid)}`;
  return sql`etl_refuse(CAST(${row} AS TEXT), ${literal('sqlite', source)}, CASE typeof(${c}) WHEN 'blob' THEN 'x''' || hex(substr(${c}, 1, 90)) || '''' ELSE CAST(${c} AS TEXT) END, ${literal('sqlite', type.kind)})`;
};
/** The row as a line of the text carrier: NULL is nothing, everything else stands in double quotes. */
export function lineSql(columns: readonly Reading[], rowid: string | null, misfit: 'refused' | 'null' = 'refused'): Lite {
  const refuse = (column: Reading): Lite => (misfit === 'null' ? sql`NULL` : refusal(column, rowid));
  const cells = columns.flatMap((column, index) => [...(index > 0 ? [sql`','`] : []), cellText(sql`${columnName(column.source)}`, column.type, refuse(column))]);
  return sql`CAST(${sqliteConcat([...cells, sql`char(10)`])} AS BLOB)`;
}
/** The row as the text that every engine hashes. What is stored as a number and travels as text is hashed as it travels. */
export function hashedSql(columns: readonly Reading[]): Lite {
  const values = columns.map(({ source, type }) => {
    const c = sql`${columnName(source)}`;
    const isText = type.kind === 'text' || type.kind === 'json' || type.kind === 'other';
    return { type, value: isText ? sql`CASE typeof(${c}) WHEN 'real' THEN etl_number(${c}) ELSE CAST(${c} AS TEXT) END` : c };
  });
  return sql`CAST(${sqliteRowText(values, DIGEST_KEY)} AS BLOB)`;
}
/** A range of rowids; both ends null for all rows. */
export function withinSql(rowid: string | null, { from, to }: { from: string | null; to: string | null }): Lite {
  if (rowid === null || (from === null && to === null)) return sql``;
  const id = columnName(rowid);
  const parts = [...(from === null ? [] : [sql`${id} >= ${BigInt(from)}`]), ...(to === null ? [] : [sql`${id} < ${BigInt(to)}`])];
  return sql` WHERE ${joinSql(parts, sql` AND `)}`;
}
