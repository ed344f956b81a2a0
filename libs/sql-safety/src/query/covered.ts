import type { Expr } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import { type CheckedSlot, type CheckedValue, keyOf } from './checked.ts';

/** Whether a value holds an aggregate of its own query. */
export function hasAggregate({ slots }: CheckedValue): boolean {
  return slots.some((slot) => slot.k === 'aggregate' || slot.k === 'grouping' || (slot.k === 'value' && hasAggregate(slot.value))
    || (slot.k === 'window' && [...slot.args, ...slot.partition, ...slot.order.map(({ e }) => e)].some(hasAggregate)) || (slot.k === 'in' && hasAggregate(slot.e)));
}

/** In a grouped query every value is made of keys, aggregates and constants.
 * @param keys what the keys mean
 * @param depth of the query that groups: columns of queries around it are constants
 * @throws Refusal `SQL_AGGREGATE_PLACE` */
export function assertCovered(value: CheckedValue, keys: ReadonlySet<string>, depth: number): void {
  if (keys.has(value.key)) return;
  walk(value.value.expr, { value, keys, depth });
}
interface Walk { readonly value: CheckedValue; readonly keys: ReadonlySet<string>; readonly depth: number }
function walk(node: Expr, at: Walk): void {
  if (node.k === 'lit' || at.keys.has(keyOf(node, at.value.slots))) return;
  if (node.k === 'col') { slot(at.value.slots[Number(node.name.slice(1))]!, at); return; }
  for (const child of childrenOf(node)) walk(child, at);
}
function slot(used: CheckedSlot, { keys, depth }: Walk): void {
  const inner = (values: readonly CheckedValue[]): void => { for (const value of values) assertCovered(value, keys, depth); };
  switch (used.k) {
    case 'column':
      if (used.depth >= depth) throw new Refusal('SQL_AGGREGATE_PLACE', `A column that is no key of the groups (${used.name}) stands inside an aggregate only; add it to GROUP BY`);
      return;
    case 'value': inner([used.value]); return;
    case 'window': inner([...used.args, ...used.partition, ...used.order.map(({ e }) => e)]); return;
    case 'in': inner([used.e]); return;
    case 'grouping':
      if (!keys.has(used.of.key)) throw new Refusal('SQL_AGGREGATE_PLACE', 'grouping takes a key of the groups');
      return;
    case 'aggregate': case 'scalar': case 'exists': case 'clock':
  }
}
/** Parts of a node that are nodes, whatever the node is. */
export function childrenOf(node: Expr): Expr[] {
  return Object.entries(node).flatMap(([key, held]) => (key === 't' || key === 'to' ? [] : nodesIn(held)));
}
function nodesIn(held: unknown): Expr[] {
  if (Array.isArray(held)) return held.flatMap(nodesIn);
  if (typeof held !== 'object' || held === null) return [];
  return 'k' in held ? [held as Expr] : Object.values(held).flatMap(nodesIn);
}
