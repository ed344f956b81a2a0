import type { Column, ColumnSketch } from '@agent-etl/contracts';
import { type Bars, exponentFor, finestOf, mergeBars } from './histogram-rules.ts';
import { type Registers, distinctOf, emptyRegisters, mergeRegisters } from './registers-rules.ts';

/** A value at an end of a column: its place on the scale of the column, and its text. */
export interface End { readonly at: number; readonly text: string }
/** What one piece says of a column. */
export interface ColumnPart { readonly nulls: number; readonly beyond: number; readonly low: End | null; readonly high: End | null; readonly registers: Registers; readonly bars: Bars | null }
export interface SketchPart { readonly rows: number; readonly columns: readonly ColumnPart[] }

type Kind = Column['type']['kind'];
const VALUES: ReadonlySet<Kind> = new Set(['bool', 'i16', 'i32', 'i64', 'dec', 'f32', 'f64']);
const TIMES: ReadonlySet<Kind> = new Set(['date', 'time', 'ts', 'tstz']);
const LENGTHS: ReadonlySet<Kind> = new Set(['text', 'bytes', 'json']);
const WHOLE: ReadonlySet<Kind> = new Set(['bool', 'i16', 'i32', 'i64', 'date', 'text', 'bytes', 'json']);
export const measureOf = (kind: Kind): ColumnSketch['measure'] => (VALUES.has(kind) ? 'value' : TIMES.has(kind) ? 'seconds' : LENGTHS.has(kind) ? 'length' : 'none');
export const finestFor = (kind: Kind): number => finestOf(WHOLE.has(kind) ? 'whole' : 'broken');

export const emptyPart = (columns: readonly Column[]): SketchPart => ({ rows: 0, columns: columns.map(() => ({ nulls: 0, beyond: 0, low: null, high: null, registers: emptyRegisters(), bars: null })) });

/** The sketch of the rows of both: equal to one sketch over all of them, whatever the order. */
export const mergeParts = (columns: readonly Column[], a: SketchPart, b: SketchPart): SketchPart => ({
  rows: a.rows + b.rows, columns: columns.map(({ type: { kind } }, index) => mergeColumn(kind, a.columns[index]!, b.columns[index]!)) });

function mergeColumn(kind: Kind, a: ColumnPart, b: ColumnPart): ColumnPart {
  const low = lesser(a.low, b.low, 1);
  const high = lesser(a.high, b.high, -1);
  return { nulls: a.nulls + b.nulls, beyond: a.beyond + b.beyond, low, high, registers: mergeRegisters(a.registers, b.registers),
    bars: low && high ? mergeBars(a.bars, b.bars, exponentFor({ low: low.at, high: high.at }, finestFor(kind))) : null };
}
/** @param sign 1 for the lesser of two, -1 for the greater */
function lesser(a: End | null, b: End | null, sign: 1 | -1): End | null {
  if (!a || !b) return a ?? b;
  const order = a.at === b.at ? compareNumbers(a.text, b.text) : a.at - b.at;
  return order * sign <= 0 ? a : b;
}
const PLAIN = /^-?\d+(\.\d+)?$/;
/** Numbers that are one on the scale, which has 53 bits, may differ as they are spelled. */
function compareNumbers(a: string, b: string): number {
  if (!PLAIN.test(a) || !PLAIN.test(b)) return 0;
  const digits = Math.max(...[a, b].map((text) => text.split('.')[1]?.length ?? 0));
  const scaled = (text: string): bigint => { const [whole = '', part = ''] = text.split('.'); return BigInt(whole + part.padEnd(digits, '0')); };
  const [one, other] = [scaled(a), scaled(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** What is told of the merged pieces. Registers stay here: the estimate with its bound is what they are for. */
export const toldColumns = (columns: readonly Column[], { rows, columns: parts }: SketchPart): ColumnSketch[] => columns.map(({ name, type: { kind }, native }, index) => {
  const { nulls, beyond, low, high, registers, bars } = parts[index]!;
  const width = 2 ** (bars?.exponent ?? 0);
  return { name, kind, native, nulls, measure: measureOf(kind), min: low?.text ?? null, max: high?.text ?? null, distinct: distinctOf(registers, rows - nulls),
    histogram: bars ? { from: bars.first * width, width, counts: [...bars.counts] } : null, beyond };
});
