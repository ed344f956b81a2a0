import { type ColumnType, Query, type QueryBody, type QueryOrder } from '@agent-etl/contracts';
import { commonType, isSortable, text, valuesOf } from '../check/type-rules.ts';
import { noSuch } from '../no-such.ts';
import { notShaped } from '../not-shaped.ts';
import { Refusal } from '../refusal.ts';
import { type Around, checkFrom } from './check-from.ts';
import { checkSelect } from './check-select.ts';
import { checkValue } from './check-value.ts';
import { type CheckedQuery, type Output, type RowOrder, clearOf, mostChanged, originsOf } from './checked.ts';
import { Checking, type Ctes } from './checking.ts';
import { uniqueNames } from './names.ts';
import type { QueryPolicy, Schema } from './policy.ts';
import { assertChosen, totalOrder } from './settled.ts';
import { type ValidatedQuery, mintQuery } from './validated-query.ts';

/** Resolves every name of a query against the schema, types every node, expands stars, holds the policy and the limits, and says where each column comes from.
 * The answer is a tree of our own making: the only query that is printed. It does not survive storage: who reads a stored one checks it again.
 * @param query as it was lowered, or as JSON from anywhere
 * @throws Refusal */
export function checkQuery(query: unknown, { schema, policy }: { readonly schema: Schema; readonly policy: QueryPolicy }): ValidatedQuery {
  assertBounded(query, policy.limits.nodes);
  const checking = new Checking(schema, policy);
  checking.allow('query', 'query');
  const shaped = Query.safeParse(query);
  if (!shaped.success) throw notShaped(shaped.error, 'query');
  checking.parts = {
    value: (value, place, expect) => checkValue(checking, value, { place, expect }),
    from: (from, around) => checkFrom(checking, from, around),
    query: (inner, around) => anyQuery(checking, inner, around),
  };
  const checked = anyQuery(checking, shaped.data, { scope: null, ctes: new Map(), depth: 0 });
  if (checking.policy.settled) assertChosen(checked);
  return mintQuery(checked, checking);
}
/** Bounds a tree before anything walks it by recursion. */
function assertBounded(query: unknown, nodes: number): void {
  const open: [value: unknown, depth: number][] = [[query, 0]];
  let objects = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value !== 'object' || value === null) continue;
    objects += 1;
    if (objects > 12 * nodes) throw new Refusal('SQL_LIMIT', `A query has at most ${nodes} parts`);
    if (depth > 600) throw new Refusal('SQL_TOO_DEEP', 'The query is nested too deeply');
    for (const child of Object.values(value)) open.push([child, Array.isArray(value) ? depth : depth + 1]);
  }
}

function anyQuery(checking: Checking, query: Query, around: Around): CheckedQuery {
  if (around.depth > checking.policy.limits.nested) throw new Refusal('SQL_TOO_DEEP', `Queries are nested more than ${checking.policy.limits.nested} deep`);
  checking.spend('nodes');
  const { printed, ctes } = ctesOf(checking, query, around);
  const inner: Around = { ...around, ctes };
  const done = query.body.k === 'select' ? checkSelect(checking, { body: query.body, order: query.order }, inner) : setOperation(checking, { body: query.body, order: query.order }, inner);
  const chooses = query.limit !== null || query.offset !== null || (done.body.k === 'select' && done.body.distinctOn.length > 0);
  const order = checking.policy.settled && chooses ? totalOrder(done.order, done.outputs) : done.order;
  return { ctes: printed, ...done, order, casts: done.outputs.map(() => null), limit: query.limit, offset: query.offset };
}

/** Each CTE sees those before it, and its name holds for the query it belongs to, not beyond. */
function ctesOf(checking: Checking, { ctes }: Query, around: Around): { readonly printed: CheckedQuery['ctes']; readonly ctes: Ctes } {
  const known = new Map(around.ctes);
  const own = new Set<string>();
  const printed = ctes.map(({ name, columns, query }) => {
    checking.allow('cte', 'WITH');
    checking.spend('ctes');
    if (own.has(name.toLowerCase())) throw new Refusal('SQL_RELATION', 'Two queries of one WITH have one name');
    own.add(name.toLowerCase());
    const checked = renamed(anyQuery(checking, query, { ...around, ctes: new Map(known), depth: around.depth + 1 }), columns);
    const given = checking.names.give(name);
    known.set(name.toLowerCase(), { name: given, outputs: checked.outputs });
    return { name: given, query: checked };
  });
  return { printed, ctes: known };
}
function renamed(query: CheckedQuery, columns: readonly string[]): CheckedQuery {
  if (columns.length > query.outputs.length) throw new Refusal('SQL_ARITY', 'More names than columns');
  const names = uniqueNames(query.outputs.map(({ name }, index) => columns[index] ?? name));
  return { ...query, outputs: query.outputs.map((output, index) => ({ ...output, name: names[index]! })) };
}

function setOperation(checking: Checking, { body, order }: { readonly body: Extract<QueryBody, { k: 'set' }>; readonly order: readonly QueryOrder[] }, around: Around): Pick<CheckedQuery, 'body' | 'outputs' | 'order'> {
  checking.spend('sets');
  const [left, right] = [anyQuery(checking, body.left, { ...around, depth: around.depth + 1 }), anyQuery(checking, body.right, { ...around, depth: around.depth + 1 })];
  if (left.outputs.length !== right.outputs.length) throw new Refusal('SQL_ARITY', 'Both sides of a set operation have as many columns');
  const types = left.outputs.map((output, index) => oneType(output, right.outputs[index]!));
  if (!body.all) for (const type of types) if (!isSortable(type)) throw new Refusal('SQL_TYPE', valuesOf(type, 'are not told apart'));
  const outputs = left.outputs.map(({ name, ...l }, index): Output => {
    const r = right.outputs[index]!;
    return { name, type: types[index]!, origins: originsOf([l, r]), clear: clearOf([l, r]), how: mostChanged([l.how, r.how], 'copied'), isNull: l.isNull && r.isNull };
  });
  return { body: { k: 'set', op: body.op, all: body.all, left: coerced(left, types), right: coerced(right, types) }, outputs, order: order.map((each) => outputOrder(each, outputs)) };
}
function oneType(l: Output, r: Output): ColumnType {
  if (l.isNull || r.isNull) return l.isNull ? r.type : l.type;
  return sameType(l.type, r.type) ? l.type : commonType(l.type, r.type);
}
const sameType = (a: ColumnType, b: ColumnType): boolean => a.kind === b.kind && a.precision === b.precision && a.scale === b.scale;
/** The query with its columns in other types; what is a set operation itself is turned at its sides. */
function coerced(query: CheckedQuery, types: readonly ColumnType[]): CheckedQuery {
  const casts = query.outputs.map(({ type }, index) => (sameType(type, types[index]!) ? null : types[index]!));
  const outputs = query.outputs.map((output, index) => ({ ...output, type: types[index]! }));
  if (query.body.k === 'select') return { ...query, casts, outputs };
  return { ...query, outputs, body: { ...query.body, left: coerced(query.body.left, types), right: coerced(query.body.right, types) } };
}
function outputOrder({ e: { expr, uses }, dir, nulls }: QueryOrder, outputs: readonly Output[]): RowOrder {
  const use = expr.k === 'col' ? uses[Number(expr.name.slice(1))] : undefined;
  const at = expr.k === 'lit' && /^\d{1,4}$/.test(expr.v ?? '') ? Number(expr.v) - 1 : use?.k === 'column' && use.rel === null ? outputs.findIndex(({ name }) => name.toLowerCase() === use.name.toLowerCase()) : -1;
  const output = outputs[at];
  if (!output && use?.k === 'column') throw noSuch('column', use.name, { known: outputs.map(({ name }) => name), where: 'in the result of the set operation that is ordered', offset: use.at ?? null });
  if (!output) throw new Refusal('SQL_COLUMN', 'Behind a set operation the order is by columns of the result');
  if (!isSortable(output.type ?? text)) throw new Refusal('SQL_TYPE', valuesOf(output.type, 'have no order'));
  return { by: { output: at }, dir, nulls, type: output.type };
}
