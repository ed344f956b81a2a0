import type { Expr, Measure } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';

export type PivotValue = string | number | boolean | null;
export interface PivotAsked { readonly by: readonly string[]; readonly key: string; readonly values: readonly { readonly value: PivotValue; readonly as?: string | undefined }[]; readonly fn: Measure['fn']; readonly arg: Expr | null }
export interface PivotStep { readonly op: 'group'; readonly by: readonly string[]; readonly measures: readonly Measure[] }

/** Rows to columns: one for each declared value of the key, an aggregate over the rows that have it. It is a grouping whose measures count only those rows, so it means what they mean.
 * @throws Refusal `SQL_LITERAL` for a number that no engine reads exactly */
export function pivotStep({ by, key, values, fn, arg }: PivotAsked): PivotStep {
  const column: Expr = { k: 'col', name: key };
  return { op: 'group', by, measures: values.map(({ value, as = String(value) }) => ({ as, fn, arg, where: value === null ? { k: 'isNull', e: column, neg: false } : { k: 'bin', op: '=', l: column, r: constant(value) } })) };
}
function constant(value: string | number | boolean): Expr {
  if (typeof value === 'string') return { k: 'lit', t: { kind: 'text' }, v: value };
  if (typeof value === 'boolean') return { k: 'lit', t: { kind: 'bool' }, v: String(value) };
  const [, , fraction] = /^(-?\d{1,15})(?:\.(\d{1,15}))?$/.exec(String(value)) ?? [];
  if (Number.isSafeInteger(value)) return { k: 'lit', t: { kind: 'i64' }, v: String(value) };
  if (fraction === undefined) throw new Refusal('SQL_LITERAL', 'A value of pivot is too large or too small; write it as a text');
  return { k: 'lit', t: { kind: 'dec', precision: 30, scale: fraction.length }, v: String(value) };
}
