import { type FrameBound, type QueryFrame, type QueryUse, type QueryWindowFunction, queryWindowFunctions } from '@agent-etl/contracts';
import { noSuch } from '../../no-such.ts';
import { Refusal } from '../../refusal.ts';
import { aggregateNamed } from '../../registry/aggregates.ts';
import { constantOf } from './lower-constant.ts';
import type { Inner } from './reading.ts';
import { type Json, type Tree, isTree, listed, offsetOf, onlyKeys } from './tree.ts';

const BOUNDS: Readonly<Record<string, readonly [FrameBound['at'], 'rows' | 'range' | null]>> = {
  UNBOUNDED_PRECEDING: ['unbounded preceding', null], UNBOUNDED_FOLLOWING: ['unbounded following', null], CURRENT_ROW_RANGE: ['current row', 'range'], CURRENT_ROW_ROWS: ['current row', 'rows'],
  EXPR_PRECEDING_ROWS: ['preceding', 'rows'], EXPR_FOLLOWING_ROWS: ['following', 'rows'],
};
const named = (name: string): QueryWindowFunction | null => queryWindowFunctions.find((each) => each === name) ?? null;

/** A function with OVER.
 * @throws Refusal */
export function windowOf(node: Tree, inner: Inner): QueryUse {
  const keys = onlyKeys(node, { read: ['function_name', 'children', 'partitions', 'orders', 'start', 'end', 'start_expr', 'end_expr', 'offset_expr', 'default_expr', 'filter_expr', 'ignore_nulls', 'exclude_clause', 'distinct', 'schema', 'arg_orders'], plain: { alias: '', catalog: '' } });
  const { function_name: name, schema } = keys;
  const at = offsetOf(node);
  const spelled = typeof name === 'string' && (schema === '' || schema === 'main') ? name.toLowerCase() : '';
  const fn = named(spelled === 'first' ? 'first_value' : spelled === 'last' ? 'last_value' : spelled) ?? aggregateNamed(spelled);
  if (!fn) throw noSuch('function', spelled, { known: queryWindowFunctions, where: 'with OVER here', offset: at });
  refuseRare(keys, at);
  const { value, order: ordered } = inner;
  const args = [...listed(keys['children']), ...[keys['offset_expr'], keys['default_expr']].filter((more) => more !== null && more !== undefined)].map(value);
  return {
    k: 'window', fn, args: name === 'count_star' ? [] : args, partition: listed(keys['partitions']).map(value), order: listed(keys['orders']).map(ordered),
    frame: frameOf(keys, at), where: keys['filter_expr'] === null ? null : value(keys['filter_expr']),
  };
}
function refuseRare({ ignore_nulls: ignores, exclude_clause: exclude, distinct, arg_orders: orders }: Tree, at: number | null): void {
  if (ignores !== false) throw new Refusal('SQL_KEY', 'IGNORE NULLS is not supported: PostgreSQL has none', at);
  if (exclude !== 'NO_OTHER') throw new Refusal('SQL_KEY', 'EXCLUDE in a frame is not supported', at);
  if (distinct !== false) throw new Refusal('SQL_KEY', 'DISTINCT with OVER is not supported: PostgreSQL has none', at);
  if (listed(orders).length) throw new Refusal('SQL_KEY', 'ORDER BY inside a call with OVER is not supported', at);
}

/** The standard's frame is told as such; null stands for it, since ranking functions take none. */
function frameOf({ start, end, start_expr: from, end_expr: to }: Tree, at: number | null): QueryFrame | null {
  const [first, last] = [boundOf(start, from, at), boundOf(end, to, at)];
  const unit = first.unit ?? last.unit ?? 'rows';
  if (first.unit && last.unit && first.unit !== last.unit) throw new Refusal('SQL_KEY', 'This frame is not supported', at);
  const isStandard = first.bound.at === 'unbounded preceding' && last.bound.at === 'current row' && unit === 'range';
  return isStandard ? null : { unit, from: first.bound, to: last.bound };
}
function boundOf(name: Json | undefined, n: Json | undefined, at: number | null): { readonly bound: FrameBound; readonly unit: 'rows' | 'range' | null } {
  const known = typeof name === 'string' && Object.hasOwn(BOUNDS, name) ? BOUNDS[name] : undefined;
  if (!known) throw new Refusal('SQL_KEY', 'A frame has ROWS with a number of rows, or RANGE with UNBOUNDED and CURRENT ROW', at);
  const [bound, unit] = known;
  if (bound !== 'preceding' && bound !== 'following') return { bound: { at: bound, n: null }, unit };
  const constant = isTree(n) && n['class'] === 'CONSTANT' ? constantOf(n['value']) : null;
  if (constant?.k !== 'lit' || !/^\d{1,9}$/.test(constant.v ?? '')) throw new Refusal('SQL_LITERAL', 'A frame has a whole number of rows, written out', at);
  return { bound: { at: bound, n: Number(constant.v) }, unit };
}
