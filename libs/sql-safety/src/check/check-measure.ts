import type { ColumnType, Measure } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import { type InputColumns, checkExpression } from './check-expression.ts';
import { bool, decimal, asDecimal, f64, i64, isSortable, isUsable, isWhole, MOST_DIGITS } from './type-rules.ts';
import type { ValidatedExpr } from './validated.ts';

/** A measure that was resolved and typed. */
export interface ValidatedMeasure { readonly as: string; readonly fn: Measure['fn']; readonly arg: ValidatedExpr | null; readonly where: ValidatedExpr | null; readonly type: ColumnType }

/** @throws Refusal `SQL_TYPE`, `SQL_ARITY`, and what its expressions refuse. Sums of doubles are refused: they depend on the order of rows, and no two runs would have one digest. */
export function checkMeasure({ as, fn, arg, where }: Measure, input: InputColumns): ValidatedMeasure {
  if (arg === null && fn !== 'count') throw new Refusal('SQL_ARITY', `${fn} needs an arg`);
  const checkedArg = arg === null ? null : checkExpression(arg, { input });
  return { as, fn, arg: checkedArg, where: where === null ? null : checkExpression(where, { input, expect: bool }), type: typeOf(fn, checkedArg?.type ?? null) };
}
function typeOf(fn: Measure['fn'], arg: ColumnType | null): ColumnType {
  if (fn === 'count_distinct' && arg && !isSortable(arg)) throw new Refusal('SQL_TYPE', `Values of ${arg.kind} are not told apart`);
  if (fn === 'count' || fn === 'count_distinct' || arg === null) return i64;
  if (!isUsable(arg)) throw new Refusal('SQL_TYPE', `${fn} of ${arg.kind} has no meaning`);
  if (fn === 'min' || fn === 'max') {
    if (arg.kind === 'bool' || arg.kind === 'uuid' || arg.kind === 'bytes') throw new Refusal('SQL_TYPE', `${fn} of ${arg.kind} is not in every engine`);
    return arg;
  }
  if (arg.kind === 'f64') throw new Refusal('SQL_TYPE', `${fn} of doubles depends on the order of rows; cast to a decimal first, such as cast(x as decimal(18,4))`);
  if (isWhole(arg)) return fn === 'sum' ? i64 : f64;
  if (arg.kind !== 'dec') throw new Refusal('SQL_TYPE', `${fn} needs numbers, this is ${arg.kind}`);
  return fn === 'avg' ? f64 : decimal(MOST_DIGITS, asDecimal(arg).s);
}
