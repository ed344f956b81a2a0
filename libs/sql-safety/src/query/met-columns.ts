import type { Expr } from '@agent-etl/contracts';
import type { CheckedQuery, SourceColumn } from './checked.ts';
import { valuesIn } from './read-by.ts';

export type Met = ReadonlyMap<string, readonly SourceColumn[]>;
export const columnKey = ({ relation, column }: SourceColumn): string => `${relation}\n${column}`;
const conjuncts = (expr: Expr): readonly Expr[] => (expr.k === 'and' ? expr.es.flatMap(conjuncts) : [expr]);
function slotsOf(node: unknown, into: Set<number>): void {
  if (typeof node !== 'object' || node === null) return;
  if ('k' in node && node.k === 'col' && 'name' in node && typeof node.name === 'string') into.add(Number(node.name.slice(1)));
  for (const child of Object.values(node)) slotsOf(child, into);
}

/** Columns of a relation that meet those of another in one condition: a row that is found by a value says that value. By `columnKey`, each with all that it meets, over any number of conditions.
 * @param isBeside whether a relation is one that rows are found in */
export function metColumns(query: CheckedQuery, isBeside: (relation: string) => boolean): Met {
  const groups: SourceColumn[][] = [];
  for (const { value, slots, type } of valuesIn(query)) {
    if (type.kind !== 'bool') continue;
    for (const part of conjuncts(value.expr)) {
      const places = new Set<number>();
      slotsOf(part, places);
      const columns = [...places].flatMap((at) => slots[at]?.clear ?? []);
      if (new Set(columns.map(({ relation }) => relation)).size > 1) groups.push(columns);
    }
  }
  const met = new Map<string, Map<string, SourceColumn>>();
  for (let grown = true; grown;) {
    grown = false;
    for (const group of groups) {
      const all = group.flatMap((column) => [column, ...(met.get(columnKey(column))?.values() ?? [])]);
      for (const column of group.filter(({ relation }) => isBeside(relation))) {
        const known = met.get(columnKey(column)) ?? new Map<string, SourceColumn>();
        met.set(columnKey(column), known);
        for (const other of all) if (!known.has(columnKey(other))) { known.set(columnKey(other), other); grown = true; }
      }
    }
  }
  return new Map([...met].map(([key, columns]) => [key, [...columns.values()]]));
}
