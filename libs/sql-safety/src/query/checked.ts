import type { ColumnType, Expr, QueryAggregate, QueryFrame, QueryWindowFunction } from '@agent-etl/contracts';
import type { ValidatedExpr } from '../check/validated.ts';

/** A column of a relation that a value comes from. */
export interface SourceColumn { readonly relation: string; readonly column: string }
/** How a value came from its origins, from the least change to the most. */
export const changes = ['copied', 'computed', 'windowed', 'aggregated'] as const;
export type Change = (typeof changes)[number];
/** @property clear of the origins, and of what decides a value, those that it may give away: all but what is only counted or ranked */
interface Traced { readonly type: ColumnType; readonly origins: readonly SourceColumn[]; readonly clear: readonly SourceColumn[]; readonly how: Change;
  /** Equal for slots that mean the same. */
  readonly key: string }

/** What `$0`, `$1`, … of a value stand for, resolved and typed.
 * @property depth of a column: how many queries stand around the one that has it */
export type CheckedSlot = Traced & (
  | { readonly k: 'column'; readonly alias: string; readonly name: string; readonly depth: number }
  | { readonly k: 'value'; readonly value: CheckedValue }
  | { readonly k: 'aggregate'; readonly fn: QueryAggregate; readonly args: readonly CheckedValue[]; readonly distinct: boolean; readonly order: readonly SortKey[]; readonly where: CheckedValue | null }
  | { readonly k: 'window'; readonly fn: QueryAggregate | QueryWindowFunction; readonly args: readonly CheckedValue[]; readonly partition: readonly CheckedValue[]; readonly order: readonly SortKey[]; readonly frame: QueryFrame | null; readonly where: CheckedValue | null }
  | { readonly k: 'scalar' | 'exists'; readonly query: CheckedQuery }
  | { readonly k: 'in'; readonly e: CheckedValue; readonly query: CheckedQuery }
  | { readonly k: 'grouping'; readonly of: CheckedValue }
  | { readonly k: 'clock'; readonly is: 'date' | 'ts' }
);
/** @property isNull whether it is a NULL that takes whatever type is asked for */
export interface CheckedValue extends Traced { readonly value: ValidatedExpr; readonly slots: readonly CheckedSlot[]; readonly isNull: boolean }
export interface SortKey { readonly e: CheckedValue; readonly dir: 'asc' | 'desc'; readonly nulls: 'first' | 'last' }
/** An order of rows: by a column of the result, or by a value beside it. */
export interface RowOrder { readonly by: { readonly output: number } | { readonly value: CheckedValue }; readonly dir: 'asc' | 'desc'; readonly nulls: 'first' | 'last'; readonly type: ColumnType }

export type CheckedFrom =
  | { readonly k: 'table'; readonly parts: readonly string[]; readonly alias: string }
  | { readonly k: 'cte'; readonly name: string; readonly alias: string }
  | { readonly k: 'query'; readonly query: CheckedQuery; readonly alias: string }
  | { readonly k: 'values'; readonly rows: readonly (readonly CheckedValue[])[]; readonly names: readonly string[]; readonly alias: string }
  | { readonly k: 'join'; readonly kind: 'inner' | 'left' | 'right' | 'full' | 'cross'; readonly left: CheckedFrom; readonly right: CheckedFrom; readonly on: CheckedValue | null };
/** A semi or anti join: rows for which the other side has one, or none. */
export interface Presence { readonly neg: boolean; readonly from: CheckedFrom; readonly on: CheckedValue }
export interface CheckedSelect {
  readonly k: 'select'; readonly distinct: boolean; readonly distinctOn: readonly CheckedValue[]; readonly items: readonly CheckedValue[]; readonly from: CheckedFrom | null; readonly presences: readonly Presence[];
  readonly where: CheckedValue | null; readonly keys: readonly CheckedValue[]; readonly sets: readonly (readonly number[])[]; readonly having: CheckedValue | null; readonly qualify: CheckedValue | null;
}
export interface CheckedSet { readonly k: 'set'; readonly op: 'union' | 'except' | 'intersect'; readonly all: boolean; readonly left: CheckedQuery; readonly right: CheckedQuery }
export interface Output { readonly name: string; readonly type: ColumnType; readonly origins: readonly SourceColumn[]; readonly clear: readonly SourceColumn[]; readonly how: Change; readonly isNull: boolean }
/** @property casts type that a column is turned into behind everything else, where a union asks for it */
export interface CheckedQuery {
  readonly ctes: readonly { readonly name: string; readonly query: CheckedQuery }[]; readonly body: CheckedSelect | CheckedSet; readonly outputs: readonly Output[]; readonly casts: readonly (ColumnType | null)[];
  readonly order: readonly RowOrder[]; readonly limit: number | null; readonly offset: number | null;
}

/** Origins of several parts, each once. */
export const originsOf = (parts: readonly { readonly origins: readonly SourceColumn[] }[]): SourceColumn[] => eachOnce(parts.flatMap(({ origins }) => origins));
export const clearOf = (parts: readonly { readonly clear: readonly SourceColumn[] }[]): SourceColumn[] => eachOnce(parts.flatMap(({ clear }) => clear));
const eachOnce = (columns: readonly SourceColumn[]): SourceColumn[] => [...new Map(columns.map((column) => [`${column.relation}\n${column.column}`, column] as const)).values()];
export const mostChanged = (hows: readonly Change[], least: Change): Change => hows.reduce((most, how) => (changes.indexOf(how) > changes.indexOf(most) ? how : most), least);
/** What a tree means, with what its columns stand for in their place: as it is, since a text in a text in a text would double its backslashes at each turn. */
export function keyOf(expr: Expr, slots: readonly CheckedSlot[]): string {
  const text = JSON.stringify(expr, (_key, value: unknown) => (isColumn(value) ? `\u0001${value.name.slice(1)}` : value));
  return text.replaceAll(/"\\u0001(\d+)"/g, (_, at: string) => `{${slots[Number(at)]?.key ?? at}}`);
}
const isColumn = (value: unknown): value is { readonly name: string } => typeof value === 'object' && value !== null && 'k' in value && value.k === 'col' && 'name' in value && typeof value.name === 'string';
