import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyRanges } from './key-ranges-rules.ts';

it('covers every key once, in any number of ranges', () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n), fc.bigInt(0n, 2n ** 63n), fc.integer({ min: 1, max: 50 }), (low, more, most) => {
    const ranges = keyRanges(low, low + more, most);
    expect([ranges.length <= most, ranges[0]?.from, ranges.at(-1)?.to]).toEqual([true, null, null]);
    for (const [index, { to }] of ranges.slice(0, -1).entries()) expect(ranges[index + 1]?.from).toBe(to);
    const edges = ranges.slice(1).map(({ from }) => BigInt(from ?? 0));
    expect([...edges].sort((a, b) => (a < b ? -1 : 1))).toEqual(edges);
    expect(edges.every((edge) => edge > low && edge <= low + more)).toBe(true);
  }));
});
it('is one range of nothing', () => { expect(keyRanges(null, null, 4)).toEqual([{ from: null, to: null }]); });
