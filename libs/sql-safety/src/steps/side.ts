import type { ColumnType, Order, Transform } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { isSortable } from '../check/type-rules.ts';
import { identifier } from '../ident/identifier.ts';
import { noSuch } from '../no-such.ts';
import { type ColumnSource, printExpression } from '../render/print-expression.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';

/** Rows that a statement reads: a FROM list, where each column stands in it, and how expressions see it. */
export interface Side<D extends ExprDialect> { readonly types: InputColumns; readonly from: SqlFragment<D>; readonly column: ColumnSource<D>; readonly value: ColumnSource<D> }

/** Texts of PostgreSQL that its functions read with their blanks, or that have no collation. They pass as they are; expressions see what they say. Staged for Spark they keep the blanks. */
const BLANK = /^(character\(|"char"$)/;
export const blanksOf = (dialect: ExprDialect, columns: Transform['input']): ReadonlySet<string> => new Set(dialect === 'postgres' || dialect === 'spark' ? columns.filter(({ native }) => BLANK.test(native)).map(({ name }) => name) : []);
/** A column as expressions see it. */
export const seenAs = <D extends ExprDialect>(dialect: D, blank: ReadonlySet<string>, column: ColumnSource<D>): ColumnSource<D> => (name) => (!blank.has(name) ? column(name) : dialect === 'spark' ? sqlFor(dialect)`rtrim(${column(name)})` : sqlFor(dialect)`CAST(${column(name)} AS ${typeIn(dialect, { kind: 'text' })})`);

/** Another dataset of a statement. */
export function otherSide<D extends ExprDialect>(dialect: D, columns: Transform['input'], { from, column }: Pick<Side<D>, 'from' | 'column'>): Side<D> {
  return { types: new Map(columns.map(({ name, type }) => [name, type])), from, column, value: seenAs(dialect, blanksOf(dialect, columns), column) };
}

export function listed<D extends ExprDialect>(dialect: D, values: readonly SqlFragment<D>[]): SqlFragment<D> {
  const sql = sqlFor(dialect);
  return joinSql(values.map((value, index) => sql`${value} AS ${identifier(`c${index}`)}`), sql`, `);
}
/** Texts are told apart by their code points, whatever collation a database gives them. */
export const collated = <D extends ExprDialect>(dialect: D, { kind }: ColumnType, value: SqlFragment<D>): SqlFragment<D> => (dialect === 'postgres' && kind === 'text' ? sqlFor(dialect)`${value} COLLATE "C"` : value);

export function typeAt(types: InputColumns, name: string): ColumnType {
  const type = types.get(name);
  if (!type) throw noSuch('column', name, { known: [...types.keys()] });
  return type;
}
/** The columns given, then where `ties` is total all others, those without an order of their own by their text: an order that leaves two rows equal would let an engine choose. */
export function orderOf<D extends ExprDialect>(dialect: D, { types, column, value }: Side<D>, { order, ties }: { readonly order: readonly Order[]; readonly ties: 'total' | 'as given' }): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const text: ColumnType = { kind: 'text' };
  const given = order.map(({ e, dir, nulls }) => {
    const checked = checkExpression(e, { input: types });
    return sql`${collated(dialect, checked.type, printExpression(dialect, checked, value))} ${dir === 'asc' ? sql`ASC` : sql`DESC`} NULLS ${nulls === 'first' ? sql`FIRST` : sql`LAST`}`;
  });
  const rest = [...types].map(([name, type]) => sql`${isSortable(type) ? collated(dialect, type, value(name)) : collated(dialect, text, sql`CAST(${column(name)} AS ${typeIn(dialect, text)})`)} ASC NULLS LAST`);
  return joinSql(ties === 'total' ? [...given, ...rest] : given, sql`, `);
}
