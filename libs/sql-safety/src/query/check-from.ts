import type { Expr, QueryFrom } from '@agent-etl/contracts';
import { commonType, text } from '../check/type-rules.ts';
import { noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';
import { builtValue } from './check-value.ts';
import type { CheckedFrom, CheckedSlot, CheckedValue, Output } from './checked.ts';
import type { Checking, Ctes, Opened, Place } from './checking.ts';
import { relationKey } from './policy.ts';
import type { Scope, ScopeColumn, ScopeRelation } from './scope.ts';

export interface Around { readonly scope: Scope | null; readonly ctes: Ctes; readonly depth: number }
type Table = Extract<QueryFrom, { k: 'table' }>;
type Join = Extract<QueryFrom, { k: 'join' }>;

/** Resolves a FROM: relations of the schema, CTEs in scope, queries and joins; nothing else is a relation.
 * @throws Refusal */
export function checkFrom(checking: Checking, from: QueryFrom, around: Around): Opened {
  switch (from.k) {
    case 'table': return table(checking, from, around);
    case 'query': {
      checking.allow('subquery', 'query inside a query');
      const query = checking.parts.query(from.query, { ...around, depth: around.depth + 1 });
      const alias = checking.aliases.give(from.as);
      return opened({ k: 'query', query, alias }, { names: [from.as], columns: derived(query.outputs, { alias, around }) }, from.columns);
    }
    case 'values': return rows(checking, from, around);
    case 'join': return join(checking, from, around);
  }
}

function table(checking: Checking, { name, as, columns, at }: Table, around: Around): Opened {
  checking.spend('relations');
  const [only] = name;
  const cte = name.length === 1 ? around.ctes.get(only!.toLowerCase()) : undefined;
  const alias = checking.aliases.give(as ?? name.at(-1)!);
  if (cte) return opened({ k: 'cte', name: cte.name, alias }, { names: [as ?? only!], columns: derived(cte.outputs, { alias, around }) }, columns);
  const [relation, second] = checking.relationsOf(name);
  if (second) throw new Refusal('SQL_RELATION', 'Several relations have this name; name the schema before it', at ?? null);
  if (!relation) throw noRelation(checking, { name, at }, around);
  const key = relationKey(relation);
  checking.read(key, null);
  const seen = relation.columns.map(({ name: column, type, denied }): ScopeColumn => ({
    name: column, slot: { k: 'column', alias, name: column, depth: around.depth, type, origins: [{ relation: key, column }], clear: [{ relation: key, column }], how: 'copied', key: `${alias}.${column}` }, ...(denied ? { denied } : {}),
  }));
  return opened({ k: 'table', parts: relation.parts, alias }, { names: as === null ? [name.at(-1)!, name.slice(-2).join('.'), key] : [as], columns: seen }, columns);
}
function noRelation(checking: Checking, { name, at }: Pick<Table, 'name' | 'at'>, { ctes }: Around): Refusal {
  const [only, ...rest] = name;
  return noSuch('relation', name.join('.'), { known: [...checking.keys(), ...(rest.length ? [] : [...checking.schema.map(({ parts }) => parts.at(-1)!), ...ctes.keys()])], offset: at ?? null });
}
function derived(outputs: readonly Output[], { alias, around }: { readonly alias: string; readonly around: Around }): ScopeColumn[] {
  return outputs.map(({ name, type, origins, clear, how }) => ({ name, slot: { k: 'column', alias, name, depth: around.depth, type, origins, clear, how, key: `${alias}.${name}` } }));
}
/** @param names new names of the columns, from the first */
function opened(from: CheckedFrom, { names, columns }: { readonly names: readonly (string | null)[]; readonly columns: readonly ScopeColumn[] }, renamed: readonly string[]): Opened {
  if (renamed.length > columns.length) throw new Refusal('SQL_ARITY', 'More names than columns');
  const visible = columns.map((column, index) => (renamed[index] === undefined ? column : { ...column, name: renamed[index] }));
  return { from, relations: [{ names: names.flatMap((name) => (name === null ? [] : [name.toLowerCase()])), columns: visible }], visible, presences: [] };
}

function rows(checking: Checking, { rows: given, as, columns }: Extract<QueryFrom, { k: 'values' }>, around: Around): Opened {
  const width = given[0]?.length ?? 0;
  if (given.some((row) => row.length !== width)) throw new Refusal('SQL_ARITY', 'Every row of VALUES has as many values');
  const place: Place = { scope: { relations: [], visible: [], parent: around.scope, depth: around.depth }, ctes: around.ctes, aliases: new Map(), opened: [], aggregates: false, windows: false };
  const raw = given.map((row) => row.map((cell) => checking.parts.value(cell, place)));
  const types = Array.from({ length: width }, (_, column) => raw.flatMap((row) => (row[column]!.isNull ? [] : [row[column]!.type])).reduce<CheckedValue['type'] | null>((common, type) => (common ? commonType(common, type) : type), null) ?? text);
  const cells = given.map((row) => row.map((cell, column) => checking.parts.value(cell, place, types[column])));
  const alias = checking.aliases.give(as);
  const names = types.map((_, column) => `col${column}`);
  const outputs = types.map((type, column): Output => ({ name: names[column]!, type, origins: [], clear: [], how: 'computed', isNull: false }));
  return opened({ k: 'values', rows: cells, names, alias }, { names: [as], columns: derived(outputs, { alias, around }) }, columns);
}

const EQUAL: Expr = { k: 'bin', op: '=', l: { k: 'col', name: '$0' }, r: { k: 'col', name: '$1' } };
const both = (slots: readonly CheckedSlot[]): Expr => {
  const pairs = Array.from({ length: slots.length / 2 }, (_, index): Expr => ({ ...EQUAL, l: { k: 'col', name: `$${index * 2}` }, r: { k: 'col', name: `$${index * 2 + 1}` } }));
  return pairs.length === 1 ? pairs[0]! : { k: 'and', es: pairs };
};
function join(checking: Checking, { kind, left, right, on, using, natural }: Join, around: Around): Opened {
  checking.spend('joins');
  const [l, r] = [checking.parts.from(left, around), checking.parts.from(right, around)];
  const shared = natural ? l.visible.map(({ name }) => name).filter((name) => r.visible.some((column) => column.name.toLowerCase() === name.toLowerCase())) : using;
  if (shared.length !== new Set(shared.map((name) => name.toLowerCase())).size) throw new Refusal('SQL_COLUMN', 'USING names a column once');
  const pairs = shared.map((name) => ({ name, l: sideOf(l, name), r: sideOf(r, name) }));
  for (const { l: a, r: b } of pairs) for (const { slot } of [a, b]) for (const { relation, column } of slot.origins) checking.read(relation, column);
  const relations: readonly ScopeRelation[] = [...l.relations, ...r.relations];
  const scope: Scope = { relations, visible: [...l.visible, ...r.visible], parent: around.scope, depth: around.depth };
  const place: Place = { scope, ctes: around.ctes, aliases: new Map(), opened: [], aggregates: false, windows: false };
  const slots = pairs.flatMap((pair) => [pair.l.slot, pair.r.slot]);
  const condition = on ? checking.parts.value(on, place, { kind: 'bool' }) : slots.length ? builtValue(checking, both(slots), { slots, expect: { kind: 'bool' } }) : null;
  if (r.presences.length || (l.presences.length && kind !== 'inner' && kind !== 'left' && kind !== 'cross' && kind !== 'semi' && kind !== 'anti')) throw new Refusal('SQL_NODE', 'A semi or anti join stands at the left of other joins only');
  if (kind === 'semi' || kind === 'anti') return presence(l, r, { condition, neg: kind === 'anti' });
  if (condition === null && kind !== 'cross' && !(kind === 'inner' && natural)) throw new Refusal('SQL_KEY', 'A join needs ON or USING');
  const how = condition === null ? 'cross' : kind === 'cross' ? 'inner' : kind;
  const rest = (side: Opened): ScopeColumn[] => side.visible.filter(({ name }) => !shared.some((each) => each.toLowerCase() === name.toLowerCase()));
  const merged = pairs.map(({ name, l: a, r: b }): ScopeColumn => (kind === 'right' ? { ...b, name: b.name } : kind === 'full' ? { name, slot: either(checking, a.slot, b.slot) } : a));
  return { from: { k: 'join', kind: how, left: l.from, right: r.from, on: condition }, relations, visible: [...merged, ...rest(l), ...rest(r)], presences: l.presences };
}
function presence(l: Opened, r: Opened, { condition, neg }: { readonly condition: CheckedValue | null; readonly neg: boolean }): Opened {
  if (!condition) throw new Refusal('SQL_KEY', 'A join needs ON or USING');
  return { ...l, presences: [...l.presences, { neg, from: r.from, on: condition }] };
}
function sideOf({ visible }: Opened, name: string): ScopeColumn {
  const [only, second] = visible.filter((column) => column.name.toLowerCase() === name.toLowerCase());
  if (second) throw new Refusal('SQL_COLUMN', 'USING names a column that one side has twice');
  if (!only) throw noSuch('column', name, { known: visible.map((column) => column.name), where: 'at one side of USING' });
  if (only.denied) throw new Refusal('SQL_POLICY', 'The policy forbids to read this column');
  return only;
}
/** What USING shows of a full join: the side that is there. */
function either(checking: Checking, l: CheckedSlot, r: CheckedSlot): CheckedSlot {
  const value = builtValue(checking, { k: 'call', fn: 'coalesce', args: [{ k: 'col', name: '$0' }, { k: 'col', name: '$1' }] }, { slots: [l, r] });
  return { k: 'value', value, type: value.type, origins: value.origins, clear: value.clear, how: value.how, key: value.key };
}
