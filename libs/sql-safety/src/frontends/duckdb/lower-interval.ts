import type { Expr } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';
import type { Go } from './lower-expression.ts';
import { type Json, type Tree, isList, isTree, offsetOf } from './tree.ts';

type Shift = 'shift_months' | 'shift_days' | 'shift_seconds';
interface Part { readonly shift: Shift; readonly n: Expr; readonly times: number }
const UNITS: Readonly<Record<string, readonly [Shift, number]>> = {
  year: ['shift_months', 12], quarter: ['shift_months', 3], month: ['shift_months', 1], mon: ['shift_months', 1], week: ['shift_days', 7], day: ['shift_days', 1], hour: ['shift_seconds', 3_600], minute: ['shift_seconds', 60], min: ['shift_seconds', 60], second: ['shift_seconds', 1], sec: ['shift_seconds', 1],
};
const CALLS: Readonly<Record<string, string>> = { to_years: 'year', to_quarters: 'quarter', to_months: 'month', to_weeks: 'week', to_days: 'day', to_hours: 'hour', to_minutes: 'minute', to_seconds: 'second' };
const whole = (n: number): Expr => ({ k: 'lit', t: { kind: Math.abs(n) < 2 ** 31 ? 'i32' : 'i64' }, v: String(n) });

const castTo = (node: Tree): unknown => (isTree(node['cast_type']) ? node['cast_type']['id'] : undefined);
/** The parser wraps the number of an interval: CAST(trunc(CAST(n AS DOUBLE)) AS INTEGER). */
function unwrapped(node: Json | undefined): Json | undefined {
  if (!isTree(node)) return node;
  if (node['class'] === 'CAST' && ['INTEGER', 'BIGINT', 'DOUBLE'].includes(String(castTo(node)))) return unwrapped(node['child']);
  if (node['class'] === 'FUNCTION' && node['function_name'] === 'trunc' && isList(node['children'])) return unwrapped(node['children'][0]);
  return node;
}
function textParts(text: string, at: number | null): readonly Part[] {
  const parts = [...text.matchAll(/\s*([+-]?\d{1,9})\s*([a-z]+?)s?(?=\s|$)/giy)];
  if (!parts.length || parts.reduce((length, [whole_]) => length + whole_.length, 0) !== text.trimEnd().length) throw new Refusal('SQL_LITERAL', 'An interval is a whole number and a unit, such as interval \'3 months\'', at);
  return parts.map(([, n = '', unit = '']) => partOf(unit, whole(Number(n)), at));
}
function partOf(unit: string, n: Expr, at: number | null): Part {
  const known = Object.hasOwn(UNITS, unit.toLowerCase()) ? UNITS[unit.toLowerCase()] : undefined;
  if (!known) throw new Refusal('SQL_LITERAL', 'An interval has years, quarters, months, weeks, days, hours, minutes or seconds', at);
  return { shift: known[0], n, times: known[1] };
}

/** What a node says when it is an interval; null for any other node. */
export function intervalOf(node: Json | undefined, go: Go): readonly Part[] | null {
  if (!isTree(node)) return null;
  if (node['class'] === 'CAST' && castTo(node) === 'INTERVAL') {
    const child = isTree(node['child']) ? node['child']['value'] : null;
    const text = isTree(child) ? child['value'] : null;
    if (typeof text !== 'string') throw new Refusal('SQL_LITERAL', 'An interval must be written out', offsetOf(node));
    return textParts(text, offsetOf(node));
  }
  if (node['class'] !== 'FUNCTION' || typeof node['function_name'] !== 'string' || !isList(node['children'])) return null;
  const { function_name: name, children } = node;
  const unit = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  if (unit) return [partOf(unit, numberOf(go(unwrapped(children[0])), offsetOf(node)), offsetOf(node))];
  if (name === '*' && children.length === 2) {
    const [l, r] = children;
    const [interval, factor] = [intervalOf(l, go) ?? intervalOf(r, go), intervalOf(l, go) ? r : l];
    return interval ? interval.map(({ shift, n, times }) => ({ shift, n: { k: 'bin', op: '*', l: n, r: go(factor) }, times })) : null;
  }
  return null;
}
function numberOf(e: Expr, at: number | null): Expr {
  if (e.k !== 'lit' || e.t.kind !== 'text') return e;
  if (!/^\s*[+-]?\d{1,9}\s*$/.test(e.v ?? '')) throw new Refusal('SQL_LITERAL', 'An interval has a whole number', at);
  return whole(Number(e.v));
}

/** A date or a time moved by an interval. */
export function shifted(e: Expr, parts: readonly Part[], sign: 1 | -1): Expr {
  return parts.reduce<Expr>((moved, { shift, n, times }) => ({ k: 'call', fn: shift, args: [moved, multiplied(n, times * sign)] }), e);
}
const multiplied = (n: Expr, by: number): Expr => (n.k === 'lit' && n.v !== null ? whole(Number(n.v) * by) : by === 1 ? n : { k: 'bin', op: '*', l: n, r: whole(by) });
