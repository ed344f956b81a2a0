import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Column } from '@agent-etl/contracts';
import { coarser, exponentFor } from './histogram-rules.ts';
import { REGISTERS, distinctOf, emptyRegisters, mergeRegisters, readRegisters } from './registers-rules.ts';
import { type SketchPart, emptyPart, finestFor, mergeParts, toldColumns } from './sketch-rules.ts';

const columns: Column[] = [{ name: 'n', type: { kind: 'f64' }, native: 'double', nullable: true }, { name: 'i', type: { kind: 'i64' }, native: 'bigint', nullable: true }];
const hashOf = (value: unknown): bigint => createHash('sha256').update(String(value)).digest().readBigUInt64BE();
/** mulberry32: the same seed, the same rows. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => { state = (state + 0x6D2B79F5) | 0; let t = Math.imul(state ^ (state >>> 15), 1 | state); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32; };
}
function registersOf(values: Iterable<unknown>) {
  const registers = emptyRegisters();
  for (const value of values) {
    const hash = hashOf(value);
    const index = Number(hash & 4095n);
    registers[index] = Math.min(registers[index]!, Number(hash >> 12n));
  }
  return registers;
}
/** One sketch over rows, counted value by value: what merged pieces must come to. */
function sketchOf(rows: readonly (readonly (number | null)[])[]): SketchPart {
  return { rows: rows.length, columns: columns.map(({ type: { kind } }, index) => {
    const values = rows.map((row) => row[index] ?? null).filter((value) => value !== null);
    const finite = values.filter(Number.isFinite);
    const [low, high] = [Math.min(...finite), Math.max(...finite)];
    const bars = finite.length === 0 ? null : barsOf(finite, exponentFor({ low, high }, finestFor(kind)));
    return { nulls: rows.length - values.length, beyond: values.length - finite.length, registers: registersOf(values), bars,
      low: bars && { at: low, text: String(low) }, high: bars && { at: high, text: String(high) } };
  }) };
}
function barsOf(values: readonly number[], exponent: number) {
  const bars = values.map((value) => Math.floor(value / 2 ** exponent));
  const first = Math.min(...bars);
  return { exponent, first, counts: Array.from({ length: Math.max(...bars) - first + 1 }, (_, index) => bars.filter((bar) => bar === first + index).length) };
}
function someRows(random: () => number, count: number): (number | null)[][] {
  const scale = 10 ** Math.floor(random() * 12 - 4);
  return Array.from({ length: count }, () => [random() < 0.1 ? null : random() < 0.02 ? NaN : (random() - 0.3) * scale, random() < 0.1 ? null : Math.floor((random() - 0.5) * scale * 100)]);
}

describe('a sketch', () => {
  it('of pieces, in any order and cut anywhere, is the sketch of all rows', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = numbers(seed);
      const rows = [...someRows(random, Math.floor(random() * 200)), ...someRows(random, Math.floor(random() * 200)), ...someRows(random, 3)];
      const cut = Math.floor(random() * rows.length);
      const again = Math.floor(random() * rows.length);
      const [a, b, c] = [rows.slice(0, Math.min(cut, again)), rows.slice(Math.min(cut, again), Math.max(cut, again)), rows.slice(Math.max(cut, again))].map(sketchOf) as [SketchPart, SketchPart, SketchPart];
      const whole = mergeParts(columns, emptyPart(columns), sketchOf(rows));
      expect(mergeParts(columns, mergeParts(columns, a, b), c)).toEqual(whole);
      expect(mergeParts(columns, c, mergeParts(columns, b, a))).toEqual(whole);
    }
  });
  it('has never more bars than fit a screen, and loses no value in them', () => {
    const [told] = toldColumns(columns, sketchOf([[1e-9, 0], [1e18, 0], [-3, 0], [7, 0], [NaN, 0]]));
    expect(told!.histogram!.counts.length).toBeLessThanOrEqual(32);
    expect(told!.histogram!.counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    expect(told).toMatchObject({ beyond: 1, min: '-3', max: '1000000000000000000', nulls: 0 });
  });
  it('tells the ends apart that are one on a scale of 53 bits', () => {
    const end = (text: string): SketchPart => ({ rows: 1, columns: [emptyPart(columns).columns[0]!, { ...emptyPart(columns).columns[1]!, low: { at: Number(text), text }, high: { at: Number(text), text } }] });
    const merged = mergeParts(columns, end('9007199254740993'), end('9007199254740992'));
    expect(merged.columns[1]).toMatchObject({ low: { text: '9007199254740992' }, high: { text: '9007199254740993' } });
  });
});

describe('distinct values', () => {
  it.each([0, 1, 7, 300, 4_096, 9_000, 60_000])('of %i are within the printed bound, merged or not', (count) => {
    const one = registersOf(Array.from({ length: Math.ceil(count * 0.7) }, (_, index) => `v${index}`));
    const other = registersOf(Array.from({ length: count - Math.floor(count * 0.4) }, (_, index) => `v${index + Math.floor(count * 0.4)}`));
    const merged = mergeRegisters(one, other);
    expect(merged).toEqual(registersOf(Array.from({ length: count }, (_, index) => `v${index}`)));
    const { estimate, low, high } = distinctOf(merged, count * 3);
    expect(low).toBeLessThanOrEqual(count);
    expect(high).toBeGreaterThanOrEqual(count);
    expect(Math.abs(estimate - count)).toBeLessThanOrEqual(0.05 * count);
  });
  it('lie outside of the bound about as seldom as it says, at every load of the registers', () => {
    for (const count of [900, 9_000]) {
      const outside = Array.from({ length: 30 }, (_, seed) => distinctOf(registersOf(Array.from({ length: count }, (__, index) => `${seed}/${index}`)), count * 2)).filter(({ low, high }) => count < low || count > high);
      expect(outside.length).toBeLessThanOrEqual(2);
    }
  });
  it('are never fewer than registers that were filled, nor more than values', () => {
    expect(distinctOf(registersOf([1, 2, 3]), 3)).toMatchObject({ estimate: 3, low: 3, high: 3 });
  });
  it('come from nothing but registers', () => {
    expect(readRegisters(null)).toEqual(emptyRegisters());
    expect(readRegisters('3:17,4095:1')[3]).toBe(17);
    expect(() => readRegisters(`${REGISTERS}:1`)).toThrow(RangeError);
  });
});

describe('bars', () => {
  it('grow wider without losing a value', () => { expect(coarser({ exponent: 0, first: -3, counts: [1, 2, 3, 4, 5] }, 2)).toEqual({ exponent: 2, first: -1, counts: [6, 9] }); });
});
