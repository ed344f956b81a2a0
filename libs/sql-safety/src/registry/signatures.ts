import type { ColumnType, Expr } from '@agent-etl/contracts';
import { asDecimal, bool, decimal, f64, i64, isNumber, isWhole, text } from '../check/type-rules.ts';
import { Refusal } from '../refusal.ts';
import { plainPattern } from './plain-pattern.ts';
import type { Signature, Typing } from './typing.ts';

/** Arguments of fixed types. */
export const fixed = (params: readonly ColumnType[], type: ColumnType): Signature => (args, typing) => ({ args: args.map((arg, index) => typing.to(arg, params[index] ?? text)), type });
/** Arguments of one common type, which is the result's. */
export const common: Signature = (args, typing) => { const { nodes, type } = typing.same(args); return { args: nodes, type }; };

/** A constant whole number, within bounds: what engines do beyond them differs. */
export function constant(arg: Expr | undefined, [least, most]: readonly [number, number]): number {
  const value = arg?.k === 'lit' && arg.v !== null && /^-?\d{1,6}$/.test(arg.v) ? Number(arg.v) : null;
  if (value === null || value < least || value > most) throw new Refusal('SQL_LITERAL', `A whole number from ${least} to ${most} is needed here, written out`);
  return value;
}
const constantText = (arg: Expr | undefined): string | null => (arg?.k === 'lit' && arg.t.kind === 'text' ? arg.v : null);

/** A text, then whole numbers that are written out. */
export const sized = (bounds: readonly (readonly [number, number])[], type: ColumnType = text): Signature => ([value, ...sizes], typing) => {
  sizes.forEach((size, index) => { constant(size, bounds[index] ?? [0, 0]); });
  return { args: [typing.to(value!, text), ...sizes.map((size) => typing.to(size, i64))], type };
};

/** A text and texts that are written out and not empty: engines differ in what an empty one means. */
export const withTexts = (type: ColumnType, count: number): Signature => ([value, ...rest], typing) => {
  if (rest.slice(0, count).some((arg) => !constantText(arg))) throw new Refusal('SQL_LITERAL', 'A text that is not empty is needed here, written out');
  return { args: [value!, ...rest].map((arg) => typing.to(arg, text)), type };
};

/** A number, whose type stays. */
export const number: Signature = ([arg], typing) => {
  const type = typing.typeOf(arg!);
  if (!isNumber(type)) throw new Refusal('SQL_TYPE', `A number is needed, this is ${type.kind}`);
  if (type.kind === 'dec') asDecimal(type);
  return { args: [arg!], type };
};
/** A number to a whole number. */
export const toWhole: Signature = (args, typing) => ({ ...number(args, typing), type: i64 });
/** A number as f64. */
export const double: Signature = (args, typing) => ({ args: args.map((arg) => typing.to(arg, f64)), type: f64 });

/** round(x, n): of a double no two engines agree on the halves, so it is for decimals and whole numbers. */
export const rounded: Signature = ([value, digits], typing) => {
  const type = typing.typeOf(value!);
  if (isWhole(type)) { constant(digits ?? { k: 'lit', t: i64, v: '0' }, [0, 0]); return { args: [value!], type }; }
  // A double is rounded by its own digits, half away from zero, as a decimal of them.
  if (type.kind === 'f64') { const n = digits ? constant(digits, [0, 10]) : 0; const to = decimal(28 + n, n); return { args: [typing.cast(value!, to), typing.to(digits ?? { k: 'lit', t: i64, v: '0' }, i64)], type: to }; }
  if (type.kind !== 'dec') throw new Refusal('SQL_TYPE', 'round is for numbers');
  const { p, s } = asDecimal(type);
  const n = digits ? constant(digits, [0, 37]) : 0;
  if (n > s) throw new Refusal('SQL_TYPE', `This has ${s} digits after the point; round to at most as many`);
  return { args: [value!, typing.to(digits ?? { k: 'lit', t: i64, v: '0' }, i64)], type: decimal(p - s + n + 1, n) };
};

const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'];
export const PARTS = ['year', 'quarter', 'month', 'day', 'hour', 'minute', 'second', 'isodow', 'doy', 'week', 'isoyear'];
interface Temporal { readonly value: Expr | undefined; readonly unit: Expr | undefined; readonly units: readonly string[] }
function temporal({ value, unit, units }: Temporal, typing: Typing): ColumnType {
  const name = constantText(unit)?.toLowerCase() ?? '';
  if (!units.includes(name)) throw new Refusal('SQL_LITERAL', `A unit is needed here: ${units.join(', ')}`);
  const type = typing.typeOf(value!);
  if (type.kind !== 'date' && type.kind !== 'ts') throw new Refusal('SQL_TYPE', `A date or a timestamp is needed, this is ${type.kind}; cast it`);
  if (type.kind === 'date' && ['hour', 'minute', 'second'].includes(name)) throw new Refusal('SQL_TYPE', `A date has no ${name}`);
  return type;
}
/** date_trunc(unit, t): keeps the type. */
export const truncated: Signature = ([unit, value], typing) => ({ args: [typing.to(unit!, text), value!], type: temporal({ value, unit, units: UNITS }, typing) });
/** date_part(unit, t): whole. */
export const part: Signature = ([unit, value], typing) => { temporal({ value, unit, units: PARTS }, typing); return { args: [typing.to(unit!, text), value!], type: i64 }; };
/** year(t) and its kin. */
export const ofTime: Signature = ([value], typing) => { temporal({ value, unit: { k: 'lit', t: text, v: 'day' }, units: PARTS }, typing); return { args: [value!], type: i64 }; };

/** A date or a time moved by whole months, days or seconds; a date moved by seconds is a time. */
export const shiftedBy = (unit: 'months' | 'days' | 'seconds'): Signature => ([value, n], typing) => {
  const type = typing.typeOf(value!);
  const asText = value!.k === 'lit' && type.kind === 'text' ? typing.to(value!, { kind: 'date' }) : value!;
  const kind = typing.typeOf(asText).kind;
  if (kind !== 'date' && kind !== 'ts') throw new Refusal('SQL_TYPE', `A date or a timestamp is needed, this is ${kind}; cast it`);
  const moved = unit === 'seconds' ? typing.to(asText, { kind: 'ts' }) : asText;
  return { args: [moved, typing.to(n!, i64)], type: typing.typeOf(moved) };
};
/** A text between texts: the first is written out. */
export const separated: Signature = ([separator, ...rest], typing) => {
  if (separator?.k !== 'lit' || separator.v === null) throw new Refusal('SQL_LITERAL', 'The separator must be written out');
  return { args: [separator, ...rest].map((arg) => typing.to(arg, text)), type: text };
};
/** A text and a text that is written out and not empty. */
export const withCharacters: Signature = (args, typing) => withTexts(text, 1)(args, typing);

/** Whether a text holds a pattern: it is written out, and stays as it was written, since what is stored is checked again. It is spelled for an engine where it is printed. */
export const matching: Signature = ([value, pattern], typing) => {
  const written = constantText(pattern);
  if (written === null) throw new Refusal('SQL_LITERAL', 'The pattern must be written out');
  plainPattern(written);
  return { args: [typing.to(value!, text), typing.to(pattern!, text)], type: bool };
};

/** nullif(a, b): compared as one type, the type of the first stays. */
export const nulled: Signature = (args, typing) => { const { nodes, type } = typing.same(args); return { args: nodes, type }; };
/** if(condition, a, b). */
export const either: Signature = ([condition, ...rest], typing) => { const { nodes, type } = typing.same(rest); return { args: [typing.to(condition!, bool), ...nodes], type }; };

/** f(document, path…): keys and places from 0, written out. A key of `*` or with a quote would be a pattern to some engines. */
export const byPath = (type: ColumnType): Signature => ([document, ...path], typing) => {
  const { kind } = typing.typeOf(document!);
  if (kind !== 'json' && kind !== 'text') throw new Refusal('SQL_TYPE', `A document of JSON is needed, this is ${kind}`);
  for (const part of path) {
    const key = constantText(part);
    if (key === null) constant(part, [0, 999_999]);
    else if (!/^[^"\\*\u0000-\u001f]{1,255}$/.test(key)) throw new Refusal('SQL_LITERAL', 'A key is 1 to 255 characters without ", \\ and *');
  }
  return { args: [document!, ...path], type };
};
