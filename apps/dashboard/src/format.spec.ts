import { describe, expect, it } from '@jest/globals';
import { duration, exact, short } from './format.ts';

describe('numbers on screen', () => {
  it.each([[0, '0'], [9_999, '9,999'], [200_400, '200\u2009k'], [2_400_000, '2.4\u2009M'], [6_520_000_000, '6.52\u2009B']])('%s stands in tables as %s', (value, text) => { expect(short(value)).toBe(text); });
  it('keep every digit where rows are proved', () => { expect(exact(1_204_331)).toBe('1,204,331'); });
  it.each([[900, '0.9 s'], [22_400, '22 s'], [190_000, '3m 10s'], [13_200_000, '3h 40m'], [400_000_000, '4d']])('%s ms is %s', (ms, text) => { expect(duration(ms)).toBe(text); });
});
