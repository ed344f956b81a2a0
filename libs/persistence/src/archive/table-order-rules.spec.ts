import { expect, it } from '@jest/globals';
import { referredFirst } from './table-order-rules.ts';

const to = (from: string, other: string) => ({ from, to: other });
it('puts what is referred to first', () => {
  expect(referredFirst(['slot', 'run', 'plan', 'pipeline'], [to('slot', 'run'), to('run', 'plan'), to('plan', 'pipeline'), to('slot', 'pipeline')])).toEqual(['pipeline', 'plan', 'run', 'slot']);
});
it('keeps the order of those that refer to nobody, and takes one that refers to itself', () => { expect(referredFirst(['b', 'a'], [to('a', 'a')])).toEqual(['b', 'a']); });
it('refuses a circle', () => { expect(() => referredFirst(['a', 'b'], [to('a', 'b'), to('b', 'a')])).toThrow('circle'); });
