import type { ColumnType, Expr, QueryOrder, QueryUse, QueryValue } from '@agent-etl/contracts';
import { typeExpression } from '../check/check-expression.ts';
import { isSortable, text, valuesOf } from '../check/type-rules.ts';
import { noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';
import { isWindowFunction, takesFrame, typeAggregate, typeWindow } from '../registry/aggregates.ts';
import { clockNamed } from '../registry/clocks.ts';
import { type CheckedSlot, type CheckedValue, type SortKey, clearOf, keyOf, mostChanged, originsOf } from './checked.ts';
import type { Checking, Place } from './checking.ts';
import { readBy } from './read-by.ts';
import { assertSettled, looksAtTies } from './settled.ts';
import { type Scope, allVisible, columnIn, noColumn, relationsNamed } from './scope.ts';

/** Resolves what a value uses, types it, and says where it comes from.
 * @throws Refusal */
export function checkValue(checking: Checking, { expr, uses }: QueryValue, { place, expect }: { readonly place: Place; readonly expect?: ColumnType | undefined }): CheckedValue {
  checking.spend('nodes', 1 + uses.length);
  const slots = uses.map((use) => placed(use, () => slotOf(checking, use, place)));
  const at = uses.flatMap((use) => (use.k === 'column' && use.at !== undefined ? [use.at] : []));
  return told(at.length ? Math.min(...at) : undefined, () => builtValue(checking, expr, { slots, expect }));
}
/** A value over slots that are checked already. */
export function builtValue(checking: Checking, expr: Expr, { slots, expect }: { readonly slots: readonly CheckedSlot[]; readonly expect?: ColumnType | undefined }): CheckedValue {
  const isNull = expr.k === 'lit' && expr.v === null && expr.t.kind === 'other';
  const input = new Map(slots.map((slot, index) => [`$${index}`, slot.type]));
  const value = typeExpression(isNull ? { k: 'lit', t: expect ?? text, v: null } : expr, { input, ...(expect && !isNull ? { expect } : {}) });
  calls(expr, checking.functions);
  const used = slots.length === 1 || value.columns.size === slots.length ? slots : slots.filter((_, index) => value.columns.has(`$${index}`));
  let key: string | undefined;
  const how = expr.k === 'col' && slots.length === 1 ? slots[0]!.how : mostChanged(used.map((slot) => slot.how), 'computed');
  return { value, slots, isNull, type: value.type, origins: originsOf(used), clear: clearOf(used), how, get key() { return (key ??= meaning(value.expr, slots)); } };
}
/** A name for a value means the value. */
function meaning(expr: Expr, slots: readonly CheckedSlot[]): string {
  const [only] = slots;
  return expr.k === 'col' && only?.k === 'value' && slots.length === 1 ? only.value.key : keyOf(expr, slots);
}
/** A refusal without a place gets that of the part it is about. */
const placed = <T>(use: QueryUse, work: () => T): T => told(use.k === 'column' ? use.at : undefined, work);
function told<T>(at: number | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal && error.offset === null && at !== undefined) throw new Refusal(error.code, error.message, at);
    throw error;
  }
}
function calls(expr: unknown, into: Set<string>): void {
  if (typeof expr !== 'object' || expr === null) return;
  if ('k' in expr && expr.k === 'call' && 'fn' in expr && typeof expr.fn === 'string') into.add(expr.fn);
  for (const child of Object.values(expr)) calls(child, into);
}

function slotOf(checking: Checking, use: QueryUse, place: Place): CheckedSlot {
  switch (use.k) {
    case 'column': return column(checking, use, place);
    case 'aggregate': return aggregate(checking, use, place);
    case 'window': return windowed(checking, use, place);
    case 'scalar': case 'exists': case 'in': return nested(checking, use, place);
    case 'grouping': {
      if (!place.aggregates) throw new Refusal('SQL_AGGREGATE_PLACE', 'grouping stands where groups are seen: in the columns, HAVING or ORDER BY');
      const of = checking.parts.value(use.of, place);
      return { k: 'grouping', of, type: { kind: 'i32' }, origins: [], clear: [], how: 'computed', key: `grouping(${of.key})` };
    }
    case 'clock': checking.allow('clock', 'time of the run'); return { k: 'clock', is: use.is, type: { kind: use.is }, origins: [], clear: [], how: 'computed', key: use.is === 'date' ? 'today' : 'now' };
  }
}

function column(checking: Checking, { rel, name }: Extract<QueryUse, { k: 'column' }>, place: Place): CheckedSlot {
  const { scope, aliases, opened } = place;
  const alias = rel === null ? aliases.get(name.toLowerCase()) : undefined;
  // A column of this query comes before an alias, and an alias before a column of the query around.
  const own = columnIn(alias ? { ...scope, parent: null } : scope, rel, name);
  if (own) return found(checking, own.slot);
  if (alias && !opened.includes(name.toLowerCase())) {
    if (!place.isKey && scope.parent && columnAround(scope.parent, name)) throw new Refusal('SQL_COLUMN', 'This is an alias, and a column of the query around: dialects mean one or the other; write the value, or the relation before the name');
    const value = checking.parts.value(alias, { ...place, isKey: false, opened: [...opened, name.toLowerCase()] });
    return { k: 'value', value, type: value.type, origins: value.origins, clear: value.clear, how: value.how, key: value.key };
  }
  for (let around = scope.parent; around; around = around.parent) {
    const outer = columnIn({ ...around, parent: null }, rel, name);
    if (outer) return found(checking, outer.slot);
  }
  if (rel !== null) throw noSuch('relation', rel, { known: namesBefore(scope), where: 'before the dot here' });
  const clock = clockNamed(name);
  if (clock) return slotOf(checking, { k: 'clock', is: clock }, place);
  if (relationsNamed(scope, name).length) throw new Refusal('SQL_COLUMN', 'This is a relation, and its name alone would be a whole row: name a column');
  throw noColumn(name, allVisible(scope));
}
/** Names that may stand before a dot, from the inside out. */
const namesBefore = (scope: Scope | null): string[] => (scope ? [...scope.relations.flatMap(({ names: [name] }) => (name === undefined ? [] : [name])), ...namesBefore(scope.parent)] : []);
function columnAround(scope: Scope, name: string): boolean {
  return scope.visible.some((column) => column.name.toLowerCase() === name.toLowerCase()) || (scope.parent !== null && columnAround(scope.parent, name));
}
function found(checking: Checking, slot: CheckedSlot): CheckedSlot {
  if (slot.k === 'column' || slot.k === 'value') for (const { relation, column: name } of slot.origins) checking.read(relation, name);
  return slot;
}

/** A number that tells how many there are, and of none what it says. */
const isCount = (fn: string): boolean => fn === 'count' || fn === 'count_if';

function aggregate(checking: Checking, use: Extract<QueryUse, { k: 'aggregate' }>, place: Place): CheckedSlot {
  if (!place.aggregates) throw new Refusal('SQL_AGGREGATE_PLACE', `${use.fn} stands where groups are seen: in the columns, HAVING or ORDER BY, and not inside another aggregate`);
  const inner: Place = { ...place, aggregates: false, windows: false };
  const { args, type } = typedArgs(checking, use, inner);
  if (use.distinct && args.length !== 1 && use.fn !== 'string_agg') throw new Refusal('SQL_ARITY', 'DISTINCT stands before one argument');
  const given = sorted(checking, use.order, inner);
  const isTied = checking.policy.settled && use.fn === 'string_agg' && given.length > 0 && given.every(({ e }) => e.key !== args[0]?.key);
  const order: SortKey[] = isTied ? [...given, { e: args[0]!, dir: 'asc', nulls: 'last' }] : given;
  if (order.length && use.fn !== 'string_agg') throw new Refusal('SQL_KEY', 'ORDER BY inside a call is for string_agg only');
  if (use.distinct && order.some(({ e }) => e.key !== args[0]?.key)) throw new Refusal('SQL_KEY', 'string_agg(DISTINCT x) is ordered by x only');
  const where = use.where && checking.parts.value(use.where, inner, { kind: 'bool' });
  const key = (): string => JSON.stringify(['agg', use.fn, use.distinct, args.map((arg) => arg.key), order.map(({ e, dir, nulls }) => [e.key, dir, nulls]), where?.key]);
  return { k: 'aggregate', fn: use.fn, args, distinct: use.distinct, order, where, type, origins: originsOf([...args, ...(where ? [where] : [])]), clear: isCount(use.fn) ? [] : clearOf(args), how: 'aggregated', get key() { return key(); } };
}
function typedArgs(checking: Checking, { fn, args: given }: Pick<Extract<QueryUse, { k: 'aggregate' }>, 'fn' | 'args'>, place: Place): { readonly args: readonly CheckedValue[]; readonly type: ColumnType } {
  checking.functions.add(fn);
  if (checking.policy.settled) assertSettled(fn);
  const raw = given.map((arg) => checking.parts.value(arg, place));
  const { wanted, type } = typeAggregate(fn, raw.map((arg) => arg.type));
  if ((fn === 'sum' || fn === 'avg') && raw[0]?.type.kind === 'f64') {
    if (!checking.policy.inexactSums) throw new Refusal('SQL_TYPE', `${fn} of doubles depends on the order of rows; cast to a decimal first, such as cast(x as decimal(18,4))`);
    checking.notes.add(`${fn} of doubles depends on the order of rows: its last digits may differ between engines`);
  }
  const args = raw.map((arg, index) => (wanted[index] ? checking.parts.value(given[index]!, place, wanted[index]) : arg));
  if (fn === 'string_agg' || fn.startsWith('percentile')) constantArg(args[1]);
  if (fn.startsWith('percentile')) fractionOf(args[1]);
  return { args, type };
}
function constantArg(arg: CheckedValue | undefined): void {
  if (arg?.value.expr.k !== 'lit' || arg.value.expr.v === null) throw new Refusal('SQL_LITERAL', 'This must be written out');
}
function fractionOf(arg: CheckedValue | undefined): void {
  const n = arg?.value.expr.k === 'lit' ? Number(arg.value.expr.v) : Number.NaN;
  if (!(n >= 0 && n <= 1)) throw new Refusal('SQL_LITERAL', 'A fraction is from 0 to 1');
}
function sorted(checking: Checking, order: readonly QueryOrder[], place: Place): SortKey[] {
  return order.map(({ e, dir, nulls }) => {
    const value = checking.parts.value(e, place);
    if (!isSortable(value.type)) throw new Refusal('SQL_TYPE', valuesOf(value.type, 'have no order'));
    return { e: value, dir, nulls };
  });
}

function windowed(checking: Checking, use: Extract<QueryUse, { k: 'window' }>, place: Place): CheckedSlot {
  checking.allow('window', 'OVER');
  if (!place.windows) throw new Refusal('SQL_AGGREGATE_PLACE', 'OVER stands in the columns, QUALIFY or ORDER BY, and not inside another function');
  const inner: Place = { ...place, windows: false };
  const { fn } = use;
  const { args, type } = isWindowFunction(fn) ? ranked(checking, { fn, args: use.args }, inner) : typedArgs(checking, { fn, args: use.args }, inner);
  if (fn === 'string_agg' || fn === 'median' || fn.startsWith('percentile') || fn === 'max_by' || fn === 'min_by') throw new Refusal('SQL_FUNCTION', `${fn} with OVER is not in every engine`);
  const [partition, asked] = [use.partition.map((key) => checking.parts.value(key, inner)), sorted(checking, use.order, inner)];
  if (isWindowFunction(fn) && !asked.length) throw new Refusal('SQL_KEY', `${fn} needs ORDER BY in its OVER`);
  if (use.where && isWindowFunction(fn)) throw new Refusal('SQL_KEY', 'FILTER is for aggregates');
  const where = use.where && checking.parts.value(use.where, inner, { kind: 'bool' });
  const frame = takesFrame(fn) ? use.frame : null;
  const ties = checking.policy.settled && looksAtTies(fn, frame) ? place.ties : undefined;
  if (ties) ties.asked = true;
  const order = (): readonly SortKey[] => [...asked, ...(ties?.of ?? [])];
  const key = (): string => JSON.stringify(['win', fn, args.map((arg) => arg.key), partition.map((arg) => arg.key), asked.map(({ e, dir, nulls }) => [e.key, dir, nulls]), frame, where?.key]);
  return { k: 'window', fn, args, partition, get order() { return order(); }, frame, where, type, origins: originsOf([...args, ...partition, ...asked.map(({ e }) => e)]), clear: isCount(fn) ? [] : clearOf(args), how: mostChanged([...args, ...asked.map(({ e }) => e)].map(({ how }) => how), 'windowed'), get key() { return key(); } };
}
function ranked(checking: Checking, { fn, args: given }: { readonly fn: Parameters<typeof typeWindow>[0]; readonly args: readonly QueryValue[] }, place: Place): { readonly args: readonly CheckedValue[]; readonly type: ColumnType } {
  checking.functions.add(fn);
  const raw = given.map((arg) => checking.parts.value(arg, place));
  const type = typeWindow(fn, raw.map((arg) => arg.type));
  const counts = fn === 'ntile' ? [0] : fn === 'lag' || fn === 'lead' || fn === 'nth_value' ? [1] : [];
  const args = raw.map((arg, index) => {
    if (counts.includes(index)) wholeOf(arg, fn === 'lag' || fn === 'lead' ? 0 : 1);
    return index === 2 ? checking.parts.value(given[index]!, place, type) : arg;
  });
  return { args, type };
}
function wholeOf({ value: { expr } }: CheckedValue, least: number): void {
  const n = expr.k === 'lit' && /^\d{1,6}$/.test(expr.v ?? '') ? Number(expr.v) : -1;
  if (n < least) throw new Refusal('SQL_LITERAL', `A whole number from ${least} is needed here, written out`);
}

function nested(checking: Checking, use: Extract<QueryUse, { k: 'scalar' | 'exists' | 'in' }>, { scope, ctes, ...place }: Place): CheckedSlot {
  checking.allow('subquery', 'query inside a query');
  const query = checking.parts.query(use.query, { scope, ctes, depth: scope.depth + 1 });
  // What a query inside reads decides what it answers, whatever it shows.
  const traced = { origins: originsOf(query.outputs), clear: readBy(query), how: 'computed' as const };
  const [only, second] = query.outputs;
  if (use.k === 'exists') return { k: 'exists', query, type: { kind: 'bool' }, ...traced, key: `exists(${uniqueKey(query)})` };
  if (!only || second) throw new Refusal('SQL_ARITY', 'A query that is a value has one column');
  if (use.k === 'scalar') return { k: 'scalar', query, type: only.type, ...traced, key: `scalar(${uniqueKey(query)})` };
  const e = checking.parts.value(use.e, { scope, ctes, ...place });
  // Compared as one type: the check of an equality says whether there is one.
  builtValue(checking, { k: 'bin', op: '=', l: { k: 'col', name: '$0' }, r: { k: 'col', name: '$1' } }, { slots: [{ k: 'value', value: e, type: e.type, origins: [], clear: [], how: 'computed', key: 'l' }, { k: 'scalar', query, type: only.type, ...traced, key: 'r' }] });
  return { k: 'in', e, query, type: { kind: 'bool' }, origins: originsOf([e, ...query.outputs]), clear: clearOf([e, traced]), how: 'computed', key: `in(${e.key},${uniqueKey(query)})` };
}
const keys = new WeakMap<object, number>();
let lastKey = 0;
/** Two queries inside never count as one. */
function uniqueKey(query: object): number {
  const known = keys.get(query) ?? (lastKey += 1);
  keys.set(query, known);
  return known;
}
