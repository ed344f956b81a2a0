import { describe, expect, it } from '@jest/globals';
import { MOST_SLICES, backfillState, nextSlice, partsOf } from './backfill-rules.ts';

describe('the slices of a backfill', () => {
  it.each([
    [{ from: '2026-03-01', to: '2026-03-02' }, ['2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z']],
    [{ from: '2026-03-01T06:30Z', to: '2026-03-01T08:00:00.5+01:00' }, ['2026-03-01T06:30:00.000Z', '2026-03-01T07:00:00.500Z']],
    [{ from: '2026-02-27', to: '2026-03-02T12:00:00Z', step: '2d' }, ['2026-02-27T00:00:00.000Z', '2026-03-01T00:00:00.000Z', '2026-03-02T12:00:00.000Z']],
    [{ from: '2026-03-01', to: '2026-03-15', step: '1w' }, ['2026-03-01T00:00:00.000Z', '2026-03-08T00:00:00.000Z', '2026-03-15T00:00:00.000Z']],
  ])('%j meet without a gap', (request, ends) => {
    const parts = partsOf(request);
    expect([parts[0]!.from, ...parts.map(({ to }) => to)]).toEqual(ends);
    expect(parts.slice(1).map(({ from }) => from)).toEqual(parts.slice(0, -1).map(({ to }) => to));
  });
  it.each([
    [{ from: '2026-03-02', to: '2026-03-02' }, 'is empty'], [{ from: '2026-03-02', to: '2026-03-01' }, 'is empty'], [{ from: '2026-03-01T00:00:00.0001Z', to: '2026-03-02' }, 'whole millisecond'],
    [{ from: '2000-01-01', to: '2026-01-01', step: '1h' }, `more than ${MOST_SLICES} runs`],
  ])('%j is refused: %s', (request, words) => { expect(() => partsOf(request)).toThrow(words); });
});
describe('a backfill', () => {
  const of = (...states: ('waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled')[]) => states.map((state, ordinal) => ({ state, ordinal }));
  it.each([
    [of('waiting', 'waiting'), 'waiting', 0], [of('running', 'waiting'), 'running', null], [of('succeeded', 'waiting'), 'waiting', 1], [of('succeeded', 'failed', 'waiting'), 'failed', null],
    [of('cancelled', 'waiting'), 'cancelled', null], [of('succeeded', 'succeeded'), 'succeeded', null],
  ])('%j is %s, and its next slice is %j', (slices, state, next) => { expect([backfillState(slices), nextSlice(slices)?.ordinal ?? null]).toEqual([state, next]); });
});
