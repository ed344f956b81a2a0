import { type ColumnType, Expr, didYouMean } from '@agent-etl/contracts';
import { noSuch } from '../no-such.ts';
import { notShaped } from '../not-shaped.ts';
import { Refusal } from '../refusal.ts';
import { typeCall } from '../registry/functions.ts';
import type { Typing } from '../registry/typing.ts';
import { constantAs } from './literal-rules.ts';
import { datedBinary } from './date-arithmetic.ts';
import { maskedAs } from './mask-rules.ts';
import { arithmeticType, asDecimal, assertCast, assertDigits, bool, commonType, f64, isEnumeration, isNumber, isUsable, isWhole, text } from './type-rules.ts';
import { type ValidatedExpr, mintValidated } from './validated.ts';

/** Columns that an expression may name, with their types. */
export type InputColumns = ReadonlyMap<string, ColumnType>;
const MOST_NODES = 5_000;

/** Resolves names, types every node, folds constants of the wrong spelling into those of the right type and widens where that loses nothing. The answer is a fresh frozen copy.
 * @param expect type that the whole must have
 * @throws Refusal */
export function checkExpression(expr: unknown, at: { readonly input: InputColumns; readonly expect?: ColumnType }): ValidatedExpr {
  assertBounded(expr);
  const shaped = Expr.safeParse(expr);
  if (!shaped.success) throw notShaped(shaped.error, 'expression');
  return typeExpression(shaped.data, at);
}
/** What `checkExpression` does behind the shape: for an expression of a tree whose shape and size are known to be right.
 * @throws Refusal */
export function typeExpression(expr: Expr, at: { readonly input: InputColumns; readonly expect?: ColumnType }): ValidatedExpr {
  const checker = new Checker(at.input);
  const typed = expr.k === 'col' && !at.expect ? checker.column(expr.name) : checker.type(expr);
  const done = at.expect ? checker.to(typed, at.expect) : typed;
  if (checker.typeOf(done).kind === 'other' && done.k === 'lit') throw new Refusal('SQL_TYPE', 'NULL has no type here; cast it');
  return mintValidated(done, checker.types, checker.columns);
}

/** Bounds a tree before anything walks it by recursion: what a step stands for may be deep, and one branch may hang in many places. Types and names count as parts of a part. */
const MOST_DEPTH = 500;
const MOST_OBJECTS = 4 * MOST_NODES;
function assertBounded(expr: unknown): void {
  const open: [value: unknown, depth: number][] = [[expr, 0]];
  let objects = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next;
    if (typeof value !== 'object' || value === null) continue;
    objects += 1;
    if (objects > MOST_OBJECTS) throw new Refusal('SQL_LIMIT', `The expression has more than ${MOST_NODES} parts`);
    if (depth > MOST_DEPTH) throw new Refusal('SQL_TOO_DEEP', 'The expression, with the columns that it is computed from, is nested too deeply');
    for (const child of Object.values(value)) open.push([child, Array.isArray(value) ? depth : depth + 1]);
  }
}

class Checker implements Typing {
  readonly types = new Map<Expr, ColumnType>();
  readonly columns = new Set<string>();
  /** Enumerations that are read as texts, with their values. */
  private readonly labels = new Map<Expr, readonly string[]>();
  private readonly input: InputColumns;
  constructor(input: InputColumns) { this.input = input; }

  typeOf(node: Expr): ColumnType { return this.types.get(node) ?? { kind: 'other' }; }

  type(node: Expr): Expr {
    if (this.types.size > MOST_NODES) throw new Refusal('SQL_LIMIT', `The expression has more than ${MOST_NODES} parts`);
    switch (node.k) {
      case 'lit': return this.literal(node);
      case 'col': return this.opened(this.column(node.name));
      case 'bin': return this.binary(node);
      case 'neg': return this.negation(node.e);
      case 'not': return this.keep({ k: 'not', e: this.condition(node.e) }, bool);
      case 'and': case 'or': return this.keep({ k: node.k, es: node.es.map((e) => this.condition(e)) }, bool);
      case 'isNull': return this.keep({ ...node, e: this.type(node.e) }, bool);
      case 'between': { const [e, lo, hi] = this.compared([node.e, node.lo, node.hi]); this.unordered([e!, lo!, hi!]); return this.keep({ ...node, e: e!, lo: lo!, hi: hi! }, bool); }
      case 'in': { const [e, ...es] = this.compared([node.e, ...node.es]); return this.keep({ ...node, e: e!, es }, bool); }
      case 'like': return this.keep({ ...node, e: this.to(this.type(node.e), text) }, bool);
      case 'case': return this.choice(node);
      case 'cast': return this.conversion(node);
      case 'mask': return this.mask(node);
      case 'call': return this.call(node.fn, node.args);
    }
  }

  /** The node as a value of a type: itself, a constant spelled anew, or a cast that loses nothing. */
  to(node: Expr, wanted: ColumnType): Expr {
    const type = this.typeOf(node);
    if (node.k === 'lit') return this.literalAs(node, wanted);
    if (type.kind === wanted.kind && (type.kind !== 'dec' || (type.precision === wanted.precision && type.scale === wanted.scale))) return node;
    if (type.kind !== 'dec' || wanted.kind === 'dec' || wanted.kind === 'f64') commonType(type, wanted);
    if (commonType(type, wanted).kind !== wanted.kind) throw new Refusal('SQL_TYPE', `${wanted.kind} is needed, this is ${type.kind}; cast it`);
    return this.keep({ k: 'cast', e: node, to: wanted, onError: 'fail' }, wanted);
  }

  same(nodes: readonly Expr[]): { readonly nodes: Expr[]; readonly type: ColumnType } {
    const typed = nodes.filter((node) => node.k !== 'lit');
    const fixed = (typed.length ? typed : nodes.filter((node) => this.typeOf(node).kind !== 'other')).map((node) => this.typeOf(node));
    const [first = text, ...rest] = fixed;
    const base = rest.reduce(commonType, first);
    const numbers = nodes.flatMap((node) => (node.k === 'lit' && isNumber(this.typeOf(node)) && isNumber(base) ? [this.typeOf(node)] : []));
    const type = numbers.reduce(commonType, base);
    if (!isUsable(type)) throw new Refusal('SQL_TYPE', `A value of ${type.kind} can only pass`);
    return { nodes: nodes.map((node) => this.to(node, type)), type };
  }

  cast(node: Expr, to: ColumnType): Expr {
    assertCast(this.typeOf(node), to);
    return this.keep({ k: 'cast', e: node, to, onError: 'fail' }, to);
  }

  private keep(node: Expr, type: ColumnType): Expr {
    this.types.set(Object.freeze(node), type);
    return node;
  }
  private literal({ t, v }: Extract<Expr, { k: 'lit' }>): Expr {
    assertDigits(t);
    if (v === null) return this.keep({ k: 'lit', t, v }, t);
    const constant = constantAs(v, t);
    if (constant === null) throw new Refusal('SQL_LITERAL', `A constant is no ${t.kind}`);
    return this.keep({ k: 'lit', t, v: constant }, t);
  }
  private literalAs(node: Extract<Expr, { k: 'lit' }>, wanted: ColumnType): Expr {
    if (node.v === null) return this.keep({ k: 'lit', t: wanted, v: null }, wanted);
    const constant = isNumber(node.t) === isNumber(wanted) || node.t.kind === 'text' ? constantAs(node.v, wanted) : null;
    if (constant === null || (wanted.kind === 'text' && node.t.kind !== 'text')) throw new Refusal('SQL_TYPE', `A constant does not fit ${wanted.kind}`);
    return this.keep({ k: 'lit', t: wanted, v: constant }, wanted);
  }
  /** An enumeration is what its values say: its own order is no other engine's. */
  private opened(column: Expr): Expr {
    const type = this.typeOf(column);
    if (!isEnumeration(type)) return column;
    const said = this.keep({ k: 'cast', e: column, to: text, onError: 'fail' }, text);
    this.labels.set(said, type.labels ?? []);
    return said;
  }
  /** @throws Refusal `SQL_TYPE` */
  private unordered(nodes: readonly Expr[]): void {
    if (nodes.some((node) => this.labels.has(node))) throw new Refusal('SQL_TYPE', 'An enumeration is ordered as it was declared, which no other engine knows; cast it to text to order it by its letters, or compare with in');
  }
  column(name: string): Expr {
    const found = this.input.has(name) ? name : this.folded(name);
    const type = found === null ? undefined : this.input.get(found);
    if (found === null || !type) throw noSuch('column', name, { known: [...this.input.keys()] });
    this.columns.add(found);
    const column = this.keep({ k: 'col', name: found }, type);
    return type.kind === 'f32' ? this.keep({ k: 'cast', e: column, to: f64, onError: 'fail' }, f64) : column;
  }
  private folded(name: string): string | null {
    const alike = [...this.input.keys()].filter((each) => each.toLowerCase() === name.toLowerCase());
    return alike.length === 1 ? alike[0] ?? null : null;
  }
  private condition(node: Expr): Expr { return this.to(this.type(node), bool); }

  /** A value that an enumeration does not have is a slip: PostgreSQL would fail at it.
   * @throws Refusal `SQL_LITERAL` */
  private known(nodes: readonly Expr[]): void {
    for (const labels of nodes.flatMap((node) => (this.labels.has(node) ? [this.labels.get(node)!] : []))) {
      for (const node of nodes) if (node.k === 'lit' && node.v !== null && !labels.includes(node.v)) throw new Refusal('SQL_LITERAL', `The enumeration has no such value${suggestion(node.v, labels)}`);
    }
  }
  private compared(raw: readonly Expr[]): Expr[] {
    const nodes = raw.map((node) => this.type(node));
    this.known(nodes);
    for (const node of nodes) if (!isUsable(this.typeOf(node)) && node.k !== 'lit') throw new Refusal('SQL_TYPE', `${this.typeOf(node).kind} cannot be compared`);
    // Numbers of any kind compare by value in every engine: a column is not wrapped, so that an index still serves.
    const areNumbers = nodes.every((node) => isNumber(this.typeOf(node)) || (node.k === 'lit' && node.v === null));
    return areNumbers && nodes.some((node) => isNumber(this.typeOf(node))) ? nodes.map((node) => (this.typeOf(node).kind === 'other' ? this.to(node, this.typeOf(nodes.find((other) => isNumber(this.typeOf(other)))!)) : node)) : this.same(nodes).nodes;
  }

  private binary({ op, l: left, r: right }: Extract<Expr, { k: 'bin' }>): Expr {
    if (op === '||') return this.keep({ k: 'bin', op, l: this.to(this.type(left), text), r: this.to(this.type(right), text) }, text);
    if (op === '+' || op === '-' || op === '*' || op === '/' || op === '//' || op === '%') return this.arithmetic(op, this.type(left), this.type(right));
    const [l, r] = this.compared([left, right]);
    if (op === '<' || op === '<=' || op === '>' || op === '>=') this.unordered([l!, r!]);
    return this.keep({ k: 'bin', op, l: l!, r: r! }, bool);
  }
  /** Both sides are typed. */
  private arithmetic(op: '+' | '-' | '*' | '/' | '//' | '%', left: Expr, right: Expr): Expr {
    const dated = op === '+' || op === '-' ? datedBinary(op, [left, right], this) : null;
    if (dated) { const { args, type } = typeCall(dated.fn, dated.args, this); return this.keep({ k: 'call', fn: dated.fn, args }, type); }
    const [l, r] = [this.asNumber(left), this.asNumber(right)];
    const type = arithmeticType(op, this.typeOf(l), this.typeOf(r));
    return this.keep(type.kind === 'dec' ? { k: 'bin', op, l, r } : { k: 'bin', op, l: this.to(l, type), r: this.to(r, type) }, type);
  }
  private call(fn: string, given: readonly Expr[]): Expr {
    const typed = given.map((arg) => this.type(arg));
    const [l, r] = typed;
    // What / means in the dialect that it was written in: whole between whole numbers.
    if (fn === 'divide' && l && r && typed.length === 2) return this.arithmetic(isWhole(this.typeOf(l)) && isWhole(this.typeOf(r)) ? '//' : '/', l, r);
    if (fn === 'greatest' || fn === 'least') this.unordered(typed);
    const { args, type } = typeCall(fn, typed, this);
    return this.keep({ k: 'call', fn, args }, type);
  }
  private number(node: Expr): Expr { return this.asNumber(this.type(node)); }
  private asNumber(typed: Expr): Expr {
    if (typed.k === 'lit' && typed.v === null) throw new Refusal('SQL_TYPE', 'NULL has no type in a calculation; cast it');
    if (!isNumber(this.typeOf(typed))) throw new Refusal('SQL_TYPE', `A number is needed, this is ${this.typeOf(typed).kind}; cast it`);
    return typed;
  }
  private negation(e: Expr): Expr {
    const typed = this.number(e);
    return this.keep({ k: 'neg', e: typed }, this.typeOf(typed));
  }
  private choice({ whens, else: otherwise }: Extract<Expr, { k: 'case' }>): Expr {
    const { nodes, type } = this.same([...whens.map(({ then }) => this.type(then)), this.type(otherwise)]);
    return this.keep({ k: 'case', whens: whens.map(({ when }, index) => ({ when: this.condition(when), then: nodes[index]! })), else: nodes.at(-1)! }, type);
  }
  private mask({ e, method, v, key }: Extract<Expr, { k: 'mask' }>): Expr {
    const value = this.type(e);
    const type = this.typeOf(value);
    const { value: masked, type: made } = maskedAs(method, { type, v, key });
    return this.keep({ k: 'mask', e: masked === 'its text' ? this.toText(value) : value, method, v, ...(key === undefined ? {} : { key }) }, made);
  }
  private toText(node: Expr): Expr {
    return this.typeOf(node).kind === 'text' ? node : this.conversion({ k: 'cast', e: node, to: text, onError: 'fail' });
  }
  private conversion({ e, to: asked, onError, format }: Extract<Expr, { k: 'cast' }>): Expr {
    const typed = this.type(e);
    const from = this.typeOf(typed);
    const to = asked.kind === 'dec' && asked.precision === undefined ? allDigits(from) : asked;
    assertDigits(to);
    if (typed.k === 'lit' && (typed.v === null || (from.kind === 'text' && format === undefined))) {
      const constant = typed.v === null ? null : constantAs(typed.v, to);
      if (typed.v !== null && constant === null && onError === 'fail') throw new Refusal('SQL_LITERAL', `A constant is no ${to.kind}`);
      return this.keep({ k: 'lit', t: to, v: constant }, to);
    }
    assertCast(from, to);
    if (format !== undefined && !(from.kind === 'text' && (to.kind === 'date' || to.kind === 'ts'))) throw new Refusal('SQL_TYPE', 'A format is for a text that becomes a date or a timestamp');
    return this.keep({ k: 'cast', e: typed, to, onError, ...(format === undefined ? {} : { format }) }, to);
  }
}
/** A decimal of no declared digits keeps those of what it is made of; of a double or a text it has ten behind the point. */
function allDigits(from: ColumnType): ColumnType {
  if (from.kind !== 'dec' && !isWhole(from)) return { kind: 'dec', precision: 28, scale: 10 };
  const { p, s } = asDecimal(from);
  return { kind: 'dec', precision: Math.max(p, s + 1), scale: s };
}
const suggestion = (name: string, names: readonly string[]): string => {
  const near = didYouMean(name, names);
  return near ? `; ${near.replace(/[.?]$/, '')}` : '';
};
