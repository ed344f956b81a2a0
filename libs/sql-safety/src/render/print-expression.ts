import type { ColumnType, Expr } from '@agent-etl/contracts';
import { MOST_DIGITS, asDecimal, isWhole } from '../check/type-rules.ts';
import { type ValidatedExpr, isValidated } from '../check/validated.ts';
import { SqlSafetyError } from '../errors.ts';
import { Refusal } from '../refusal.ts';
import type { FunctionId } from '../registry/functions.ts';
import { plainPattern } from '../registry/plain-pattern.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { duckForms, postgresForms } from './call-forms.ts';
import { castForms } from './cast-forms.ts';
import { printConstant } from './print-constant.ts';
import { printMask } from './mask-forms.ts';
import { jsonForms } from './json-forms.ts';
import { sparkForms } from './spark-call-forms.ts';
import { type ExprDialect, typeIn } from './types.ts';

/** Where the value of an input column comes from in a statement. */
export type ColumnSource<D extends ExprDialect> = (name: string) => SqlFragment<D>;
const MOST_PRINTED = 20_000;
/** What queries call their columns inside an expression: no name that a person knows. */
const OF_QUERIES = /^\$\d+$/;

/** Prints an expression in a dialect. Only what was checked is printed, and of it only operators by a closed list, names of the registry, types, and literals.
 * @throws Refusal `SQL_NO_FORM`, `SQL_LIMIT`; SqlSafetyError for what was not checked */
export function printExpression<D extends ExprDialect>(dialect: D, validated: ValidatedExpr, column: ColumnSource<D>): SqlFragment<D> {
  if (!isValidated(validated)) throw new SqlSafetyError('SQL_NOT_MINTED', 'only a checked expression is printed');
  let printed = 0;
  const sql = sqlFor(dialect);
  const printer: Printer<D> = {
    dialect, sql, column, typeOf: (node) => validated.typeOf(node),
    print: (node) => {
      printed += 1;
      if (printed > MOST_PRINTED) throw new Refusal('SQL_LIMIT', 'The expression is too large');
      return print(printer, node);
    },
  };
  return printer.print(validated.expr);
}

interface Printer<D extends ExprDialect> {
  readonly dialect: D; readonly sql: ReturnType<typeof sqlFor<D>>; readonly column: ColumnSource<D>;
  typeOf(node: Expr): ColumnType; print(node: Expr): SqlFragment<D>;
}

function print<D extends ExprDialect>(printer: Printer<D>, node: Expr): SqlFragment<D> {
  const { sql, print: go } = printer;
  const not = ('neg' in node && node.neg) ? sql`NOT ` : sql``;
  switch (node.k) {
    case 'lit': return printConstant(printer.dialect, node);
    case 'col': return printer.column(node.name);
    case 'bin': return binary(printer, node);
    case 'neg': return sql`(- ${go(node.e)})`;
    case 'not': return sql`(NOT ${go(node.e)})`;
    case 'and': return sql`(${joinSql(node.es.map(go), sql` AND `)})`;
    case 'or': return sql`(${joinSql(node.es.map(go), sql` OR `)})`;
    case 'isNull': return sql`(${go(node.e)} IS ${not}NULL)`;
    case 'between': return sql`(${ordered(printer, node.e)} ${not}BETWEEN ${go(node.lo)} AND ${go(node.hi)})`;
    case 'in': return sql`(${go(node.e)} ${not}IN (${joinSql(node.es.map(go), sql`, `)}))`;
    case 'like': return like(printer, node);
    case 'case': return sql`CASE ${joinSql(node.whens.map(({ when, then }) => sql`WHEN ${go(when)} THEN ${go(then)}`), sql` `)} ELSE ${go(node.else)} END`;
    case 'cast': return castForms[printer.dialect]({ value: go(node.e), from: printer.typeOf(node.e), to: node.to, onError: node.onError, format: node.format, column: node.e.k === 'col' && !OF_QUERIES.test(node.e.name) ? node.e.name : null });
    case 'mask': return printMask(printer.dialect, node, { e: () => go(node.e), type: printer.typeOf(node) });
    case 'call': return called(printer, node);
  }
}

type Call = Extract<Expr, { k: 'call' }>;
function called<D extends ExprDialect>(printer: Printer<D>, node: Call): SqlFragment<D> {
  const { dialect, typeOf, sql, print: go } = printer;
  if (node.fn === 'json_text' || node.fn === 'json_number') {
    const [document, ...path] = node.args;
    return sql`CAST(${jsonForms[dialect][node.fn]({ document: go(document!), path })} AS ${typeIn(dialect, typeOf(node))})`;
  }
  if (dialect === 'spark') return calledOnSpark(printer as unknown as Printer<'spark'>, node) as unknown as SqlFragment<D>;
  const forms = (dialect === 'duckdb' ? duckForms : postgresForms) as unknown as Readonly<Record<FunctionId, (...args: SqlFragment<D>[]) => SqlFragment<D>>>;
  if (!Object.hasOwn(forms, node.fn)) throw new Refusal('SQL_FUNCTION', 'There is no such function here');
  const isOrdered = node.fn === 'greatest' || node.fn === 'least';
  const args = spelledFor(dialect, node).map((arg) => (isOrdered && dialect === 'postgres' && typeOf(arg).kind === 'text' ? sql`${go(arg)} COLLATE "C"` : go(arg)));
  // The value of a call has the type of the registry in every engine.
  return sql`CAST(${forms[node.fn as FunctionId](...args)} AS ${typeIn(dialect, typeOf(node))})`;
}

/** What a call is given, a pattern as the engine spells its ends. */
function spelledFor(dialect: ExprDialect, { fn, args }: Call): readonly Expr[] {
  const [value, pattern] = args;
  if (fn !== 'regexp_like' || !value || pattern?.k !== 'lit') return args;
  const { duckdb, postgres } = plainPattern(pattern.v ?? '');
  return [value, { ...pattern, v: dialect === 'postgres' ? postgres : duckdb }];
}

function calledOnSpark({ typeOf, sql, print: go }: Printer<'spark'>, node: Call): SqlFragment<'spark'> {
  const form = Object.hasOwn(sparkForms, node.fn) ? sparkForms[node.fn as keyof typeof sparkForms] : undefined;
  if (form === undefined) throw new Refusal('SQL_FUNCTION', 'There is no such function here');
  if (form === null) throw new Refusal('SQL_NO_FORM', `${node.fn} is not available on spark, whose last digit may be another; leave engine out`);
  return sql`CAST(${form({ args: spelledFor('spark', node).map(go), nodes: node.args, types: node.args.map(typeOf) })} AS ${typeIn('spark', typeOf(node))})`;
}

/** Postgres orders texts by the collation of its database; here they are ordered by their code points, as in every other engine. */
function ordered<D extends ExprDialect>({ dialect, sql, typeOf, print: go }: Printer<D>, node: Expr): SqlFragment<D> {
  return dialect === 'postgres' && typeOf(node).kind === 'text' ? sql`${go(node)} COLLATE "C"` : go(node);
}

function like<D extends ExprDialect>({ dialect, sql, print: go }: Printer<D>, { e, pattern, ci, neg }: Extract<Expr, { k: 'like' }>): SqlFragment<D> {
  const translate = dialect === 'duckdb' ? sql`system.main.translate` : dialect === 'postgres' ? sql`pg_catalog.translate` : sql`translate`;
  const value = ci ? sql`${translate}(${go(e)}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')` : go(e);
  const shape = ci ? pattern.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : pattern;
  return sql`(${value} ${neg ? sql`NOT ` : sql``}LIKE ${literal(dialect, shape)} ESCAPE '!')`;
}

type Binary = Extract<Expr, { k: 'bin' }>;
function binary<D extends ExprDialect>(printer: Printer<D>, node: Binary): SqlFragment<D> {
  const { sql, print: go, typeOf } = printer;
  const [l, r] = [go(node.l), go(node.r)];
  if (typeOf(node).kind === 'dec') return decimals(printer, node, { l, r });
  switch (node.op) {
    case '+': return sql`(${l} + ${r})`;
    case '-': return sql`(${l} - ${r})`;
    case '*': return sql`(${l} * ${r})`;
    case '/': return sql`(${l} / nullif(${r}, 0))`;
    case '//': return printer.dialect === 'duckdb' ? sql`(${l} // nullif(${r}, 0))` : printer.dialect === 'spark' ? sql`(${l} DIV nullif(${r}, 0))` : sql`(${l} / nullif(${r}, 0))`;
    // DuckDB finds an overflow in the remainder of the least number by -1, which is 0.
    case '%': return printer.dialect === 'duckdb' ? sql`CASE WHEN ${r} = -1 THEN ${l} - ${l} ELSE (${l} % nullif(${r}, 0)) END` : sql`(${l} % nullif(${r}, 0))`;
    case '||': return sql`(${l} || ${r})`;
    case '=': return sql`(${l} = ${r})`;
    case '<>': return sql`(${l} <> ${r})`;
    case '<': return sql`(${ordered(printer, node.l)} < ${r})`;
    case '<=': return sql`(${ordered(printer, node.l)} <= ${r})`;
    case '>': return sql`(${ordered(printer, node.l)} > ${r})`;
    case '>=': return sql`(${ordered(printer, node.l)} >= ${r})`;
    case 'same': return sql`(${l} IS NOT DISTINCT FROM ${r})`;
    case 'differs': return sql`(${l} IS DISTINCT FROM ${r})`;
  }
}

/** Digits that DuckDB keeps in 64 bits. */
const FEW_DIGITS = 18;
/** DuckDB calculates with 18 digits where both sides have no more, and overflows on results that fit: there it calculates with 38. That costs twice the time and more, so not where the result has room in 18. */
function decimals<D extends ExprDialect>({ dialect, sql, typeOf }: Printer<D>, node: Binary, { l, r }: { readonly l: SqlFragment<D>; readonly r: SqlFragment<D> }): SqlFragment<D> {
  const digits = (value: SqlFragment<D>, operand: Expr, most?: number): SqlFragment<D> => {
    const { p, s } = asDecimal(typeOf(operand));
    return sql`CAST(${value} AS ${typeIn(dialect, { kind: 'dec', precision: most ?? p, scale: s })})`;
  };
  const exact = (value: SqlFragment<D>, operand: Expr): SqlFragment<D> => (isWhole(typeOf(operand)) ? digits(value, operand) : value);
  const hasRoom = asDecimal(typeOf(node)).p <= FEW_DIGITS;
  const [left, right] = dialect === 'duckdb' ? [hasRoom ? exact(l, node.l) : digits(l, node.l, MOST_DIGITS), exact(r, node.r)] : [l, r];
  const value = node.op === '+' ? sql`${left} + ${right}` : node.op === '-' ? sql`${left} - ${right}` : sql`${left} * ${right}`;
  return sql`CAST((${value}) AS ${typeIn(dialect, typeOf(node))})`;
}
