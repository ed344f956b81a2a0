import type { ColumnType, QueryFrame } from '@agent-etl/contracts';
import { isEnumeration, isSortable } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';
import { isWindowFunction } from '../registry/aggregates.ts';
import type { CheckedQuery, CheckedValue, Output, RowOrder, SortKey } from './checked.ts';

const noOrder = (type: ColumnType): Refusal => new Refusal('STEP_ORDER_NOT_TOTAL', `Which rows come first would be the engine's choice, since values of ${isEnumeration(type) ? 'an enumeration' : type.kind} have no order in every engine; ${isEnumeration(type) ? 'cast it to text' : 'leave that column out in a query inside'}`);
/** The order that is given, then all columns of the result: rows that are equal in all of them are the same row.
 * @throws Refusal `STEP_ORDER_NOT_TOTAL` */
export function totalOrder(order: readonly RowOrder[], outputs: readonly Output[]): RowOrder[] {
  const known = new Set(order.flatMap(({ by }) => ('output' in by ? [by.output] : [])));
  const rest = outputs.flatMap(({ type }, output): RowOrder[] => {
    if (known.has(output)) return [];
    if (!isSortable(type)) throw noOrder(type);
    return [{ by: { output }, dir: 'asc', nulls: 'last', type }];
  });
  return [...order, ...rest];
}
/** Values as the last keys of an order.
 * @throws Refusal `STEP_ORDER_NOT_TOTAL` */
export const tieKeys = (values: readonly CheckedValue[]): SortKey[] => values.map((e) => {
  if (!isSortable(e.type)) throw noOrder(e.type);
  return { e, dir: 'asc', nulls: 'last' };
});
/** A query that is a step: rows are written in no order, so one that chooses nothing is lost.
 * @throws Refusal `STEP_SORT_LOST` */
export function assertChosen({ order, limit, offset, body }: CheckedQuery): void {
  if (order.length && limit === null && offset === null && !(body.k === 'select' && body.distinctOn.length)) throw new Refusal('STEP_SORT_LOST', 'Rows are written in no order: leave the last ORDER BY out, or give it a LIMIT');
}

const RANKS: readonly string[] = ['rank', 'dense_rank', 'percent_rank', 'cume_dist'];
/** Whether a window looks at which of two equal rows comes first, so that its order has to be made total. One over a range sees equal rows as one.
 * @throws Refusal `STEP_ORDER_NOT_TOTAL` where a total order would mean something else */
export function looksAtTies(fn: string, frame: QueryFrame | null): boolean {
  if (RANKS.includes(fn)) return false;
  if (frame?.unit === 'rows') return true;
  if (!isWindowFunction(fn as 'rank')) return false;
  const ends = [frame?.from.at ?? 'unbounded preceding', frame?.to.at ?? 'current row'];
  const isFixed = fn === 'first_value' ? ends[0] === 'unbounded preceding' : fn === 'last_value' ? ends[1] === 'unbounded following' : ends.join() === 'unbounded preceding,unbounded following';
  if ((fn === 'first_value' || fn === 'last_value' || fn === 'nth_value') && !isFixed) throw new Refusal('STEP_ORDER_NOT_TOTAL', `${fn} over a range looks at one of several equal rows, and engines choose; say ROWS BETWEEN`);
  return true;
}
/** Aggregates whose last digits hang on the order of rows, and those that choose among equal ones. */
const UNSETTLED: readonly string[] = ['corr', 'covar_pop', 'covar_samp', 'max_by', 'min_by', 'stddev_pop', 'stddev_samp', 'var_pop', 'var_samp'];
/** @throws Refusal `STEP_ORDER_NOT_TOTAL` */
export function assertSettled(fn: string): void {
  if (UNSETTLED.includes(fn)) throw new Refusal('STEP_ORDER_NOT_TOTAL', fn.endsWith('_by') ? `${fn} chooses among rows with equal keys; number the rows with row_number() and take the first` : `${fn} hangs on the order of rows in its last digits; two readings would not agree. Make it of sums of decimals`);
}
