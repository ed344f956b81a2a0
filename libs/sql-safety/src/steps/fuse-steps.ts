import { type ColumnType, type Expr, didYouMean } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { bool } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';

/** Steps whose texts were lowered. */
export type LoweredStep =
  | { readonly op: 'filter'; readonly where: Expr }
  | { readonly op: 'derive'; readonly columns: readonly { readonly as: string; readonly expr: Expr }[] }
  | { readonly op: 'select' | 'drop'; readonly columns: readonly string[] }
  | { readonly op: 'rename'; readonly names: ReadonlyMap<string, string> }
  | { readonly op: 'cast'; readonly column: string; readonly to: ColumnType; readonly onError: 'fail' | 'null'; readonly format?: string };

/** A column behind the last step, in terms of the columns before the first. */
export interface FusedColumn { readonly name: string; readonly expr: Expr; readonly type: ColumnType }
/** What steps over single rows come to: one projection and one condition, so that a source reads once and computes while it reads. */
export interface Fused { readonly columns: readonly FusedColumn[]; readonly where: Expr | null }

/** Applies steps one after the other to the columns of an input.
 * @param at called with the number of a step before it is applied: a refusal is about that one
 * @throws Refusal `SQL_COLUMN`, `STEP_COLUMN_CLASH`, and what `checkExpression` refuses */
export function fuseSteps(steps: readonly LoweredStep[], input: InputColumns, failing: (step: number) => void = () => undefined): Fused {
  let columns: readonly FusedColumn[] = [...input].map(([name, type]) => ({ name, type, expr: { k: 'col', name } }));
  const conditions: Expr[] = [];
  steps.forEach((step, index) => {
    failing(index);
    if (step.op === 'filter') conditions.push(inTerms(step.where, { columns, input, expect: bool }).expr);
    else columns = applied(step, columns, input);
    refuseClash(columns);
  });
  const [first, ...rest] = conditions;
  return { columns, where: first ? rest.length ? { k: 'and', es: conditions } : first : null };
}

function applied(step: Exclude<LoweredStep, { op: 'filter' }>, columns: readonly FusedColumn[], input: InputColumns): readonly FusedColumn[] {
  switch (step.op) {
    case 'select': return step.columns.map((name) => named(columns, name));
    case 'drop': { const gone = step.columns.map((name) => named(columns, name)); return kept(columns.filter((column) => !gone.includes(column))); }
    case 'rename': {
      const renamed = new Map([...step.names].map(([from, to]) => [named(columns, from), to]));
      return columns.map((column) => ({ ...column, name: renamed.get(column) ?? column.name }));
    }
    case 'cast': {
      const { name } = named(columns, step.column);
      const cast: Expr = { k: 'cast', e: { k: 'col', name }, to: step.to, onError: step.onError, ...(step.format === undefined ? {} : { format: step.format }) };
      const done = { name, ...inTerms(cast, { columns, input }) };
      return columns.map((column) => (column.name === name ? done : column));
    }
    case 'derive': {
      const derived = step.columns.map(({ as, expr }) => ({ name: as, ...inTerms(expr, { columns, input }) }));
      return [...columns.map((column) => derived.find(({ name }) => name === column.name) ?? column), ...derived.filter(({ name }) => !columns.some((column) => column.name === name))];
    }
  }
}

/** An expression over the columns of a step, checked, in terms of the columns of the input. */
function inTerms(expr: Expr, { columns, input, expect }: { readonly columns: readonly FusedColumn[]; readonly input: InputColumns; readonly expect?: ColumnType }): { readonly expr: Expr; readonly type: ColumnType } {
  const here = new Map(columns.map(({ name, type }) => [name, type]));
  const checkedHere = checkExpression(expr, { input: here, ...(expect ? { expect } : {}) });
  const inInput = substituted(checkedHere.expr, new Map(columns.map((column) => [column.name, column.expr])));
  return { expr: checkExpression(inInput, { input }).expr, type: checkedHere.type };
}

/** The expression with its columns replaced by what they stand for. */
function substituted(node: Expr, by: ReadonlyMap<string, Expr>): Expr {
  const go = (child: Expr): Expr => substituted(child, by);
  switch (node.k) {
    case 'lit': return node;
    case 'col': return by.get(node.name) ?? node;
    case 'call': return { ...node, args: node.args.map(go) };
    case 'bin': return { ...node, l: go(node.l), r: go(node.r) };
    case 'neg': case 'not': case 'isNull': case 'cast': case 'like': return { ...node, e: go(node.e) };
    case 'and': case 'or': return { ...node, es: node.es.map(go) };
    case 'between': return { ...node, e: go(node.e), lo: go(node.lo), hi: go(node.hi) };
    case 'in': return { ...node, e: go(node.e), es: node.es.map(go) };
    case 'case': return { ...node, whens: node.whens.map(({ when, then }) => ({ when: go(when), then: go(then) })), else: go(node.else) };
  }
}

function named(columns: readonly FusedColumn[], name: string): FusedColumn {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  const near = didYouMean(name, columns.map((column) => column.name));
  throw new Refusal('SQL_COLUMN', `There is no such column here${near ? `; ${near.replace(/\?$/, '')}` : ''}`);
}
function kept(columns: readonly FusedColumn[]): readonly FusedColumn[] {
  if (!columns.length) throw new Refusal('SQL_COLUMN', 'No column is left');
  return columns;
}
/** Engines fold case: two names that differ in nothing else are one. */
function refuseClash(columns: readonly FusedColumn[]): void {
  const names = columns.map(({ name }) => name.toLowerCase());
  if (new Set(names).size !== names.length) throw new Refusal('STEP_COLUMN_CLASH', 'Two columns would have one name');
}
