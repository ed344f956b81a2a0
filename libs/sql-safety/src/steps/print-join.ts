import type { ColumnType, JoinStage } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import { identifier } from '../ident/identifier.ts';
import { printExpression } from '../render/print-expression.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { type CheckedJoin, type KeyPair, checkJoin } from './join.ts';
import { type Side, collated, listed, orderOf } from './side.ts';

/** @property counted one row of sums: `l`, `r`, `lm`, `rm`, `pairs`, `most`, and as text a key that is there `twice` and one that is `missing` */
export interface PrintedJoin<D extends ExprDialect> { readonly rows: SqlFragment<D>; readonly types: InputColumns; readonly counted: SqlFragment<D> }

/** Prints a join, and the statement that counts what it does: that one groups both sides by their keys, so it stands on another plan than the join itself.
 * @throws Refusal what `checkJoin` refuses */
export function printJoin<D extends ExprDialect>(dialect: D, stage: JoinStage, sides: { readonly left: Side<D>; readonly right: Side<D> }): PrintedJoin<D> {
  const sql = sqlFor(dialect);
  const { left } = sides;
  const checked = checkJoin(stage, { left: left.types, right: sides.right.types });
  const right = stage.prefer ? preferred(dialect, sides.right, { stage, pairs: checked.pairs }) : sides.right;
  const on = joinSql(checked.pairs.map((pair) => equals(dialect, pair, { l: keyOf(dialect, pair.l, left.value(pair.left)), r: keyOf(dialect, pair.r, right.value(pair.right)) })), sql` AND `);
  const own = [...left.types.keys()].map((name) => left.column(name));
  const taken = checked.take.map(({ column, type }) => sql`CAST(${right.value(column)} AS ${typeIn(dialect, type)})`);
  const types = new Map<string, ColumnType>([...left.types, ...checked.take.map(({ as, type }): [string, ColumnType] => [as, type])]);
  const counted = counting(dialect, checked, { left, right });
  if (stage.kind === 'semi' || stage.kind === 'anti') return { types, counted, rows: sql`SELECT ${listed(dialect, own)} FROM ${left.from} WHERE ${stage.kind === 'anti' ? sql`NOT ` : sql``}EXISTS (SELECT 1 FROM ${right.from} WHERE ${on})` };
  const words = { inner: sql`JOIN`, left: sql`LEFT JOIN`, right: sql`RIGHT JOIN`, full: sql`FULL JOIN` } as const;
  return { types, counted, rows: sql`SELECT ${listed(dialect, [...own, ...taken])} FROM ${left.from} ${words[stage.kind]} ${right.from} ON ${on}` };
}

const keyOf = <D extends ExprDialect>(dialect: D, key: KeyPair['l'], value: SqlFragment<D>): SqlFragment<D> => printExpression(dialect, key, () => value);
const ZEROS: Readonly<Partial<Record<ColumnType['kind'], string>>> = { bool: 'false', text: '', bytes: '\\x', time: '00:00:00', date: '2000-01-01', ts: '2000-01-01', tstz: '2000-01-01 00:00:00+00', uuid: '00000000-0000-0000-0000-000000000000' };
/** PostgreSQL has no hash for IS NOT DISTINCT FROM and no FULL JOIN on it: it compares whether both are NULL, and the values with a stand-in for NULL. */
function equals<D extends ExprDialect>(dialect: D, { l: { type: lType }, r: { type: rType }, nullSafe }: Pick<KeyPair, 'l' | 'r' | 'nullSafe'>, { l, r }: { readonly l: SqlFragment<D>; readonly r: SqlFragment<D> }): SqlFragment<D> {
  const sql = sqlFor(dialect);
  if (!nullSafe) return sql`${collated(dialect, lType, l)} = ${r}`;
  if (dialect !== 'postgres') return sql`${l} IS NOT DISTINCT FROM ${r}`;
  const filled = (value: SqlFragment<D>, type: ColumnType): SqlFragment<D> => sql`coalesce(${value}, CAST(${literal(dialect, ZEROS[type.kind] ?? '0')} AS ${typeIn(dialect, type)}))`;
  return sql`(${l} IS NULL) = (${r} IS NULL) AND ${collated(dialect, lType, filled(l, lType))} = ${filled(r, rType)}`;
}

/** The first row of each key. */
function preferred<D extends ExprDialect>(dialect: D, right: Side<D>, { stage, pairs }: { readonly stage: JoinStage; readonly pairs: readonly KeyPair[] }): Side<D> {
  const sql = sqlFor(dialect);
  const names = [...right.types.keys()];
  const keys = pairs.map((pair) => collated(dialect, pair.r.type, keyOf(dialect, pair.r, right.value(pair.right))));
  const ranked = sql`SELECT ${listed(dialect, names.map((name) => right.value(name)))}, row_number() OVER (PARTITION BY ${joinSql(keys, sql`, `)} ORDER BY ${orderOf(dialect, right, { order: stage.prefer ?? [], ties: 'total' })}) AS nth FROM ${right.from}`;
  const column = (name: string): SqlFragment<D> => sql`preferred.${identifier(`c${names.indexOf(name)}`)}`;
  return { types: right.types, column, value: column, from: sql`(SELECT * FROM (${ranked}) AS ranked WHERE nth = 1) AS preferred` };
}

function counting<D extends ExprDialect>(dialect: D, { pairs }: CheckedJoin, { left, right }: { readonly left: Side<D>; readonly right: Side<D> }): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const grouped = (from: SqlFragment<D>, keys: readonly SqlFragment<D>[]): SqlFragment<D> =>
    sql`SELECT ${joinSql(keys.map((key, index) => sql`${key} AS ${identifier(`k${index}`)}`), sql`, `)}, count(*) AS n FROM ${from} GROUP BY ${joinSql(keys, sql`, `)}`;
  const lefts = grouped(left.from, pairs.map((pair) => collated(dialect, pair.l.type, keyOf(dialect, pair.l, left.value(pair.left)))));
  const rights = grouped(right.from, pairs.map((pair) => collated(dialect, pair.r.type, keyOf(dialect, pair.r, right.value(pair.right)))));
  const at = (side: 'lefts' | 'rights', index: number): SqlFragment<D> => sql`${identifier(side)}.${identifier(`k${index}`)}`;
  const on = joinSql(pairs.map((pair, index) => equals(dialect, pair, { l: at('lefts', index), r: at('rights', index) })), sql` AND `);
  const text = typeIn(dialect, { kind: 'text' });
  const key = collated(dialect, { kind: 'text' }, sql`(${joinSql(pairs.map((_, index) => sql`coalesce(CAST(${at('lefts', index)} AS ${text}), 'NULL')`), sql` || ', ' || `)})`);
  const total = (value: SqlFragment<D>): SqlFragment<D> => sql`CAST(coalesce(sum(${value}), 0) AS ${text})`;
  return sql`SELECT ${total(sql`lefts.n`)} AS l, ${total(sql`rights.n`)} AS r, ${total(sql`CASE WHEN rights.n IS NOT NULL THEN lefts.n END`)} AS lm, ${total(sql`CASE WHEN lefts.n IS NOT NULL THEN rights.n END`)} AS rm,
    ${total(sql`lefts.n * rights.n`)} AS pairs, CAST(coalesce(max(CASE WHEN lefts.n IS NOT NULL THEN rights.n END), 0) AS ${text}) AS most,
    min(CASE WHEN lefts.n IS NOT NULL AND rights.n > 1 THEN ${key} END) AS twice, min(CASE WHEN lefts.n IS NOT NULL AND rights.n IS NULL THEN ${key} END) AS missing
    FROM (${lefts}) AS lefts FULL JOIN (${rights}) AS rights ON ${on}`;
}
