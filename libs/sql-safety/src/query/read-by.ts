import type { CheckedFrom, CheckedQuery, CheckedSlot, CheckedValue, SourceColumn } from './checked.ts';

/** Every value of a query and of the queries inside it, conditions and keys included. */
export function valuesIn(query: CheckedQuery): readonly CheckedValue[] {
  const found: CheckedValue[] = [];
  const add = (values: readonly (CheckedValue | null)[]): void => {
    for (const value of values) {
      if (!value) continue;
      found.push(value);
      for (const slot of value.slots) for (const inner of inSlot(slot)) if ('slots' in inner) add([inner]); else found.push(...valuesIn(inner));
    }
  };
  for (const { query: inner } of query.ctes) found.push(...valuesIn(inner));
  add(query.order.map(({ by }) => ('value' in by ? by.value : null)));
  if (query.body.k === 'set') return [...found, ...valuesIn(query.body.left), ...valuesIn(query.body.right)];
  const { items, from, presences, where, keys, having, qualify, distinctOn } = query.body;
  add([...items, where, ...keys, having, qualify, ...distinctOn, ...presences.map(({ on }) => on)]);
  for (const relation of [...(from ? [from] : []), ...presences.map((presence) => presence.from)]) for (const inner of inFrom(relation)) if ('slots' in inner) add([inner]); else found.push(...valuesIn(inner));
  return found;
}
type Part = CheckedValue | CheckedQuery;
function inSlot(slot: CheckedSlot): readonly Part[] {
  switch (slot.k) {
    case 'column': case 'clock': return [];
    case 'value': return [slot.value];
    case 'aggregate': return [...slot.args, ...slot.order.map(({ e }) => e), ...(slot.where ? [slot.where] : [])];
    case 'window': return [...slot.args, ...slot.partition, ...slot.order.map(({ e }) => e), ...(slot.where ? [slot.where] : [])];
    case 'scalar': case 'exists': return [slot.query];
    case 'in': return [slot.e, slot.query];
    case 'grouping': return [slot.of];
  }
}
function inFrom(from: CheckedFrom): readonly Part[] {
  switch (from.k) {
    case 'table': case 'cte': return [];
    case 'query': return [from.query];
    case 'values': return from.rows.flat();
    case 'join': return [...inFrom(from.left), ...inFrom(from.right), ...(from.on ? [from.on] : [])];
  }
}

/** Columns that a query reads, wherever in it. */
export function readBy(query: CheckedQuery): SourceColumn[] {
  const found = new Map<string, SourceColumn>();
  for (const { slots } of valuesIn(query)) for (const { clear } of slots) for (const column of clear) found.set(`${column.relation}\n${column.column}`, column);
  return [...found.values()];
}
