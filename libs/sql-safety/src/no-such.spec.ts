import { describe, expect, it } from '@jest/globals';
import { nextStep } from './next-step.ts';
import { noSuch } from './no-such.ts';

const known = ['id', 'name', 'city'];
const told = (name: string, names: readonly string[] = known): readonly [string, string] => {
  const { code, message } = noSuch('column', name, { known: names });
  return [message, nextStep([{ code, text: `${message}.` }])];
};

describe('a name that stands for nothing', () => {
  it('is told with the nearest, or with those that there are', () => {
    expect(told('nmae')).toEqual(['There is no column nmae here; did you mean name', 'write name']);
    expect(told('größe')).toEqual(['There is no column größe here; there are id, name, city', 'name a column of the relations that are read there']);
    expect(told('zzzzzzzz', Array.from({ length: 30 }, (_, nth) => `col_${nth}`))[0]).toBe('There is no column zzzzzzzz here; there are col_0, col_1, col_2, col_3, col_4, col_5, col_6, col_7 and 22 more');
    expect(told('zzzzzzzz', ['fine', 'not\nfine'])[0]).toBe('There is no column zzzzzzzz here; there is fine');
    expect(told('colum2', ['column2'])[0]).toBe('There is no column colum2 here; did you mean column2');
    expect(told('x', [])[0]).toBe('There is no column x here');
  });
  it.each(['bob@example.com', 'two words', "x'; drop table t", 'a\nb', `n${'a'.repeat(63)}`, '\u202eabc', '4111111111111111', 'hunter2', 'k3'.repeat(9), 'a'.repeat(25)])('is not told again where it may be a value: %j', (name) => {
    expect(told(name)).toEqual(['There is no such column here; write a text between single quotes', 'write a text between single quotes']);
  });
  it('of our own making is no name of anybody', () => { expect(told('$0')[0]).toBe('There is no such column here; there are id, name, city'); });
  it('may be that of a relation or of a function', () => {
    expect(noSuch('relation', 'shop.ordres', { known: ['shop.orders'], offset: 4 })).toMatchObject({ code: 'SQL_RELATION', message: 'There is no relation shop.ordres here; did you mean shop.orders', offset: 4 });
    expect(noSuch('function', 'pg_sleep', { known: ['round'] })).toMatchObject({ code: 'SQL_FUNCTION', message: 'There is no function pg_sleep here' });
  });
});
