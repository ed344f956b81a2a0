import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Spelled, losslessJson } from './tree.ts';

describe('a tree of the parser', () => {
  const digits = fc.constantFrom('0', '-0', '7', '-7', '1.0', '1e3', '1E-3', '0.5', '-12.50', '9007199254740991', '9007199254740993', '18446744073709551615', '-18446744073709551615', '18446744073709551614', '18446744073709551616', '918446744073709551615', '123456789012345');
  it('keeps every number as it is spelled, alone, in lists and beside texts that look like numbers', () => {
    fc.assert(fc.property(fc.array(digits, { minLength: 1, maxLength: 6 }), fc.constantFrom('a', '1.5', '18446744073709551615', 'x-0y'), (numbers, text) => {
      const tree = losslessJson(`{"a": [${numbers.join(', ')}], "b": {"c": ${numbers[0]!}}, "d": ${JSON.stringify(text)}, "e": null, "f": true}`);
      expect(tree).toEqual({ a: numbers.map((each) => new Spelled(each)), b: { c: new Spelled(numbers[0]!) }, d: text, e: null, f: true });
    }));
    expect(losslessJson('12')).toEqual(new Spelled('12'));
  });
  it('is refused where it is no JSON, or names the prototype', () => {
    expect(() => losslessJson('{"a": Infinity}')).toThrow('A number is larger than any double');
    expect(() => losslessJson('{"__proto__": 1}')).toThrow('A number is larger than any double');
  });
});
