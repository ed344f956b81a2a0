import type { ColumnMapping, Judging, RowCheck } from '@agent-etl/contracts';
import { type SqlFragment, identifier, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import { lengthLimit } from '../judged/fit-rules.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
const text = (value: string): Pg => literal('postgres', value);

/** @property from the piece, as a FROM list
 * @property hasPlace whether its rows lie somewhere: tables have a physical order, views have none */
export interface JudgedRelation { readonly from: Pg; readonly hasPlace: boolean; readonly columns: readonly ColumnMapping[]; readonly judging: Judging }
/** A column of a judged row. */
export const judgedValue = (source: string): Pg => sql`("agent-etl: row").${identifier(source)}`;
const comma = sql`, `;

/** Every row of a piece as one value, with its `reason`, NULL where nothing is wrong: what cannot go into the target, then the checks, unique last. */
export function judgedRows({ from, hasPlace, columns, judging }: JudgedRelation): Pg {
  const names = columns.map(({ source }) => identifier(source));
  const place = hasPlace ? sql`, tableoid AS "agent-etl: table", ctid AS "agent-etl: place"` : sql``;
  const piece = sql`SELECT ${joinSql(names.map((name) => sql`${name}`), comma)}${place} FROM ${from}`;
  const row = sql`SELECT ${joinSql(names.map((name) => sql`t.${name}`), comma)}`;
  const order = hasPlace ? sql`t."agent-etl: table", t."agent-etl: place"` : sql`to_json("agent-etl: row")::text COLLATE "C"`;
  const whens = [...(judging.bad === 'aside' ? columns.flatMap(misfits) : []), ...judging.checks.flatMap((check) => broken(check, columns))];
  const reason = whens.length ? sql`CASE ${joinSql(whens, sql` `)} END` : sql`NULL::text`;
  const keys = judging.checks.flatMap((check) => (check.check === 'unique' ? [check.columns] : []));
  const reasoned = sql`SELECT "agent-etl: row", ${reason} AS reason${keys.length ? sql`, row_number() OVER (ORDER BY ${order}) AS etl_nth` : sql``} FROM (${piece}) AS t CROSS JOIN LATERAL (${row}) AS "agent-etl: row"`;
  return keys.reduce<Pg>((rows, key) => withoutTwins(rows, key, columns), reasoned);
}
/** Twins among rows that pass all else: the first stays, in the order in which rows lie. */
function withoutTwins(rows: Pg, key: readonly string[], columns: readonly ColumnMapping[]): Pg {
  const values = key.map((name) => judgedValue(columns.find(({ target }) => target === name)!.source));
  const twin = sql`row_number() OVER (PARTITION BY ${joinSql([...values, sql`reason IS NULL`], comma)} ORDER BY etl_nth)`;
  const isWhole = joinSql(values.map((value) => sql`${value} IS NOT NULL`), sql` AND `);
  return sql`SELECT "agent-etl: row", etl_nth, CASE WHEN reason IS NULL AND twin > 1 AND ${isWhole} THEN ${text(`unique:${key.join(',')}`)} ELSE reason END AS reason FROM (SELECT "agent-etl: row", etl_nth, reason, ${twin} AS twin FROM (${rows}) AS reasoned) AS twins`;
}
/** What is said of a row, as the first cell of the text carrier. */
export const judgedCell: Pg = sql`CASE WHEN reason IS NOT NULL THEN json_build_object('reason', reason, 'raw', to_json("agent-etl: row")::text)::text END`;
/** The rows that are not set aside, under the names of the source. */
export const keptRows = (of: JudgedRelation): Pg => sql`(SELECT ("agent-etl: row").* FROM (${judgedRows(of)}) AS judged WHERE reason IS NULL) AS kept`;

const whole: Readonly<Partial<Record<ColumnMapping['type']['kind'], readonly [string, string]>>> = { i16: ['-32768', '32767'], i32: ['-2147483648', '2147483647'], i64: ['-9223372036854775808', '9223372036854775807'] };
const nativeWhole: Readonly<Record<string, keyof typeof whole>> = { smallint: 'i16', integer: 'i32', bigint: 'i64' };
/** What the type of the target would refuse. */
function misfits(mapping: ColumnMapping): Pg[] {
  const { source, target, sourceNative, targetNative, nullable } = mapping;
  const value = judgedValue(source);
  const whens: Pg[] = [];
  const bounds = sourceNative === targetNative ? undefined : whole[nativeWhole[targetNative] ?? 'text'];
  const most = sourceNative === targetNative ? null : lengthLimit(mapping);
  if (bounds) whens.push(sql`WHEN ${value}::numeric NOT BETWEEN ${text(bounds[0])}::numeric AND ${text(bounds[1])}::numeric THEN ${text(`type:${target}`)}`);
  if (most !== null) whens.push(sql`WHEN char_length(${value}::text) > ${literal('postgres', most)} THEN ${text(`type:${target}`)}`);
  if (targetNative === 'uuid' && sourceNative !== 'uuid') whens.push(sql`WHEN ${value}::text !~* '^[{]?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}[}]?$' THEN ${text(`type:${target}`)}`);
  if (!nullable) whens.push(sql`WHEN ${value} IS NULL THEN ${text(`not_null:${target}`)}`);
  return whens;
}

const comparedAs: Readonly<Partial<Record<ColumnMapping['type']['kind'], Pg>>> = {
  i16: sql`numeric`, i32: sql`numeric`, i64: sql`numeric`, dec: sql`numeric`, f32: sql`double precision`, f64: sql`double precision`, bool: sql`boolean`, date: sql`date`, time: sql`time`, ts: sql`timestamp`, tstz: sql`timestamptz`, uuid: sql`uuid`,
};
function broken(check: RowCheck, columns: readonly ColumnMapping[]): Pg[] {
  return check.check === 'unique' ? [] : [sql`WHEN ${breaks(check, columns)} THEN ${text(`${check.check}:${check.column}`)}`];
}
/** Whether a judged row breaks a check that looks at one row. */
export function breaks(check: Exclude<RowCheck, { check: 'unique' }>, columns: readonly ColumnMapping[]): Pg {
  const { source, type } = columns.find(({ target }) => target === check.column)!;
  const as = comparedAs[type.kind];
  const typed = (value: Pg): Pg => (as ? sql`${value}::${as}` : sql`${value}::text COLLATE "C"`);
  const value = judgedValue(source);
  switch (check.check) {
    case 'not_null': return sql`${value} IS NULL`;
    case 'in': return sql`${typed(value)} NOT IN (${joinSql(check.values.map((allowed) => typed(text(allowed))), comma)})`;
    case 'range': return joinSql([...(check.from === undefined ? [] : [sql`${typed(value)} < ${typed(text(check.from))}`]), ...(check.to === undefined ? [] : [sql`${typed(value)} > ${typed(text(check.to))}`])], sql` OR `);
  }
}
