import { type ColumnType, type Expr, type Measure, type Order, type Stage, didYouMean } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { checkMeasure } from '../check/check-measure.ts';
import { bool, isSortable, isUsable } from '../check/type-rules.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import { identifier, isName } from '../ident/identifier.ts';
import { Refusal } from '../refusal.ts';
import { printExpression } from '../render/print-expression.ts';
import type { ExprDialect } from '../render/types.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { assertStage } from './stage-forms.ts';
import { substituted } from './substitute.ts';

/** Steps whose texts were lowered. */
export type LoweredStep =
  | { readonly op: 'filter'; readonly where: Expr }
  | { readonly op: 'derive'; readonly columns: readonly { readonly as: string; readonly expr: Expr }[] }
  | { readonly op: 'select' | 'drop'; readonly columns: readonly string[] }
  | { readonly op: 'rename'; readonly names: ReadonlyMap<string, string> }
  | { readonly op: 'cast'; readonly column: string; readonly to: ColumnType; readonly onError: 'fail' | 'null' | 'quarantine'; readonly format?: string }
  | { readonly op: 'group'; readonly by: readonly string[]; readonly measures: readonly Measure[] }
  | { readonly op: 'first'; readonly keys: readonly string[]; readonly order: readonly Order[] }
  | { readonly op: 'limit'; readonly order: readonly Order[]; readonly n: number; readonly offset: number };

/** A column behind the last step. `source` is the column of the input that it is, unchanged, or null. */
export interface FusedColumn { readonly name: string; readonly type: ColumnType; readonly source: string | null }
/** What steps come to: as few stages as they need, and the columns behind them. */
export interface Fused { readonly columns: readonly FusedColumn[]; readonly stages: readonly Stage[] }

interface Held { readonly name: string; readonly expr: Expr; readonly type: ColumnType; readonly source: string | null }
/** Rows whose value did not fit a type that a step gave it. They are set aside whatever later steps make of the column. */
interface Misfit { readonly name: string; readonly expr: Expr }
/** Rows behind some stages, and what the row-wise steps since then make of them: neighbours become one stage. */
interface State { readonly stages: readonly Stage[]; readonly input: InputColumns; readonly held: readonly Held[]; readonly conditions: readonly Expr[]; readonly misfits: readonly Misfit[]; readonly dialect: ExprDialect | null }
/** @property at called with the number of a step before it is applied: a refusal is about that one
 * @property dialect of the engine that will compute the steps: what it has no form for is refused here, not when the rows are read */
export interface Fusing { readonly at?: (step: number) => void; readonly dialect?: ExprDialect }

/** Applies steps one after the other to the columns of an input.
 * @throws Refusal `SQL_COLUMN`, `STEP_COLUMN_CLASH`, `SQL_IDENTIFIER`, `SQL_NO_FORM`, and what `checkExpression` refuses */
export function fuseSteps(steps: readonly LoweredStep[], input: InputColumns, { at = () => undefined, dialect }: Fusing = {}): Fused {
  const begin: State = { stages: [], input, held: [...input].map(([name, type]) => ({ name, type, expr: { k: 'col', name }, source: name })), conditions: [], misfits: [], dialect: dialect ?? null };
  const end = steps.reduce((state, step, index) => { at(index); return refuseNames(withForms(applied(step, state), state), input); }, begin);
  const { stages } = end.stages.length && isUntouched(end) ? end : flushed(end);
  return { stages, columns: end.held.map(({ name, type, source }) => ({ name, type, source })) };
}

/** @throws Refusal `SQL_NO_FORM` for a stage that the engine has none for */
function withForms(next: State, { stages: { length } }: State): State {
  const { dialect, stages } = next;
  if (dialect) for (const stage of stages.slice(length)) assertStage(dialect, stage);
  return next;
}

function applied(step: LoweredStep, state: State): State {
  const { held } = state;
  switch (step.op) {
    case 'filter': return { ...state, conditions: [...state.conditions, inTerms(step.where, state, bool).expr] };
    case 'select': return { ...state, held: step.columns.map((name) => named(held, name)) };
    case 'drop': { const gone = step.columns.map((name) => named(held, name)); return { ...state, held: kept(held.filter((column) => !gone.includes(column))) }; }
    case 'rename': {
      const renamed = new Map([...step.names].map(([from, to]) => [named(held, from), to]));
      return { ...state, held: held.map((column) => ({ ...column, name: renamed.get(column) ?? column.name })), misfits: state.misfits.map((each) => ({ ...each, name: step.names.get(each.name) ?? each.name })) };
    }
    case 'cast': return casted(step, state);
    case 'derive': return derived(state, step.columns);
    case 'group': return grouped(step, flushed(state));
    case 'first': { const next = flushed(state); return { ...next, stages: [...next.stages, { op: 'first', keys: step.keys.map((name) => comparable(next.held, name).name), order: ordered(step.order, next) }] }; }
    case 'limit': { const next = flushed(state); return { ...next, stages: [...next.stages, { op: 'limit', order: ordered(step.order, next), n: step.n, offset: step.offset }] }; }
  }
}

function derived(state: State, columns: readonly { readonly as: string; readonly expr: Expr }[]): State {
  // A copy is the column that it copies, with its type as the engine spells it.
  const made = columns.map(({ as, expr }): Held => ({ name: as, source: expr.k === 'col' ? state.held.find(({ name }) => name === expr.name)?.source ?? null : null, ...inTerms(expr, state) }));
  return { ...state, held: [...state.held.map((column) => made.find(({ name }) => name === column.name) ?? column), ...made.filter(({ name }) => !state.held.some((column) => column.name === name))] };
}
function casted({ column, to, onError, format }: Extract<LoweredStep, { op: 'cast' }>, state: State): State {
  const { name } = named(state.held, column);
  const cast: Expr = { k: 'cast', e: { k: 'col', name }, to, onError: onError === 'fail' ? 'fail' : 'null', ...(format === undefined ? {} : { format }) };
  const next = derived(state, [{ as: name, expr: cast }]);
  if (onError !== 'quarantine') return next;
  const misfit = inTerms({ k: 'and', es: [{ k: 'isNull', e: { k: 'col', name }, neg: true }, { k: 'isNull', e: cast, neg: false }] }, state, bool).expr;
  return { ...next, misfits: [...next.misfits, { name, expr: misfit }] };
}
function grouped({ by, measures }: Extract<LoweredStep, { op: 'group' }>, state: State): State {
  const keys = by.map((name) => comparable(state.held, name));
  const values = measures.map((measure) => checkMeasure(measure, state.input));
  for (const { arg, where } of values) for (const each of [arg, where]) if (each) assertForm(each, state);
  const stage: Stage = { op: 'group', by: keys.map(({ name }) => name), measures: values.map(({ as, fn, arg, where }) => ({ as, fn, arg: arg?.expr ?? null, where: where?.expr ?? null })) };
  return behind({ ...state, stages: [...state.stages, stage] }, [...keys.map(({ name, type, source }) => ({ name, type, source })), ...values.map(({ as, type }) => ({ name: as, type, source: null }))]);
}
const ordered = (order: readonly Order[], state: State): Order[] => order.map((part) => {
  const { expr, type } = inTerms(part.e, state);
  if (!isSortable(type)) throw new Refusal('SQL_TYPE', `Rows have no order by a column of ${type.kind}`);
  return { ...part, e: expr };
});

/** The row-wise steps so far as a stage of their own; nothing where they change nothing. */
function flushed(state: State): State {
  if (isUntouched(state) && state.stages.length) return state;
  const [first, ...rest] = state.conditions;
  const stage: Stage = { op: 'rows', columns: state.held.map(({ name, expr }) => ({ name, expr })), ...(state.misfits.length ? { misfits: [...state.misfits] } : {}), where: first ? rest.length ? { k: 'and', es: [...state.conditions] } : first : null };
  return behind({ ...state, stages: [...state.stages, stage] }, state.held);
}
const isUntouched = ({ held, input, conditions, misfits }: State): boolean => !conditions.length && !misfits.length && held.length === input.size && held.every(({ name, expr }) => expr.k === 'col' && expr.name === name);
const behind = (state: State, columns: readonly FusedColumn[]): State => ({
  dialect: state.dialect, stages: state.stages, conditions: [], misfits: [], input: new Map(columns.map(({ name, type }) => [name, type])), held: columns.map(({ name, type, source }) => ({ name, type, source, expr: { k: 'col', name } })) });

/** An expression over the columns that a step sees, checked, in terms of the columns behind the last stage. */
function inTerms(expr: Expr, state: State, expect?: ColumnType): { readonly expr: Expr; readonly type: ColumnType } {
  const { held, input } = state;
  const here = checkExpression(expr, { input: new Map(held.map(({ name, type }) => [name, type])), ...(expect ? { expect } : {}) });
  const whole = checkExpression(substituted(here.expr, new Map(held.map((column) => [column.name, column.expr]))), { input });
  assertForm(whole, state);
  return { expr: whole.expr, type: here.type };
}
const somewhere = <D extends ExprDialect>(dialect: D): SqlFragment<D> => sqlFor(dialect)`${identifier('c')}`;
/** @throws Refusal `SQL_NO_FORM` */
function assertForm(expr: ValidatedExpr, { dialect }: State): void {
  // A column that only passes may have a type that expressions do not know.
  if (dialect && expr.expr.k !== 'col') printExpression(dialect, expr, () => somewhere(dialect));
}

function named(columns: readonly Held[], name: string): Held {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  const near = didYouMean(name, columns.map((column) => column.name));
  throw new Refusal('SQL_COLUMN', `There is no such column here${near ? `; ${near.replace(/\?$/, '')}` : ''}`);
}
function comparable(columns: readonly Held[], name: string): Held {
  const column = named(columns, name);
  if (!isUsable(column.type) || column.type.kind === 'f64' || column.type.kind === 'f32') throw new Refusal('SQL_TYPE', `Rows are not told apart by a column of ${column.type.kind}; cast it first`);
  return column;
}
function kept(columns: readonly Held[]): readonly Held[] {
  if (!columns.length) throw new Refusal('SQL_COLUMN', 'No column is left');
  return columns;
}
/** Engines fold case: two names that differ in nothing else are one. PostgreSQL cuts a name that is longer than an identifier can be. */
function refuseNames(state: State, input: InputColumns): State {
  const tooLong = state.held.find(({ name }) => !input.has(name) && !isName(name));
  if (tooLong) throw new Refusal('SQL_IDENTIFIER', 'The name of a column has 1 to 63 bytes');
  const names = state.held.map(({ name }) => name.toLowerCase());
  if (new Set(names).size !== names.length) throw new Refusal('STEP_COLUMN_CLASH', 'Two columns would have one name');
  return state;
}
