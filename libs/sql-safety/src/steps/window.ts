import { type ColumnType, type Measure, type Order, type Stage, type WindowColumn, aggregateFunctions } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { checkMeasure } from '../check/check-measure.ts';
import { i64, isUsable } from '../check/type-rules.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import { Refusal } from '../refusal.ts';
import { measureForms } from '../render/measure-forms.ts';
import { type ExprDialect, typeIn } from '../render/types.ts';
import { type SqlFragment, joinSql } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import type { Printed, StageScope } from './stage-scope.ts';
import { type State, assertForm, behind, comparable, ordered } from './state.ts';

/** Columns computed of a row and those around it. */
export interface WindowStep { readonly op: 'window'; readonly partition: readonly string[]; readonly order: readonly Order[]; readonly columns: readonly WindowColumn[] }
type WindowStage = Extract<Stage, { op: 'window' }>;
interface Checked { readonly as: string; readonly fn: WindowColumn['fn']; readonly arg: ValidatedExpr | null; readonly type: ColumnType; readonly offset: number; readonly frame: WindowColumn['frame'] }

const RANKS: readonly string[] = ['row_number', 'rank', 'dense_rank'];
const NEIGHBOURS: readonly string[] = ['lag', 'lead'];
const isMeasure = (fn: string): fn is Exclude<Measure['fn'], 'count_distinct'> => fn !== 'count_distinct' && (aggregateFunctions as readonly string[]).includes(fn);
/** Whether a value hangs on which row comes before which, beyond equal rows of the given order. */
const needsTotal = ({ fn, frame }: Pick<WindowColumn, 'fn' | 'frame'>): boolean => fn !== 'rank' && fn !== 'dense_rank' && !(isMeasure(fn) && isWhole(frame));
const isWhole = (frame: WindowColumn['frame']): boolean => frame !== null && frame.before === null && frame.after === 'all';

/** @throws Refusal `STEP_ORDER_NOT_TOTAL` where engines could choose an order, `SQL_ARITY`, `SQL_TYPE`, and what expressions refuse */
function checkWindow({ order, columns }: Pick<WindowStage, 'order' | 'columns'>, input: InputColumns): Checked[] {
  return columns.map((column) => {
    if (!order.length && !(isMeasure(column.fn) && isWhole(column.frame))) throw new Refusal('STEP_ORDER_NOT_TOTAL', `${column.fn} needs orderBy: rows have no order of themselves`);
    return checkColumn(column, input);
  });
}
function checkColumn({ as, fn, arg, offset, frame }: WindowColumn, input: InputColumns): Checked {
  const isFramed = isMeasure(fn) || fn === 'first_value' || fn === 'last_value';
  if (isFramed !== (frame !== null)) throw new Refusal('SQL_ARITY', isFramed ? `${fn} needs rows: all, running, or how many before this one` : `${fn} has no rows: it looks at places, not at a frame`);
  if (NEIGHBOURS.includes(fn) ? offset === null : offset !== null) throw new Refusal('SQL_ARITY', 'An offset is for lag and lead');
  if (RANKS.includes(fn)) {
    if (arg !== null) throw new Refusal('SQL_ARITY', `${fn} takes no arg`);
    return { as, fn, arg: null, type: i64, offset: 1, frame };
  }
  if (isMeasure(fn)) {
    const measure = checkMeasure({ as, fn, arg, where: null }, input);
    return { as, fn, arg: measure.arg, type: measure.type, offset: 1, frame };
  }
  if (arg === null) throw new Refusal('SQL_ARITY', `${fn} needs an arg`);
  const value = checkExpression(arg, { input });
  if (!isUsable(value.type)) throw new Refusal('SQL_TYPE', `A value of ${value.type.kind} can only pass`);
  return { as, fn, arg: value, type: value.type, offset: offset ?? 1, frame };
}

/** @param state without row-wise steps that wait */
export function windowed({ partition, order, columns }: WindowStep, state: State): State {
  const keys = partition.map((name) => comparable(state.held, name).name);
  const parts = ordered(order, state);
  const values = checkWindow({ order: parts, columns: [...columns] }, state.input);
  for (const { arg } of values) if (arg) assertForm(arg, state);
  const stage: Stage = { op: 'window', partition: keys, order: parts, columns: columns.map((column, index) => ({ ...column, arg: values[index]?.arg?.expr ?? null })) };
  return behind({ ...state, stages: [...state.stages, stage] }, [...state.held, ...values.map(({ as, type }) => ({ name: as, type, source: null }))]);
}

/** Where two rows are equal by the order that is given, all other columns decide: no engine may choose. Ranks alone see them as equal. */
export function printWindow<D extends ExprDialect>(stage: WindowStage, scope: StageScope<D>): Printed<D> {
  const { sql, dialect, types, names } = scope;
  const values = checkWindow(stage, types);
  const parts = stage.partition.length ? sql`PARTITION BY ${joinSql(stage.partition.map((name) => scope.passing(name)), sql`, `)}` : sql``;
  const over = (value: Checked): SqlFragment<D> => {
    const by = needsTotal(value) ? sql` ORDER BY ${scope.order(stage.order, 'total')}` : RANKS.includes(value.fn) ? sql` ORDER BY ${scope.order(stage.order, 'as given')}` : sql``;
    return sql` OVER (${parts}${by}${value.frame ? framed(value.frame, scope) : sql``})`;
  };
  const printed = values.map((value) => sql`CAST(${printValue(value, over(value), scope)} AS ${typeIn(dialect, value.type)})`);
  return { types: new Map([...types, ...values.map(({ as, type }): [string, ColumnType] => [as, type])]), rows: sql`SELECT ${scope.listed([...names.map((name) => scope.column(name)), ...printed])} FROM ${scope.from}` };
}
function framed<D extends ExprDialect>({ before, after }: NonNullable<WindowColumn['frame']>, { sql, dialect }: StageScope<D>): SqlFragment<D> {
  return sql` ROWS BETWEEN ${before === null ? sql`UNBOUNDED` : literal(dialect, before)} PRECEDING AND ${after === 'all' ? sql`UNBOUNDED FOLLOWING` : sql`CURRENT ROW`}`;
}
function printValue<D extends ExprDialect>({ fn, arg, offset }: Checked, over: SqlFragment<D>, scope: StageScope<D>): SqlFragment<D> {
  const { sql, dialect } = scope;
  const value = arg ? scope.print(arg) : sql``;
  switch (fn) {
    case 'row_number': return sql`row_number()${over}`;
    case 'rank': return sql`rank()${over}`;
    case 'dense_rank': return sql`dense_rank()${over}`;
    case 'lag': return sql`lag(${value}, ${literal(dialect, offset)})${over}`;
    case 'lead': return sql`lead(${value}, ${literal(dialect, offset)})${over}`;
    case 'first_value': return sql`first_value(${value})${over}`;
    case 'last_value': return sql`last_value(${value})${over}`;
    case 'count': case 'sum': case 'avg': case 'min': case 'max': return measureForms[dialect]({ fn, arg: arg && value, from: arg?.type ?? null, where: null, over });
  }
}
