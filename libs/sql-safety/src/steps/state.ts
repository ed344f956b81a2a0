import { type ColumnType, type Expr, type Order, type Stage } from '@agent-etl/contracts';
import { type InputColumns, checkExpression } from '../check/check-expression.ts';
import { isSortable, isUsable } from '../check/type-rules.ts';
import type { ValidatedExpr } from '../check/validated.ts';
import { identifier } from '../ident/identifier.ts';
import { noSuch } from '../no-such.ts';
import { Refusal } from '../refusal.ts';
import { printExpression } from '../render/print-expression.ts';
import type { ExprDialect } from '../render/types.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { substituted } from './substitute.ts';

/** A column behind the last step. `source` is the column of the input that it is, unchanged, or null; `padded` where a join may have made it NULL. */
export interface FusedColumn { readonly name: string; readonly type: ColumnType; readonly source: string | null; readonly padded?: boolean }
/** What steps come to: as few stages as they need, and the columns behind them.
 * @property handOff how many of the stages the engine of the source computes, and the columns behind them, where another engine computes the others */
export interface Fused { readonly columns: readonly FusedColumn[]; readonly stages: readonly Stage[]; readonly handOff?: { readonly after: number; readonly columns: readonly FusedColumn[] } }
/** Where rows are handed to another engine; undefined: nowhere. */
export type HandingOff = 'at-the-first-join' | 'at-once' | undefined;

export interface Held extends FusedColumn { readonly expr: Expr }
/** Rows whose value did not fit a type that a step gave it. They are set aside whatever later steps make of the column. */
export interface Misfit { readonly name: string; readonly expr: Expr }
/** Rows behind some stages, and what the row-wise steps since then make of them: neighbours become one stage. */
export interface State { readonly stages: readonly Stage[]; readonly input: InputColumns; readonly held: readonly Held[]; readonly conditions: readonly Expr[]; readonly misfits: readonly Misfit[]; readonly dialect: ExprDialect | null;
  readonly inputs: readonly InputColumns[]; readonly handsOff: HandingOff; readonly handOff: Fused['handOff'] }

/** A column without what made it. */
export const plain = ({ name, type, source, padded }: FusedColumn): FusedColumn => ({ name, type, source, ...(padded ? { padded } : {}) });
/** The row-wise steps so far as a stage of their own; nothing where they change nothing. */
export function flushed(state: State): State {
  if (isUntouched(state) && state.stages.length) return state;
  const [first, ...rest] = state.conditions;
  const stage: Stage = { op: 'rows', columns: state.held.map(({ name, expr }) => ({ name, expr })), ...(state.misfits.length ? { misfits: [...state.misfits] } : {}), where: first ? rest.length ? { k: 'and', es: [...state.conditions] } : first : null };
  return behind({ ...state, stages: [...state.stages, stage] }, state.held);
}
export const isUntouched = ({ held, input, conditions, misfits }: State): boolean => !conditions.length && !misfits.length && held.length === input.size && held.every(({ name, expr }) => expr.k === 'col' && expr.name === name);
export const behind = (state: State, columns: readonly FusedColumn[]): State => ({
  ...state, conditions: [], misfits: [], input: new Map(columns.map(({ name, type }) => [name, type])), held: columns.map((column) => ({ ...plain(column), expr: { k: 'col', name: column.name } })) });

/** An expression over the columns that a step sees, checked, in terms of the columns behind the last stage. */
export function inTerms(expr: Expr, state: State, expect?: ColumnType): { readonly expr: Expr; readonly type: ColumnType } {
  const { held, input } = state;
  const here = checkExpression(expr, { input: new Map(held.map(({ name, type }) => [name, type])), ...(expect ? { expect } : {}) });
  const whole = checkExpression(substituted(here.expr, new Map(held.map((column) => [column.name, column.expr]))), { input });
  assertForm(whole, state);
  return { expr: whole.expr, type: here.type };
}
const somewhere = <D extends ExprDialect>(dialect: D): SqlFragment<D> => sqlFor(dialect)`${identifier('c')}`;
/** @throws Refusal `SQL_NO_FORM` */
export function assertForm(expr: ValidatedExpr, { dialect }: State): void {
  // A column that only passes may have a type that expressions do not know.
  if (dialect && expr.expr.k !== 'col') printExpression(dialect, expr, () => somewhere(dialect));
}

export function named(columns: readonly Held[], name: string): Held {
  const found = columns.find((column) => column.name === name);
  if (!found) throw noSuch('column', name, { known: columns.map((column) => column.name) });
  return found;
}
export function comparable(columns: readonly Held[], name: string): Held {
  const column = named(columns, name);
  if (!isUsable(column.type) || column.type.kind === 'f64' || column.type.kind === 'f32') throw new Refusal('SQL_TYPE', `Rows are not told apart by a column of ${column.type.kind}; cast it first`);
  return column;
}
/** An order over the columns that a step sees. @throws Refusal `SQL_TYPE` for one by values without order */
export const ordered = (order: readonly Order[], state: State): Order[] => order.map((part) => {
  const { expr, type } = inTerms(part.e, state);
  if (!isSortable(type)) throw new Refusal('SQL_TYPE', `Rows have no order by a column of ${type.kind}`);
  return { ...part, e: expr };
});
