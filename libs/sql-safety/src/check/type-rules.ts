import type { ColumnType } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';

type Kind = ColumnType['kind'];
export const bool: ColumnType = { kind: 'bool' };
export const text: ColumnType = { kind: 'text' };
export const i32: ColumnType = { kind: 'i32' };
export const i64: ColumnType = { kind: 'i64' };
export const f64: ColumnType = { kind: 'f64' };
export const date: ColumnType = { kind: 'date' };
export const ts: ColumnType = { kind: 'ts' };

const WHOLE: readonly Kind[] = ['i16', 'i32', 'i64'];
const DIGITS: Partial<Record<Kind, number>> = { i16: 5, i32: 10, i64: 19 };
/** Digits that a decimal of every engine can have. */
export const MOST_DIGITS = 38;
export const isWhole = ({ kind }: ColumnType): boolean => WHOLE.includes(kind);
export const isNumber = ({ kind }: ColumnType): boolean => isWhole({ kind }) || kind === 'dec' || kind === 'f64' || kind === 'f32';
const isFloat = ({ kind }: ColumnType): boolean => kind === 'f64' || kind === 'f32';
/** Kinds that an expression can say something about besides whether they are NULL. */
export const isUsable = ({ kind }: ColumnType): boolean => isNumber({ kind }) || ['bool', 'text', 'bytes', 'date', 'time', 'ts', 'tstz', 'uuid'].includes(kind);

/** Whether a type is an enumeration: a type of its own engine whose values are texts to all others. */
export const isEnumeration = ({ kind, labels }: ColumnType): boolean => kind === 'other' && labels !== undefined;
/** What is wrong with a type that engines do not order, or tell apart, alike, and what helps. */
export const valuesOf = (type: ColumnType, what: 'have no order' | 'are not told apart'): string => (isEnumeration(type) ? `Values of an enumeration ${what} in every engine as they do in its own; cast it to text` : `Values of ${type.kind} ${what} in every engine`);
/** Kinds whose values every engine can put in an order and tell apart. */
export const isSortable = ({ kind }: ColumnType): boolean => kind !== 'json' && kind !== 'other';

/** A decimal that holds every value of a whole number or of a decimal.
 * @throws Refusal `SQL_TYPE` for a decimal without declared digits: no engine but Postgres has it */
export function asDecimal(type: ColumnType): { readonly p: number; readonly s: number } {
  const digits = DIGITS[type.kind];
  if (digits) return { p: digits, s: 0 };
  if (type.precision === undefined) throw new Refusal('SQL_TYPE', 'A decimal without declared digits cannot be calculated with; cast it first, such as cast(x as decimal(18,4))');
  return { p: type.precision, s: type.scale ?? 0 };
}
/** Digits after the point that every engine keeps when a result could need more than it has: Spark cuts the others. */
const KEPT_SCALE = 6;
/** A result that could need more digits than there are has all there are: what does not fit fails in every engine, and is never rounded.
 * @throws Refusal `SQL_TYPE` when an engine would cut digits behind the point */
export function decimal(p: number, s: number): ColumnType {
  const precision = s <= KEPT_SCALE ? Math.min(Math.max(p, s + 1), MOST_DIGITS) : Math.max(p, s + 1);
  if (precision > MOST_DIGITS || s < 0) throw new Refusal('SQL_TYPE', `The result needs ${precision} digits, more than ${MOST_DIGITS}; cast to fewer digits first`);
  return { kind: 'dec', precision, scale: s };
}

/** Type of a sum, difference, product, quotient or remainder. Rules of `spark.md` 5.1: decimals keep every digit or are refused, `/` is f64, `//` and `%` are for whole numbers.
 * @throws Refusal `SQL_TYPE` */
export function arithmeticType(op: '+' | '-' | '*' | '/' | '//' | '%', l: ColumnType, r: ColumnType): ColumnType {
  if (!isNumber(l) || !isNumber(r)) throw new Refusal('SQL_TYPE', `${op} needs numbers; ${mismatch(l, r)}`);
  if (op === '/') return f64;
  if (op === '//' || op === '%') {
    if (!isWhole(l) || !isWhole(r)) throw new Refusal('SQL_TYPE', `${op} is for whole numbers; cast first`);
    return op === '//' ? i64 : wider(wider(l, r), i32);
  }
  if (isFloat(l) || isFloat(r)) return f64;
  if (isWhole(l) && isWhole(r)) return wider(wider(l, r), i32);
  const [a, b] = [asDecimal(l), asDecimal(r)];
  if (op === '*') return decimal(a.p + b.p, a.s + b.s);
  const s = Math.max(a.s, b.s);
  return decimal(Math.max(a.p - a.s, b.p - b.s) + s + 1, s);
}
const wider = (l: ColumnType, r: ColumnType): ColumnType => (WHOLE.indexOf(l.kind) >= WHOLE.indexOf(r.kind) ? l : r);
const mismatch = (l: ColumnType, r: ColumnType): string => `these are ${l.kind} and ${r.kind}`;

/** One type that holds the values of both without loss, for CASE, coalesce and IN.
 * @throws Refusal `SQL_TYPE` */
export function commonType(l: ColumnType, r: ColumnType): ColumnType {
  if (isNumber(l) && isNumber(r)) {
    if (isFloat(l) || isFloat(r)) return f64;
    if (isWhole(l) && isWhole(r)) return wider(l, r);
    if (l.kind === 'dec' && r.kind === 'dec' && l.precision === r.precision && l.scale === r.scale) return l;
    const [a, b] = [asDecimal(l), asDecimal(r)];
    const s = Math.max(a.s, b.s);
    return decimal(Math.max(a.p - a.s, b.p - b.s) + s, s);
  }
  if (l.kind === r.kind) return l;
  if ((l.kind === 'date' && r.kind === 'ts') || (l.kind === 'ts' && r.kind === 'date')) return ts;
  throw new Refusal('SQL_TYPE', `One type is needed, ${mismatch(l, r)}; cast one of them`);
}

/** @throws Refusal `SQL_TYPE` for digits that no engine has */
export function assertDigits({ kind, precision, scale = 0 }: ColumnType): void {
  if (kind !== 'dec' || precision === undefined) return;
  if (!Number.isInteger(precision) || !Number.isInteger(scale) || precision < 1 || precision > MOST_DIGITS || scale < 0 || scale > precision) throw new Refusal('SQL_TYPE', `A decimal has 1 to ${MOST_DIGITS} digits, and at most all of them after the point`);
}

/** What can be turned into what, with one meaning in every engine. */
const castable: Readonly<Partial<Record<Kind, readonly Kind[]>>> = {
  bool: ['bool', 'text'], i16: ['i16', 'i32', 'i64', 'dec', 'f64', 'text'], i32: ['i16', 'i32', 'i64', 'dec', 'f64', 'text'], i64: ['i16', 'i32', 'i64', 'dec', 'f64', 'text'],
  dec: ['i16', 'i32', 'i64', 'dec', 'f64', 'text'], f32: ['f64'], f64: ['i16', 'i32', 'i64', 'dec', 'f64'], text: ['text', 'bool', 'i16', 'i32', 'i64', 'dec', 'f64', 'date', 'ts'],
  date: ['date', 'ts', 'text'], ts: ['ts', 'date', 'text'], tstz: ['tstz'], uuid: ['uuid', 'text'], time: ['time', 'text'], bytes: ['bytes'],
};
/** @throws Refusal `SQL_TYPE` */
export function assertCast(from: ColumnType, to: ColumnType): void {
  if (!castable[from.kind]?.includes(to.kind)) throw new Refusal('SQL_TYPE', `${from.kind} cannot be cast to ${to.kind}${from.kind === 'f64' && to.kind === 'text' ? ': engines spell doubles differently; cast to a decimal first' : ''}`);
  if (to.kind === 'dec') { const { p, s } = asDecimal(to); decimal(p, s); }
  if (from.kind === 'dec' && from.precision === undefined && to.kind !== 'text') return;
}
