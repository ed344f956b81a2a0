import type { ColumnMapping, Judging, RowCheck } from '@agent-etl/contracts';
import { joinSql, literal, sqlFor, sqliteConcat } from '@agent-etl/sql-safety';
import { lengthLimit } from '../judged/fit-rules.ts';
import type { ChunkRange } from '../port.ts';
import { type Lite, cellText, hashedSql, lineSql, withinSql } from './row-sql.ts';
import { type Table, columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
const text = (value: string): Lite => literal('sqlite', value);
const comma = sql`, `;
const ID = sql`"agent-etl: id"`;
const REASON = sql`"agent-etl: reason"`;
const nothing = sql`NULL`;

export interface JudgedTable { readonly table: Table; readonly rowid: string | null; readonly range: Pick<ChunkRange, 'from' | 'to'>; readonly columns: readonly ColumnMapping[]; readonly judging: Judging }

/** The rows of a piece with what is wrong with each, NULL where nothing is. */
function judgedRows({ table, rowid, range, columns, judging }: JudgedTable): Lite {
  const names = columns.map(({ source }) => sql`${columnName(source)}`);
  const whens = [...(judging.bad === 'aside' ? columns.flatMap(misfits) : []), ...judging.checks.flatMap((check) => broken(check, columns))];
  const reason = whens.length ? sql`CASE ${joinSql(whens, sql` `)} END` : nothing;
  const rows = sql`SELECT ${joinSql(names, comma)}, ${rowid === null ? nothing : sql`${columnName(rowid)}`} AS ${ID}, ${reason} AS ${REASON} FROM main.${table.quoted}${withinSql(rowid, range)}`;
  return judging.checks.reduce((from, check) => (check.check === 'unique' ? withoutTwins(from, check.columns, columns) : from), rows);
}
function withoutTwins(rows: Lite, key: readonly string[], columns: readonly ColumnMapping[]): Lite {
  const names = joinSql(columns.map(({ source }) => sql`${columnName(source)}`), comma);
  const values = key.map((name) => sql`${columnName(columns.find(({ target }) => target === name)!.source)}`);
  const order = joinSql([ID, ...columns.map(({ source }) => sql`${columnName(source)}`)], comma);
  const twin = sql`row_number() OVER (PARTITION BY ${joinSql(values, comma)}, ${REASON} IS NULL ORDER BY ${order}) AS "agent-etl: twin"`;
  const isTwin = joinSql([sql`${REASON} IS NULL`, sql`"agent-etl: twin" > 1`, ...values.map((value) => sql`${value} IS NOT NULL`)], sql` AND `);
  return sql`SELECT ${names}, ${ID}, CASE WHEN ${isTwin} THEN ${text(`unique:${key.join(',')}`)} ELSE ${REASON} END AS ${REASON} FROM (SELECT ${names}, ${ID}, ${REASON}, ${twin} FROM (${rows}))`;
}
/** Line and hashed text of each row: of a bad one the line says why, and nothing is hashed. */
export function judgedLines(of: JudgedTable, hashed: 'hashed' | 'not-hashed'): Lite {
  const { columns, rowid, judging } = of;
  const isAside = judging.bad === 'aside';
  const raw = joinSql(columns.flatMap(({ source }) => [text(source), rawValue(sql`${columnName(source)}`)]), comma);
  const cell = sql`CASE WHEN ${REASON} IS NOT NULL THEN '"' || replace(json_object('reason', ${REASON}, 'row', ${ID}, 'raw', json_object(${raw}) || ''), '"', '""') || '"' END`;
  const line = sql`CAST(${sqliteConcat([cell, sql`','`, sql`CAST(${lineSql(columns, rowid === null ? null : ID_NAME, isAside ? 'null' : 'refused')} AS TEXT)`])} AS BLOB)`;
  const list = hashed === 'hashed' ? sql`${line}, CASE WHEN ${REASON} IS NULL THEN ${hashedSql(columns)} END` : line;
  return sql`SELECT ${list} FROM (${judgedRows(of)})`;
}
const ID_NAME = 'agent-etl: id';
/** The hashed texts of the rows that are not set aside. */
export const keptHashes = (of: JudgedTable): Lite => sql`SELECT ${hashedSql(of.columns)} FROM ${keptRows(of)}`;
/** Those rows, as a relation. */
export const keptRows = (of: JudgedTable): Lite => sql`(SELECT * FROM (${judgedRows(of)}) WHERE ${REASON} IS NULL)`;
const rawValue = (c: Lite): Lite => sql`CASE typeof(${c}) WHEN 'blob' THEN '\\x' || lower(hex(${c})) WHEN 'real' THEN etl_number(${c}) ELSE ${c} END`;

function misfits(mapping: ColumnMapping): Lite[] {
  const c = sql`${columnName(mapping.source)}`;
  const most = lengthLimit(mapping);
  const isLonger = most === null ? sql`` : sql` OR length(${c}) > ${literal('sqlite', most)}`;
  return [sql`WHEN ${c} IS NOT NULL AND (${cellText(c, mapping.type, nothing)} IS NULL${isLonger}) THEN ${text(`type:${mapping.target}`)}`,
    ...(mapping.nullable ? [] : [sql`WHEN ${c} IS NULL THEN ${text(`not_null:${mapping.target}`)}`])];
}
const numbers = ['i16', 'i32', 'i64', 'dec', 'f32', 'f64'];
const moments = ['time', 'ts', 'tstz'];
function broken(check: RowCheck, columns: readonly ColumnMapping[]): Lite[] {
  if (check.check === 'unique') return [];
  const { source, type: { kind } } = columns.find(({ target }) => target === check.column)!;
  const c = sql`${columnName(source)}`;
  const as = (value: Lite): Lite => {
    if (numbers.includes(kind)) return sql`CAST(${value} AS NUMERIC)`;
    if (kind === 'date') return sql`CAST(etl_days(${value}) AS INTEGER)`;
    return moments.includes(kind) ? sql`CAST(etl_micros(${value}) AS INTEGER)` : sql`CAST(${value} AS TEXT)`;
  };
  const given = (value: string): Lite => (kind === 'bool' ? text(value === 'true' ? '1' : '0') : as(text(value)));
  const isThere = (condition: Lite): Lite => sql`${c} IS NOT NULL AND (${condition})`;
  const when = (condition: Lite): Lite[] => [sql`WHEN ${condition} THEN ${text(`${check.check}:${check.column}`)}`];
  switch (check.check) {
    case 'not_null': return when(sql`${c} IS NULL`);
    case 'in': return when(isThere(sql`${as(c)} NOT IN (${joinSql(check.values.map(given), comma)})`));
    case 'range': return when(isThere(joinSql([...(check.from === undefined ? [] : [sql`${as(c)} < ${given(check.from)}`]), ...(check.to === undefined ? [] : [sql`${as(c)} > ${given(check.to)}`])], sql` OR `)));
  }
}
