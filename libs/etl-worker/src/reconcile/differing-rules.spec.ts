import { describe, expect, it } from '@jest/globals';
import type { HashedRow } from '@agent-etl/connectors';
import { bucketGroups, differingBuckets, differingRows } from './differing-rules.ts';

const row = (key: string | null, hash: string): HashedRow => ({ key: [key], hash });
const sum = (bucket: string, a: string) => ({ bucket, rows: 1, a, b: '0' });

describe('where two ends differ', () => {
  it('is in buckets with other sums, and in those that one end does not have', () => {
    expect(differingBuckets([sum('00a', '1'), sum('00b', '2'), sum('00c', '3')], [sum('00b', '9'), sum('00c', '3'), sum('fff', '1')])).toEqual(['00a', '00b', 'fff']);
    expect(differingBuckets([sum('1', '1')], [sum('1', '1')])).toEqual([]);
  });
  it('is read in groups of buckets that are not too many rows at either end', () => {
    const sums = (rows: Record<string, number>) => Object.entries(rows).map(([bucket, n]) => ({ ...sum(bucket, '1'), rows: n }));
    expect(bucketGroups(['a', 'b', 'c', 'd'], [sums({ a: 2, b: 3, c: 9 }), sums({ a: 3, b: 1, d: 1 })], 6)).toEqual([['a', 'b'], ['c'], ['d']]);
    expect(bucketGroups([], [], 6)).toEqual([]);
  });
  it.each<[string, HashedRow[], HashedRow[], unknown[]]>([
    ['equal rows in another order', [row('1', 'a'), row('2', 'b')], [row('2', 'b'), row('1', 'a')], []],
    ['a row that did not arrive', [row('1', 'a')], [], [{ key: ['1'], is: 'missing' }]],
    ['a row that came from elsewhere', [], [row('1', 'a')], [{ key: ['1'], is: 'strange' }]],
    ['another value', [row('1', 'a')], [row('1', 'b')], [{ key: ['1'], is: 'different' }]],
    ['one of two twins', [row('1', 'a'), row('1', 'a')], [row('1', 'a')], [{ key: ['1'], is: 'missing' }]],
    ['a row doubled', [row(null, 'a')], [row(null, 'a'), row(null, 'a')], [{ key: [null], is: 'strange' }]],
    ['NULL beside the text null', [row(null, 'a')], [row('null', 'a')], [{ key: [null], is: 'missing' }, { key: ['null'], is: 'strange' }]],
  ])('names %s', (_, source, target, named) => { expect(differingRows(source, target)).toEqual(named); });
});
