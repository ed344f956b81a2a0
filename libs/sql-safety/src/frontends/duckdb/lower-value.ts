import type { Expr, QueryAggregate, QueryOrder, QueryUse, QueryValue } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';
import { aggregateNamed } from '../../registry/aggregates.ts';
import { clockNamed } from '../../registry/clocks.ts';
import { foreignFunctions } from './foreign-functions.ts';
import type { ForeignDialect } from './foreign-dialect.ts';
import { typeOfTree } from './lower-constant.ts';
import { type Go, type MoreReaders, call, expressionReaders, lowerNode, operator } from './lower-expression.ts';
import { intervalOf, shifted } from './lower-interval.ts';
import { windowOf } from './lower-window.ts';
import { expressionDecisions, operatorDecisions } from './node-decisions.ts';
import type { Inner, Reading } from './reading.ts';
import { type Json, type Tree, isList, isTree, listed, offsetOf, onlyKeys } from './tree.ts';

const common = { alias: '' };

/** Lowers the tree of a value: expressions as everywhere, and what only a query knows as uses.
 * @throws Refusal */
export function lowerValue(node: Json | undefined, reading: Reading): QueryValue {
  const uses: QueryUse[] = [];
  const use = (what: QueryUse): Expr => { uses.push(what); return { k: 'col', name: `$${uses.length - 1}` }; };
  const inner: Inner = { reading, use, value: (child) => lowerValue(child, reading), order: (child) => orderOf(child, reading) };
  return { expr: lowerNode(node, readersOf(inner)), uses };
}

const refusedNodes: MoreReaders = Object.fromEntries(Object.entries(expressionDecisions).flatMap(([name, decision]) => (decision === 'read' ? [] : [[name, (node: Tree): never => { throw new Refusal('SQL_NODE', decision.refused, offsetOf(node)); }]])));
function readersOf(inner: Inner): MoreReaders {
  const { use } = inner;
  return {
    ...refusedNodes,
    COLUMN_REF: (node) => use(columnOf(node)),
    CAST: (node, go) => castOf(node, go, inner.reading),
    CONSTANT: (node, go) => constantIn(expressionReaders['CONSTANT']!(node, go), node),
    FUNCTION: (node, go) => functionOf(node, go, inner),
    OPERATOR: (node, go) => operatorOf(node, go, inner),
    SUBQUERY: (node) => subqueryOf(node, inner),
    WINDOW: (node) => use(windowOf(node, inner)),
  };
}

function columnOf(node: Tree): QueryUse {
  const { column_names: names } = onlyKeys(node, { read: ['column_names'], plain: common });
  const parts = isList(names) ? names.filter((name) => typeof name === 'string') : [];
  const [name, rel = null, ...schema] = parts.toReversed();
  if (!isList(names) || parts.length !== names.length || name === undefined || schema.length > 1) throw new Refusal('SQL_COLUMN', 'A column has at most a schema and a relation before it', offsetOf(node));
  const at = offsetOf(node);
  return { k: 'column', rel: rel !== null && schema.length ? `${schema[0]}.${rel}` : rel, name, ...(at === null ? {} : { at }) };
}
function constantIn(constant: Expr, node: Tree): Expr {
  if (constant.k === 'lit' && constant.t.kind === 'text' && (constant.v ?? '').includes('\0')) throw new Refusal('SQL_LITERAL', 'A text with NUL is not supported', offsetOf(node));
  return constant;
}

/** The parser says decimal(18,3) of a bare numeric; PostgreSQL's keeps all digits, Spark's none after the point. */
const NUMERIC = { postgres: { kind: 'dec' }, spark: { kind: 'dec', precision: 10, scale: 0 } } as const;
function castOf(node: Tree, go: Go, { dialect, saysThousandths }: Reading): Expr {
  const { child, cast_type: to, try_cast: tries } = onlyKeys(node, { read: ['child', 'cast_type', 'try_cast'], plain: common });
  if (isTree(to) && to['id'] === 'INTERVAL') throw new Refusal('SQL_TYPE', 'An interval stands only behind + or - of a date or a time', offsetOf(node));
  const type = typeOfTree(to);
  const isBare = type.kind === 'dec' && type.precision === 18 && type.scale === 3 && !saysThousandths;
  return { k: 'cast', e: go(child), to: isBare && dialect !== 'duckdb' ? NUMERIC[dialect] : type, onError: tries === true ? 'null' : 'fail' };
}

function operatorOf(node: Tree, go: Go, { use, value }: Inner): Expr {
  const { type, children } = onlyKeys(node, { read: ['children'], plain: common });
  const decision = typeof type === 'string' && Object.hasOwn(operatorDecisions, type) ? operatorDecisions[type] : undefined;
  if (decision !== 'read') throw new Refusal('SQL_NODE', decision?.refused ?? 'This operator is not supported', offsetOf(node));
  if (type !== 'GROUPING_FUNCTION') return operator(node, listed(children).map(go));
  // grouping(a, b) is one number whose bits are the keys.
  const bits = listed(children).map((key) => use({ k: 'grouping', of: value(key) }));
  if (!bits.length) throw new Refusal('SQL_ARITY', 'grouping needs a key', offsetOf(node));
  return bits.reduce((sum, bit) => ({ k: 'bin', op: '+', l: { k: 'bin', op: '*', l: sum, r: { k: 'lit', t: { kind: 'i32' }, v: '2' } }, r: bit }));
}

function subqueryOf(node: Tree, { reading, use, value }: Inner): Expr {
  const { subquery_type: type, subquery, child, comparison_type: comparison } = onlyKeys(node, { read: ['subquery_type', 'subquery', 'child', 'comparison_type'], plain: common });
  const query = reading.query(subquery);
  if (type === 'SCALAR') return use({ k: 'scalar', query });
  if (type === 'EXISTS' || type === 'NOT_EXISTS') { const exists = use({ k: 'exists', query }); return type === 'EXISTS' ? exists : { k: 'not', e: exists }; }
  if (type !== 'ANY' || comparison !== 'COMPARE_EQUAL') throw new Refusal('SQL_NODE', 'ANY and ALL of a query are not supported: compare with its max or min', offsetOf(node));
  if (isTree(child) && child['class'] === 'FUNCTION' && child['function_name'] === 'row') throw new Refusal('SQL_NODE', 'Several columns IN a query are not supported: use EXISTS', offsetOf(node));
  return use({ k: 'in', e: value(child), query });
}

/** A call: an aggregate, what the dialect calls so, an operator between values, or a function of the registry. */
function functionOf(node: Tree, go: Go, inner: Inner): Expr {
  const { function_name: name, schema, is_operator: isOperator, children } = onlyKeys(node, { read: ['function_name', 'schema', 'children', 'is_operator', 'filter', 'order_bys', 'distinct'], plain: { ...common, export_state: false, catalog: '' } });
  const at = offsetOf(node);
  if (typeof name !== 'string' || (schema !== '' && schema !== 'main')) throw new Refusal('SQL_FUNCTION', 'A function has a name without a dot before it', at);
  if (isOperator === true) return operation(node, go, inner);
  const aggregate = aggregateNamed(name);
  if (aggregate) return inner.use(aggregateOf(node, aggregate, inner));
  if (clockNamed(name) !== null && isList(children) && children.length === 0) return inner.use({ k: 'column', rel: null, name, ...(at === null ? {} : { at }) });
  const { dialect, saysSimilar } = inner.reading;
  if (['~~', '!~~', '~~*', '!~~*'].includes(name)) return operation(node, go, inner);
  const rewrite = Object.hasOwn(foreignFunctions, name.toLowerCase()) ? foreignFunctions[name.toLowerCase()] : undefined;
  // Filter, order and DISTINCT belong to aggregates: `call` refuses them elsewhere.
  const plain = isTree(node['order_bys']) && isList(node['order_bys']['orders']) && node['order_bys']['orders'].length === 0 && node['filter'] === null && node['distinct'] === false;
  return (rewrite && plain ? rewrite({ args: listed(children).map(go), dialect, saysSimilar, at }) : null) ?? call(node, go);
}
function operation(node: Tree, go: Go, { reading: { dialect } }: Inner): Expr {
  const name = node['function_name'];
  const [l, r] = listed(node['children']);
  if ((name === '+' || name === '-') && r !== undefined) {
    const chosen = chosenInterval(node, go);
    if (chosen) return chosen;
    const [left, right] = [intervalOf(l, go), intervalOf(r, go)];
    if (right && !left) return shifted(go(l), right, name === '-' ? -1 : 1);
    if (left && !right && name === '+') return shifted(go(r), left, 1);
  }
  // Between whole numbers PostgreSQL's / is whole; which it is, the types decide.
  if (name === '/' && r !== undefined && dialect === 'postgres') return { k: 'call', fn: 'divide', args: [go(l), go(r)] };
  if (dialect !== 'duckdb' && ['~~', '!~~', '~~*', '!~~*'].includes(String(name))) return call({ ...node, children: [...listed(node['children']), BACKSLASH] }, go);
  return call(node, go);
}
/** A time moved by an interval that CASE chooses is chosen from moved times. */
function chosenInterval(node: Tree, go: Go): Expr | null {
  const [l, r] = listed(node['children']);
  if (!isTree(r) || r['class'] !== 'CASE') return null;
  const { case_checks: checks, else_expr: otherwise } = onlyKeys(r, { read: ['case_checks', 'else_expr'], plain: common });
  const cases = listed(checks).map((check) => onlyKeys(isTree(check) ? check : {}, { read: ['when_expr', 'then_expr'], plain: {} }));
  if (!cases.some(({ then_expr: then }) => intervalOf(then, go)) && !intervalOf(otherwise, go)) return null;
  const moved = (interval: Json | undefined): Expr => {
    const parts = intervalOf(interval, go);
    if (!parts) throw new Refusal('SQL_TYPE', 'Every branch of this CASE is an interval that is written out', offsetOf(node));
    return shifted(go(l), parts, node['function_name'] === '-' ? -1 : 1);
  };
  return { k: 'case', whens: cases.map(({ when_expr: when, then_expr: then }) => ({ when: go(when), then: moved(then) })), else: moved(otherwise) };
}
/** PostgreSQL and Spark escape in LIKE with a backslash where nothing else is said. */
const BACKSLASH: Tree = { class: 'CONSTANT', type: 'VALUE_CONSTANT', alias: '', value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: '\\' } };

function aggregateOf(node: Tree, fn: QueryAggregate, { reading, value }: Inner): QueryUse {
  const { function_name: name, children, filter, order_bys: orders, distinct } = node;
  const args = listed(children).map(value);
  const order = isTree(orders) ? listed(orders['orders']).map((each) => orderOf(each, reading)) : [];
  const where = filter === null || filter === undefined ? null : value(filter);
  const fraction = fn === 'percentile_cont' || fn === 'percentile_disc';
  // percentile_cont(0.5) WITHIN GROUP (ORDER BY x) is told as a call with an order.
  const [within] = order;
  if (fraction && args.length === 1 && order.length === 1 && within) return { k: 'aggregate', fn, args: [within.e, within.dir === 'desc' ? complement(args[0]!, node) : args[0]!], distinct: false, order: [], where };
  return { k: 'aggregate', fn, args: name === 'count_star' ? [] : args, distinct: distinct === true, order, where };
}
function complement({ expr }: QueryValue, node: Tree): QueryValue {
  const digits = expr.k === 'lit' && expr.v !== null ? /^0?\.(\d{1,9})$/.exec(expr.v)?.[1] : undefined;
  if (digits === undefined) throw new Refusal('SQL_LITERAL', 'The fraction must be written out', offsetOf(node));
  return { expr: { k: 'lit', t: { kind: 'dec', precision: digits.length + 1, scale: digits.length }, v: `0.${String(10 ** digits.length - Number(digits)).padStart(digits.length, '0')}` }, uses: [] };
}

const DIRS: Readonly<Record<string, 'asc' | 'desc'>> = { ORDER_DEFAULT: 'asc', ASCENDING: 'asc', DESCENDING: 'desc' };
const NULLS: Readonly<Record<string, 'first' | 'last'>> = { 'NULLS FIRST': 'first', 'NULLS LAST': 'last' };
/** Where each dialect puts NULLs when nothing is said. */
const nullsOf = (dialect: ForeignDialect, dir: 'asc' | 'desc'): 'first' | 'last' => (dialect === 'duckdb' ? 'last' : (dialect === 'postgres') === (dir === 'asc') ? 'last' : 'first');
export function orderOf(node: Json, reading: Reading): QueryOrder {
  if (!isTree(node)) throw new Refusal('SQL_NODE', 'This order is not supported');
  const { type, null_order: nulls, expression } = onlyKeys(node, { read: ['null_order', 'expression'], plain: {} });
  const dir = typeof type === 'string' && Object.hasOwn(DIRS, type) ? DIRS[type] : undefined;
  const place = nulls === 'ORDER_DEFAULT' && dir ? nullsOf(reading.dialect, dir) : typeof nulls === 'string' && Object.hasOwn(NULLS, nulls) ? NULLS[nulls] : undefined;
  if (!dir || !place) throw new Refusal('SQL_NODE', 'This order is not supported');
  if (isTree(expression) && expression['class'] === 'STAR') throw new Refusal('SQL_NODE', 'ORDER BY ALL is not supported: name the columns');
  return { e: lowerValue(expression, reading), dir, nulls: place };
}
