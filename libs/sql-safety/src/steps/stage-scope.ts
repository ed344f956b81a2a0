import type { ColumnType, Order } from '@agent-etl/contracts';
import type { InputColumns } from '../check/check-expression.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import type { ExprDialect } from '../render/types.ts';
import type { SqlFragment, sqlFor } from '../tag/fragment.ts';

/** What a stage is printed over: the rows before it as a FROM list, and their columns.
 * @property column a column as it stands there; it only passes
 * @property expression a calculation, checked again
 * @property passing a column as it stands there, whose name was stored. @throws Refusal `SQL_COLUMN`
 * @property listed values as c0, c1, … */
export interface StageScope<D extends ExprDialect> {
  readonly dialect: D; readonly sql: ReturnType<typeof sqlFor<D>>; readonly from: SqlFragment<D>; readonly types: InputColumns; readonly names: readonly string[];
  column(name: string): SqlFragment<D>;
  passing(name: string): SqlFragment<D>;
  typeOf(name: string): ColumnType;
  expression(expr: unknown, expect?: ColumnType): SqlFragment<D>;
  print(value: ValidatedExpr): SqlFragment<D>;
  listed(values: readonly SqlFragment<D>[]): SqlFragment<D>;
  /** total: all other columns decide where the order that is given leaves two rows equal. */
  order(order: readonly Order[], ties: 'total' | 'as given'): SqlFragment<D>;
}
export interface Printed<D extends ExprDialect> { readonly rows: SqlFragment<D>; readonly types: InputColumns }
