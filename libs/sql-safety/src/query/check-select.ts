import type { Query, QueryBody, QueryItem, QueryOrder, QueryValue } from '@agent-etl/contracts';
import { bool, isSortable, valuesOf } from '../check/type-rules.ts';
import { noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';
import { builtValue } from './check-value.ts';
import type { CheckedQuery, CheckedSelect, CheckedValue, Output, RowOrder } from './checked.ts';
import type { Around } from './check-from.ts';
import type { Checking, Opened, Place, Ties } from './checking.ts';
import { assertCovered, hasAggregate } from './covered.ts';
import { uniqueNames } from './names.ts';
import { tieKeys } from './settled.ts';
import { type Scope, type ScopeColumn, noColumn, relationsNamed } from './scope.ts';

type Select = Extract<QueryBody, { k: 'select' }>;
interface Named { readonly value: CheckedValue; readonly name: string }
type Done = Pick<CheckedQuery, 'body' | 'outputs' | 'order'>;

/** Resolves and types a SELECT with the order behind it.
 * @throws Refusal */
export function checkSelect(checking: Checking, { body, order }: { readonly body: Select; readonly order: Query['order'] }, around: Around): Done {
  const opened: Opened = body.from ? checking.parts.from(body.from, around) : { from: { k: 'values', rows: [], names: [], alias: '' }, relations: [], visible: [], presences: [] };
  const scope: Scope = { relations: opened.relations, visible: opened.visible, parent: around.scope, depth: around.depth };
  const aliases = new Map(body.items.flatMap((item): [string, QueryValue][] => (item.k === 'value' && item.as !== null ? [[item.as.toLowerCase(), item.value]] : [])));
  const rowwise: Place = { scope, ctes: around.ctes, aliases, opened: [], aggregates: false, windows: false };
  const grouped: Place = { ...rowwise, aggregates: true };
  const ties: Ties = { asked: false, of: [] };
  const shown: Place = { ...grouped, windows: true, ties };
  const value = (given: QueryValue | null, place: Place): CheckedValue | null => given && checking.parts.value(given, place, bool);
  const where = value(body.where, rowwise);
  const items = body.items.flatMap((item) => itemsOf(checking, item, { ...shown, aliases: withoutItself(aliases, item) }));
  if (items.length > checking.policy.limits.columns) throw new Refusal('SQL_LIMIT', `A query has at most ${checking.policy.limits.columns} columns`);
  const keys = keysOf(checking, body, { items, place: rowwise });
  const select: CheckedSelect = {
    k: 'select', distinct: body.distinct, distinctOn: body.distinctOn.map((each) => keyAt(checking, each, { items, place: shown })), items: items.map((item) => item.value), from: body.from ? opened.from : null, presences: opened.presences,
    where, keys, sets: setsOf(body), having: value(body.having, grouped), qualify: value(body.qualify, shown),
  };
  const orders = order.map((each) => orderOf(checking, each, { items, place: shown, depth: around.depth }));
  if (ties.asked) ties.of = tieKeys(tiesOf(checking, { select, isGrouped: body.group !== null, visible: opened.visible }));
  assertGrouped(select, { orders, isGrouped: body.group !== null, depth: around.depth });
  assertDistinct(select, orders);
  const names = uniqueNames(items.map(({ name }) => name));
  return { body: select, order: orders, outputs: items.map(({ value: { type, origins, clear, how, isNull } }, index): Output => ({ name: names[index]!, type, origins, clear, how, isNull })) };
}
/** Rows are told apart by all that is seen of them, and groups by their keys. */
function tiesOf(checking: Checking, { select: { keys, sets, items, having }, isGrouped, visible }: { readonly select: CheckedSelect; readonly isGrouped: boolean; readonly visible: readonly ScopeColumn[] }): readonly CheckedValue[] {
  if (sets.length) throw new Refusal('STEP_ORDER_NOT_TOTAL', 'Behind grouping sets rows are not told apart by their keys; put the window into a query around');
  return isGrouped || having || items.some(hasAggregate) ? keys : visible.map((column) => passing(checking, column));
}
/** The value of an item does not mean itself. */
function withoutItself(aliases: Place['aliases'], item: QueryItem): Place['aliases'] {
  if (item.k !== 'value' || item.as === null) return aliases;
  return new Map([...aliases].filter(([name]) => name !== item.as!.toLowerCase()));
}

function itemsOf(checking: Checking, item: QueryItem, place: Place): Named[] {
  if (item.k === 'star') return starOf(checking, item, place);
  const value = checking.parts.value(item.value, place);
  return [{ value, name: item.as ?? nameOf(item.value) }];
}
const nameOf = ({ expr, uses }: QueryValue): string => {
  if (expr.k === 'cast') return nameOf({ expr: expr.e, uses });
  if (expr.k === 'call') return expr.fn;
  const use = expr.k === 'col' ? uses[Number(expr.name.slice(1))] : undefined;
  return use?.k === 'column' ? use.name : use?.k === 'aggregate' || use?.k === 'window' ? use.fn : expr.k === 'case' ? 'case' : 'value';
};
function starOf(checking: Checking, { rel, except, replace }: Extract<QueryItem, { k: 'star' }>, place: Place): Named[] {
  checking.allow('star', 'star');
  const [relation, second] = rel === null ? [] : relationsNamed(place.scope, rel);
  if (second) throw new Refusal('SQL_RELATION', 'Several relations before the star have this name; give them aliases');
  if (rel !== null && !relation) throw noSuch('relation', rel, { known: place.scope.relations.flatMap(({ names: [name] }) => (name === undefined ? [] : [name])), where: 'before the star here' });
  const columns = relation ? relation.columns : place.scope.visible;
  if (!columns.length) throw new Refusal('SQL_KEY', 'The star needs a relation');
  const left = new Set(except.map((name) => name.toLowerCase()));
  const other = new Map(replace.map(({ name, value }) => [name.toLowerCase(), value]));
  for (const name of [...left, ...other.keys()]) if (!columns.some((column) => column.name.toLowerCase() === name)) throw noColumn(name, columns);
  return columns.filter(({ name }) => !left.has(name.toLowerCase())).map((column) => {
    const replaced = other.get(column.name.toLowerCase());
    return { name: column.name, value: replaced ? checking.parts.value(replaced, place) : passing(checking, column) };
  });
}
function passing(checking: Checking, { name, slot, denied }: ScopeColumn): CheckedValue {
  if (denied) throw new Refusal('SQL_POLICY', `The star would read a column that the policy forbids (${name}); name the columns`);
  for (const { relation, column } of slot.origins) checking.read(relation, column);
  return builtValue(checking, { k: 'col', name: '$0' }, { slots: [slot] });
}

interface Among { readonly items: readonly Named[]; readonly place: Place }
/** A key by its number, by the name of a column, or as a value. */
function keyAt(checking: Checking, key: QueryValue, { items, place }: Among): CheckedValue {
  const at = placeAmong(key, items.length);
  return at === null ? checking.parts.value(key, { ...place, isKey: key.expr.k === 'col' }) : items[at]!.value;
}
function placeAmong({ expr }: QueryValue, count: number): number | null {
  if (expr.k !== 'lit' || (expr.t.kind !== 'i32' && expr.t.kind !== 'i64')) return null;
  const at = Number(expr.v) - 1;
  if (!(at >= 0 && at < count)) throw new Refusal('SQL_COLUMN', 'There is no column of this number');
  return at;
}
function keysOf(checking: Checking, { group }: Select, among: Among): readonly CheckedValue[] {
  if (!group) return [];
  const keys = group.all ? among.items.map(({ value }) => value).filter((value) => !hasAggregate(value) && value.value.expr.k !== 'lit') : group.by.map((key) => keyAt(checking, key, among));
  for (const key of keys) {
    if (hasAggregate(key)) throw new Refusal('SQL_AGGREGATE_PLACE', 'A key of groups holds no aggregate');
    if (!isSortable(key.type)) throw new Refusal('SQL_TYPE', valuesOf(key.type, 'are not told apart'));
  }
  return keys;
}
/** One set of all keys is a plain GROUP BY; one set of none is a single group, which there is also of no rows. */
function setsOf({ group }: Select): readonly (readonly number[])[] {
  if (!group || group.all) return [];
  const [only] = group.sets;
  const isPlain = group.sets.length < 2 && (only === undefined || (only.length > 0 && only.length === group.by.length));
  return isPlain ? [] : group.sets;
}

function orderOf(checking: Checking, { e, dir, nulls }: QueryOrder, { items, place }: Among & { readonly depth: number }): RowOrder {
  const at = placeAmong(e, items.length) ?? outputNamed(e, items);
  const value = at === null ? checking.parts.value(e, place) : items[at]!.value;
  if (!isSortable(value.type)) throw new Refusal('SQL_TYPE', valuesOf(value.type, 'have no order'));
  const same = at ?? items.findIndex((item) => item.value.key === value.key);
  return { by: same >= 0 ? { output: same } : { value }, dir, nulls, type: value.type };
}
/** A name alone is first that of a column of the result. */
function outputNamed({ expr, uses }: QueryValue, items: readonly Named[]): number | null {
  const use = expr.k === 'col' ? uses[Number(expr.name.slice(1))] : undefined;
  if (use?.k !== 'column' || use.rel !== null) return null;
  const at = items.findIndex(({ name }) => name.toLowerCase() === use.name.toLowerCase());
  return at < 0 ? null : at;
}

function assertGrouped({ items, keys, having, qualify, distinctOn }: CheckedSelect, { orders, isGrouped, depth }: { readonly orders: readonly RowOrder[]; readonly isGrouped: boolean; readonly depth: number }): void {
  const beside = orders.flatMap(({ by }) => ('value' in by ? [by.value] : []));
  const values = [...items, ...beside, ...distinctOn, ...(qualify ? [qualify] : [])];
  if (!isGrouped && !having && !values.some(hasAggregate)) return;
  const known = new Set(keys.map(({ key }) => key));
  for (const value of [...values, ...(having ? [having] : [])]) assertCovered(value, known, depth);
}
function assertDistinct({ distinct, distinctOn, items }: CheckedSelect, orders: readonly RowOrder[]): void {
  if (distinct && orders.some(({ by }) => 'value' in by)) throw new Refusal('SQL_KEY', 'Behind DISTINCT the order is by columns of the result');
  for (const { type } of distinct ? items : distinctOn) if (!isSortable(type)) throw new Refusal('SQL_TYPE', valuesOf(type, 'are not told apart'));
}
