import type { BinaryOperator, Expr } from '@agent-etl/contracts';
import { noSuch } from '../../no-such.ts';
import { Refusal } from '../../refusal.ts';
import { functionNamed, knownFunctions } from '../../registry/functions.ts';
import { TEXT_LIMITS, scanText } from '../../scan/scan-text.ts';
import { constantOf, typeOfTree } from './lower-constant.ts';
import { likeOf } from './lower-like.ts';
import { type Json, SELECT_PREFIX, type Tree, isList, isTree, listed, losslessJson, offsetOf, onlyKeys, placeOf } from './tree.ts';

/** What a parser is given for an expression. The line end closes a comment at its end.
 * @throws Refusal as `scanText` does */
export function expressionQuery(text: string): string {
  scanText(text, TEXT_LIMITS.expressionBytes);
  return `${SELECT_PREFIX}${text}\n`;
}

/** Lowers what DuckDB's serialiser says of `expressionQuery` to an expression. Every key of every node is read: what is unknown is refused by name.
 * @param tree JSON text of `json_serialize_sql`
 * @throws Refusal */
export function lowerExpression(tree: string): Expr {
  const root = losslessJson(tree);
  if (!isTree(root)) throw new Refusal('SQL_SYNTAX', 'The parser gave no answer');
  if (root['error'] === true) throw new Refusal('SQL_SYNTAX', 'This is no expression; a column whose name is a word of SQL, or is not plain, stands in double quotes', position(root['position']));
  const statements = root['statements'];
  const [statement] = isList(statements) ? statements : [];
  if (!isList(statements) || statements.length !== 1 || !isTree(statement) || !isTree(statement['node']) || !isEmptyList(statement['named_param_map'])) throw new Refusal('SQL_NOT_ONE_EXPRESSION', 'One expression is expected, without parameters');
  return lowerNode(onlyItem(statement['node']), {});
}
const position = (at: Json | undefined): number | null => (typeof at === 'string' ? placeOf(at) : null);
const isEmptyList = (value: Json | undefined): boolean => isList(value) && value.length === 0;

function onlyItem(select: Tree): Tree {
  if (select['type'] !== 'SELECT_NODE') throw new Refusal('SQL_NOT_ONE_EXPRESSION', 'One expression is expected');
  const { from_table: from, select_list: items } = onlyKeys(select, { read: ['select_list', 'from_table'],
    plain: { modifiers: [], cte_map: { map: [] }, where_clause: null, group_expressions: [], group_sets: [], aggregate_handling: 'STANDARD_HANDLING', having: null, sample: null, qualify: null } });
  if (!isTree(from) || from['type'] !== 'EMPTY') throw new Refusal('SQL_KEY', 'FROM is not supported', isTree(from) ? offsetOf(from) : null);
  const [item] = isList(items) ? items : [];
  if (!isList(items) || items.length !== 1 || !isTree(item)) throw new Refusal('SQL_NOT_ONE_EXPRESSION', 'One expression is expected');
  return item;
}

const MOST_DEPTH = 200;
const common = { alias: '' };
export type Go = (child: Json | undefined) => Expr;
export type Reader = (node: Tree, go: Go) => Expr;
/** Readers of a place where more is allowed than in an expression alone, such as a query: they stand before the common ones. */
export type MoreReaders = Readonly<Record<string, Reader>>;

/** One reader per class of node; a class without one is refused. */
export const expressionReaders: Readonly<Record<string, Reader>> = {
  COLUMN_REF: (node) => {
    const { column_names: names } = onlyKeys(node, { read: ['column_names'], plain: common });
    const [name] = isList(names) ? names : [];
    if (!isList(names) || names.length !== 1 || typeof name !== 'string') throw new Refusal('SQL_COLUMN', 'A column has a name without a dot before it', offsetOf(node));
    return { k: 'col', name };
  },
  CONSTANT: (node) => constantOf(onlyKeys(node, { read: ['value'], plain: common })['value']),
  CAST: (node, go) => {
    const { child, cast_type: to, try_cast: tries } = onlyKeys(node, { read: ['child', 'cast_type', 'try_cast'], plain: common });
    return { k: 'cast', e: go(child), to: typeOfTree(to), onError: tries === true ? 'null' : 'fail' };
  },
  COMPARISON: (node, go) => {
    const { type, left, right } = onlyKeys(node, { read: ['left', 'right'], plain: common });
    const op = typeof type === 'string' ? comparisons[type] : undefined;
    if (!op) throw new Refusal('SQL_NODE', 'This comparison is not supported', offsetOf(node));
    return { k: 'bin', op, l: go(left), r: go(right) };
  },
  BETWEEN: (node, go) => {
    const { input, lower: lo, upper: hi } = onlyKeys(node, { read: ['input', 'lower', 'upper'], plain: common });
    return { k: 'between', e: go(input), lo: go(lo), hi: go(hi), neg: false };
  },
  CONJUNCTION: (node, go) => {
    const { type, children } = onlyKeys(node, { read: ['children'], plain: common });
    if (type !== 'CONJUNCTION_AND' && type !== 'CONJUNCTION_OR') throw new Refusal('SQL_NODE', 'This conjunction is not supported', offsetOf(node));
    return { k: type === 'CONJUNCTION_AND' ? 'and' : 'or', es: listed(children).map(go) };
  },
  OPERATOR: (node, go) => operator(node, listed(onlyKeys(node, { read: ['children'], plain: common })['children']).map(go)),
  CASE: (node, go) => {
    const { case_checks: checks, else_expr: otherwise } = onlyKeys(node, { read: ['case_checks', 'else_expr'], plain: common });
    return { k: 'case', whens: listed(checks).map((check) => {
      const { when_expr: when, then_expr: then } = onlyKeys(isTree(check) ? check : {}, { read: ['when_expr', 'then_expr'], plain: {} });
      return { when: go(when), then: go(then) };
    }), else: go(otherwise) };
  },
  FUNCTION: (node, go) => call(node, go),
};
const comparisons: Readonly<Record<string, BinaryOperator>> = {
  COMPARE_EQUAL: '=', COMPARE_NOTEQUAL: '<>', COMPARE_LESSTHAN: '<', COMPARE_LESSTHANOREQUALTO: '<=', COMPARE_GREATERTHAN: '>', COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'differs', COMPARE_NOT_DISTINCT_FROM: 'same',
};

/** @param more readers that stand before those of expressions */
export function lowerNode(node: Json | undefined, more: MoreReaders, depth = 0): Expr {
  if (depth > MOST_DEPTH) throw new Refusal('SQL_TOO_DEEP', 'The expression is nested too deeply');
  if (!isTree(node)) throw new Refusal('SQL_NODE', 'Something here is not supported');
  const name = node['class'];
  const reader = typeof name !== 'string' ? undefined : Object.hasOwn(more, name) ? more[name] : Object.hasOwn(expressionReaders, name) ? expressionReaders[name] : undefined;
  if (!reader) throw new Refusal('SQL_NODE', `${classWords[typeof name === 'string' ? name : ''] ?? 'This'} is not supported in an expression`, offsetOf(node));
  return reader(node, (child) => lowerNode(child, more, depth + 1));
}
const classWords: Readonly<Record<string, string>> = { SUBQUERY: 'A query inside', WINDOW: 'A window (OVER)', STAR: 'The star', LAMBDA: 'A lambda', PARAMETER: 'A parameter', POSITIONAL_REFERENCE: 'A column by its number', COLLATE: 'COLLATE' };

export function operator(node: Tree, es: readonly Expr[]): Expr {
  const [first, ...rest] = es;
  if (!first) throw new Refusal('SQL_ARITY', 'An operator without a value', offsetOf(node));
  switch (node['type']) {
    case 'OPERATOR_NOT': return negated(first);
    case 'OPERATOR_IS_NULL': return { k: 'isNull', e: first, neg: false };
    case 'OPERATOR_IS_NOT_NULL': return { k: 'isNull', e: first, neg: true };
    case 'COMPARE_IN': return { k: 'in', e: first, es: rest, neg: false };
    case 'COMPARE_NOT_IN': return { k: 'in', e: first, es: rest, neg: true };
    case 'OPERATOR_COALESCE': return { k: 'call', fn: 'coalesce', args: [...es] };
    default: throw new Refusal('SQL_NODE', 'This operator is not supported', offsetOf(node));
  }
}
/** NOT before what has a negation of its own becomes that. */
const negated = (e: Expr): Expr => ((e.k === 'between' || e.k === 'in' || e.k === 'like' || e.k === 'isNull') && !e.neg ? { ...e, neg: true } : { k: 'not', e });

const arithmetic: readonly string[] = ['+', '-', '*', '/', '//', '%', '||'] satisfies BinaryOperator[];
export function call(node: Tree, go: Go): Expr {
  const { function_name: name, schema, is_operator: isOperator, children } = onlyKeys(node, { read: ['function_name', 'schema', 'children', 'is_operator'],
    plain: { ...common, filter: null, order_bys: { type: 'ORDER_MODIFIER', orders: [] }, distinct: false, export_state: false, catalog: '' } });
  const at = offsetOf(node);
  if (typeof name !== 'string' || (schema !== '' && schema !== 'main')) throw new Refusal('SQL_FUNCTION', 'A function has a name without a dot before it', at);
  const args = listed(children).map(go);
  const like = likeOf(name, args, at);
  if (like) return like;
  if (isOperator === true) {
    const [l, r] = args;
    if (name === '-' && l && !r) return l.k === 'lit' && l.v !== null && l.t.kind !== 'text' ? { ...l, v: l.v.startsWith('-') ? l.v.slice(1) : `-${l.v}` } : { k: 'neg', e: l };
    if (l && r && args.length === 2 && arithmetic.includes(name)) return { k: 'bin', op: name as BinaryOperator, l, r };
    throw new Refusal('SQL_NODE', 'This operator is not supported', at);
  }
  const known = functionNamed(name);
  if (!known) throw noSuch('function', name.toLowerCase(), { known: knownFunctions, offset: at });
  return { k: 'call', fn: known, args };
}
