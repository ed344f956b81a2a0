import { EtlError, type Transform } from '@agent-etl/contracts';
import { checkExpression } from '../check/check-expression.ts';
import { bool } from '../check/type-rules.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import { Refusal } from '../refusal.ts';
import { type ColumnSource, printExpression } from '../render/print-expression.ts';
import type { ExprDialect } from '../render/types.ts';
import type { SqlFragment } from '../tag/fragment.ts';

/** A transform as fragments of a dialect: the value of each of its columns, and the condition under which a row stays. */
export interface PrintedTransform<D extends ExprDialect> { readonly values: readonly { readonly name: string; readonly value: SqlFragment<D> }[]; readonly where: SqlFragment<D> | null }

/** Checks a stored transform again and prints it: between plan and run it was only data.
 * @param column where a column of the source stands in the statement
 * @throws EtlError `sql.rejected` */
export function printTransform<D extends ExprDialect>(dialect: D, { input, columns, where }: Transform, column: ColumnSource<D>): PrintedTransform<D> {
  const types = new Map(input.map(({ name, type }) => [name, type]));
  try {
    const print = (expr: ValidatedExpr): SqlFragment<D> => printExpression(dialect, expr, column);
    return {
      // A column that only passes is not a calculation: its type may be one that expressions do not know.
      values: columns.map(({ name, expr }) => ({ name, value: expr.k === 'col' && types.has(expr.name) ? column(expr.name) : print(checkExpression(expr, { input: types })) })),
      where: where === null ? null : print(checkExpression(where, { input: types, expect: bool })),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new EtlError('sql.rejected', { issues: error.message }, { issues: [{ code: error.code, path: '/pipeline/steps', text: `${error.message}.` }] });
  }
}
