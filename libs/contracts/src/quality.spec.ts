import { describe, expect, it } from '@jest/globals';
import { type Measured, scoreOf } from './quality.ts';

const kinds = ['not_null', 'range', 'unique', 'unique'] as const;
/** mulberry32 */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
type Row = (number | null)[];
/** What a source would count: column 0 not_null, column 1 in [0, 9], columns 2 and (2, 3) unique. */
function counted(rows: readonly Row[]): Measured {
  const twins = (...at: number[]): number => { const keys = rows.map((row) => at.map((index) => row[index])).filter((key) => key.every((part) => part !== null)); return keys.length - new Set(keys.map((key) => key.join())).size; };
  return { rows: rows.length, nulls: [0, 1, 2, 3].map((index) => rows.filter((row) => row[index] === null).length), broken: [rows.filter(([first]) => first === null).length, rows.filter(([, second]) => second !== null && second !== undefined && (second < 0 || second > 9)).length, twins(2), twins(2, 3)] };
}

describe('a score', () => {
  it('is the weighted mean of its parts, and of those alone that something measures', () => {
    expect(scoreOf({ rows: 10, nulls: [5, 0], broken: [1, 2, 4, 0] }, kinds)).toEqual({ completeness: 0.75, validity: 0.85, consistency: 0.8, score: 0.795 });
    expect(scoreOf({ rows: 10, nulls: [5, 0], broken: [] }, [])).toEqual({ completeness: 0.75, validity: null, consistency: null, score: 0.75 });
    expect(scoreOf({ rows: 0, nulls: [0], broken: [0] }, ['range'])).toEqual({ completeness: null, validity: null, consistency: null, score: 1 });
    expect(scoreOf({ rows: 1e9, nulls: [1], broken: [] }, []).score).toBe(0.999999);
  });
  it('never rises, and mostly falls, when a good value becomes bad', () => {
    let fell = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const next = random(seed);
      const rows: Row[] = Array.from({ length: 5 + Math.floor(next() * 40) }, (_, nth) => [1, Math.floor(next() * 10), nth, nth]);
      let before = scoreOf(counted(rows), kinds).score;
      expect(before).toBe(1);
      const untouched = new Set(rows.keys());
      while (untouched.size > 1) {
        const at = [...untouched][Math.floor(next() * untouched.size)]!;
        untouched.delete(at);
        const twin = [...untouched][0]!;
        const row = rows[at]!;
        const error = Math.floor(next() * 4);
        if (error === 0) row[Math.floor(next() * 4)] = null;
        else if (error === 1) row[1] = 99;
        else { row[2] = rows[twin]![2]!; if (error === 3) row[3] = rows[twin]![3]!; }
        if (error > 1) untouched.delete(twin);
        const after = scoreOf(counted(rows), kinds).score;
        expect([seed, after <= before]).toEqual([seed, true]);
        if (after < before) fell += 1;
        before = after;
      }
    }
    expect(fell).toBeGreaterThan(3000);
  });
});
