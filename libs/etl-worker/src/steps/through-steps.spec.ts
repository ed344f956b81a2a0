import { describe, expect, it } from '@jest/globals';
import type { Combined, Counted, Stage, Transform } from '@agent-etl/contracts';
import { throughSteps } from './through-steps-rules.ts';

const rows = (isFiltered: 'filtered' | 'whole' = 'whole'): Stage => ({ op: 'rows', columns: [{ name: 'a', expr: { k: 'col', name: 'a' } }], where: isFiltered === 'filtered' ? { k: 'lit', t: { kind: 'bool' }, v: 'true' } : null });
const join: Stage = { op: 'join', input: 0, kind: 'left', on: [{ left: 'a', right: 'a', nullSafe: false }], take: [], matches: 'many', misses: 'pass' };
const asked = (...inputs: number[]): Stage => ({ op: 'query', query: {}, input: [], relations: inputs.map((input) => ({ name: `r${input}`, input, columns: ['a'] })), columns: [] }) as never;
const group: Stage = { op: 'group', by: ['a'], measures: [] as never };
const transform = (...stages: Stage[]): Transform => ({ input: [], stages }) as never;
const did = (left: number, out: number): Combined => ({ with: 'files:x.csv', kind: 'left', left, right: 3, out });
const reached = (...combined: Counted[]) => ({ seen: 10, kept: 8, combined });

describe('rows that go through steps', () => {
  it('are followed from the filters through every join', () => {
    expect(throughSteps(12, { transform: transform(rows('filtered'), join, rows(), join, rows()), reached: reached(did(8, 9), did(9, 12)) })).toEqual({ read: 10, filtered: 2, joined: 8, combined: [did(8, 9), did(9, 12)] });
    expect(throughSteps(5, { transform: transform(rows('filtered'), group, join), reached: reached(did(4, 5)) })).toMatchObject({ grouped: 8, combined: [did(4, 5)] });
    expect(throughSteps(8, { transform: transform(rows('filtered')), reached: { seen: 10, kept: 8 } })).toEqual({ read: 10, filtered: 2 });
  });
  it('are counted into a query, with the rows of what it reads beside them', () => {
    const into: Counted = { with: 'files:x.csv', kind: 'query', left: 8, right: 3, out: 5 };
    expect(throughSteps(5, { transform: transform(rows('filtered'), asked(0)), reached: reached(into) })).toEqual({ read: 10, filtered: 2, grouped: 8, queried: [{ with: 'files:x.csv', left: 8, right: 3, out: 5 }] });
    expect(throughSteps(4, { transform: transform(rows('filtered'), asked()), reached: { seen: 10, kept: 8 } })).toEqual({ read: 10, filtered: 2, grouped: 8 });
    expect(() => throughSteps(6, { transform: transform(rows('filtered'), asked(0)), reached: reached(into) })).toThrow(expect.objectContaining({ code: 'sink.reconcile-mismatch' }) as unknown as Error);
    expect(() => throughSteps(5, { transform: transform(rows('filtered'), asked(0)), reached: reached({ ...into, left: 7 }) })).toThrow(expect.objectContaining({ code: 'sink.reconcile-mismatch' }) as unknown as Error);
    expect(() => throughSteps(5, { transform: transform(rows('filtered'), asked(0)), reached: reached() })).toThrow(expect.objectContaining({ code: 'sink.reconcile-mismatch' }) as unknown as Error);
  });
  it('are known only as far as somebody counted', () => {
    expect(throughSteps(3, { transform: transform(rows(), join, rows('filtered')), reached: reached(did(8, 9)) })).toMatchObject({ joined: 8 });
    expect(throughSteps(2, { transform: transform(rows(), join, group), reached: reached(did(8, 9)) })).toMatchObject({ grouped: 8 });
  });
  it.each([
    ['a row too few behind a join', 8, [rows(), join], [did(8, 9)]], ['a join that saw other rows', 9, [rows(), join], [did(7, 9)]], ['a second join that saw other rows', 9, [rows(), join, join], [did(8, 9), did(8, 9)]],
    ['a join that nobody counted', 9, [rows(), join], []], ['a row too many one by one', 9, [rows()], []],
  ])('differ: %s', (_, out, stages, combined) => { expect(() => throughSteps(out, { transform: transform(...stages), reached: reached(...combined) })).toThrow(expect.objectContaining({ code: 'sink.reconcile-mismatch' }) as unknown as Error); });
});
