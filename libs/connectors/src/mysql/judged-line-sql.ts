import type { ColumnMapping, Judging, RowCheck } from '@agent-etl/contracts';
import { type SqlFragment, joinSql, literal, mysqlText, sqlFor } from '@agent-etl/sql-safety';
import { lengthLimit } from '../judged/fit-rules.ts';
import { asName } from './mysql-table.ts';

const sql = sqlFor('mysql');
type My = SqlFragment<'mysql'>;
const text = (value: string): My => literal('mysql', value);
const comma = sql`, `;
const REASON = sql`\`agent-etl: reason\``;
export interface JudgedTable { readonly from: My; readonly columns: readonly ColumnMapping[]; readonly judging: Judging }

/** The rows of a piece with what is wrong with each, NULL where nothing is. */
export function judgedRows({ from, columns, judging }: JudgedTable): My {
  const names = joinSql(columns.map(({ source }) => sql`${asName(source)}`), comma);
  const whens = [...(judging.bad === 'aside' ? columns.flatMap(misfits) : []), ...judging.checks.flatMap((check) => broken(check, columns))];
  const rows = sql`SELECT ${names}, ${whens.length ? sql`CASE ${joinSql(whens, sql` `)} END` : sql`NULL`} AS ${REASON} FROM ${from}`;
  return judging.checks.reduce((found, check) => (check.check === 'unique' ? withoutTwins(found, check.columns, columns) : found), rows);
}
/** Twins in the order of their own cells: a table of MySQL says nothing of another one. */
function withoutTwins(rows: My, key: readonly string[], columns: readonly ColumnMapping[]): My {
  const names = joinSql(columns.map(({ source }) => sql`${asName(source)}`), comma);
  const mappings = key.map((name) => columns.find(({ target }) => target === name)!);
  const twin = sql`row_number() OVER (PARTITION BY ${joinSql([...mappings.map(compared), sql`${REASON} IS NULL`], comma)} ORDER BY ${joinSql(columns.map(compared), comma)}) AS \`agent-etl: twin\``;
  const isTwin = joinSql([sql`${REASON} IS NULL`, sql`\`agent-etl: twin\` > 1`, ...mappings.map(({ source }) => sql`${asName(source)} IS NOT NULL`)], sql` AND `);
  return sql`SELECT ${names}, CASE WHEN ${isTwin} THEN ${text(`unique:${key.join(',')}`)} ELSE ${REASON} END AS ${REASON} FROM (SELECT ${names}, ${REASON}, ${twin} FROM (${rows}) AS reasoned) AS twins`;
}
/** What is said of a row, as the first cell of the text carrier: nothing, or JSON in double quotes. */
export function judgedCell(columns: readonly ColumnMapping[]): My {
  const raw = joinSql(columns.flatMap(({ source, type }) => [text(source), asText(source, type.kind)]), comma);
  return sql`CASE WHEN ${REASON} IS NULL THEN '' ELSE concat('"', replace(json_object('reason', ${REASON}, 'raw', concat('', json_object(${raw}))), '"', '""'), '"') END`;
}
export const keptRows = (of: JudgedTable): My => sql`(SELECT * FROM (${judgedRows(of)}) AS judged WHERE ${REASON} IS NULL) AS kept`;

const texts: readonly string[] = ['text', 'json', 'other', 'uuid'];
const asText = (source: string, kind: string): My => (kind === 'bytes' ? sql`concat('\\x', lower(hex(${asName(source)})))` : texts.includes(kind) ? sql`CONVERT(${asName(source)} USING utf8mb4)` : sql`CAST(${asName(source)} AS CHAR)`);
/** Texts are compared byte by byte, as every other engine does. */
const compared = ({ source, type: { kind } }: ColumnMapping): My => (texts.includes(kind) ? mysqlText(sql`${asName(source)}`) : sql`${asName(source)}`);

function misfits(mapping: ColumnMapping): My[] {
  const most = lengthLimit(mapping);
  const name = sql`${asName(mapping.source)}`;
  return [...(most === null ? [] : [sql`WHEN char_length(${name}) > ${literal('mysql', most)} THEN ${text(`type:${mapping.target}`)}`]), ...(mapping.nullable ? [] : [sql`WHEN ${name} IS NULL THEN ${text(`not_null:${mapping.target}`)}`])];
}
const castTo: Readonly<Partial<Record<ColumnMapping['type']['kind'], My>>> = { date: sql`DATE`, time: sql`TIME(6)`, ts: sql`DATETIME(6)`, tstz: sql`DATETIME(6)` };
function broken(check: RowCheck, columns: readonly ColumnMapping[]): My[] {
  if (check.check === 'unique') return [];
  const mapping = columns.find(({ target }) => target === check.column)!;
  const { kind } = mapping.type;
  const given = (value: string): My => {
    if (texts.includes(kind)) return mysqlText(text(value));
    if (kind === 'bool') return value === 'true' ? sql`1` : sql`0`;
    return castTo[kind] ? sql`CAST(${text(kind === 'tstz' ? inUtc(value) : value)} AS ${castTo[kind]})` : sql`${text(value)} + 0`;
  };
  const c = compared(mapping);
  const when = (condition: My): My[] => [sql`WHEN ${condition} THEN ${text(`${check.check}:${check.column}`)}`];
  switch (check.check) {
    case 'not_null': return when(sql`${asName(mapping.source)} IS NULL`);
    case 'in': return when(sql`${c} NOT IN (${joinSql(check.values.map(given), comma)})`);
    case 'range': return when(joinSql([...(check.from === undefined ? [] : [sql`${c} < ${given(check.from)}`]), ...(check.to === undefined ? [] : [sql`${c} > ${given(check.to)}`])], sql` OR `));
  }
}
/** Sessions are in UTC, and a cast takes no zone. */
const inUtc = (instant: string): string => new Date(instant.replace(' ', 'T').replace(/ ?([+-]\d\d)$/, '$1:00')).toISOString().replace('T', ' ').replace('Z', '');
