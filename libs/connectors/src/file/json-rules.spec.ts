import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { noCells } from './csv-types-rules.ts';
import { contentProblem, formatOf, textProblem } from './file-format-rules.ts';
import { DEEPEST, pointerTo, rawValueAt } from './json-raw-rules.ts';
import { type JsonCounts, noticeOf, typeOfJson } from './json-types-rules.ts';

const raw = (text: string, key: string): string | undefined => new RegExp(rawValueAt(key), 's').exec(text)?.[1];

describe('the text of a value', () => {
  it.each([
    ['{"k":1.10}', '1.10'], [' {\n"x" : {"k":2}, "k" :\t-0.0e5 }', '-0.0e5'], ['{"x":"\\"k\\":1","k":[1, "]" , {"a":[ ]} ]}', '[1, "]" , {"a":[ ]} ]'], ['{"\\u006b":1.5}', '1.5'], ['{"\\u006B":1.5}', '1.5'], ['{"kk":1,"k":2}', '2'],
    ['{"a":"k","k":2}', '2'], ['{"k":"text"}', undefined], ['{"k":true}', undefined], ['{"a":{"k":1}}', undefined],
  ])('is found in %s as it stands', (text, expected) => {
    expect(raw(text, 'k')).toBe(expected);
  });
  it('is found under any key, whatever stands beside it', () => {
    const key = fc.string({ unit: fc.constantFrom('a', '"', '\\', '/', '$', '.', '*', '[', '{', '}', 'é', '😀', '\n', '^'), minLength: 1, maxLength: 5 });
    fc.assert(fc.property(key, key, fc.jsonValue({ maxDepth: 4 }), fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }), (name, other, value, list) => {
      fc.pre(name !== other);
      expect(raw(JSON.stringify({ [other]: value, [name]: list, more: value }), name)).toBe(JSON.stringify(list));
    }));
  });
  it('is not found deeper than it is looked for', () => {
    const deep = (depth: number) => `{"k":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect([raw(deep(DEEPEST), 'k')?.length, raw(deep(DEEPEST + 1), 'k')]).toEqual([2 * DEEPEST, undefined]);
  });
  it('has a pointer', () => { expect(['a/b', 'm~n', ''].map(pointerTo)).toEqual(['/a~1b', '/m~0n', '/']); });
});

describe('the type of the values at a key', () => {
  const none: JsonCounts = { strings: 0, numbers: 0, bools: 0, nested: 0, nonFinite: 0, like: noCells };
  const whole = { ...noCells, integers: 3, numbers: 3, exactFloats: 3, wholeDigits: 3 };
  it.each<[string, Partial<JsonCounts>, string, string | undefined]>([
    ['nothing but null', {}, 'text', undefined], ['whole numbers', { numbers: 3, like: whole }, 'i64', undefined], ['texts of digits', { strings: 3, like: whole }, 'text', undefined],
    ['numbers and texts', { numbers: 1, strings: 2, like: whole }, 'text', 'mixed-as-text'], ['numbers and NaN', { numbers: 2, strings: 1, nonFinite: 1, like: { ...noCells, integers: 2 } }, 'f64', undefined],
    ['truth', { bools: 3 }, 'bool', undefined], ['truth and numbers', { bools: 1, numbers: 2, like: whole }, 'text', 'mixed-as-text'], ['days', { strings: 3, like: { ...noCells, dates: 3, stamps: 3 } }, 'date', undefined],
    ['days and words', { strings: 3, like: { ...noCells, dates: 2, stamps: 2 } }, 'text', undefined], ['objects', { nested: 3 }, 'text', 'nested-as-text'], ['objects and numbers', { nested: 1, numbers: 2, like: whole }, 'text', 'nested-as-text'],
    ['NaN alone', { strings: 2, nonFinite: 2 }, 'text', undefined], ['truth and NaN', { bools: 1, strings: 1, nonFinite: 1 }, 'text', 'mixed-as-text'],
  ])('that are %s', (_, more, kind, code) => {
    const counts = { ...none, ...more };
    expect([typeOfJson(counts).kind, noticeOf('v', counts)?.code]).toEqual([kind, code]);
  });
});

describe('a file of objects', () => {
  it.each([['x.json', 'json', 'none'], ['X.JSONL', 'ndjson', 'none'], ['a/b.ndjson.gz', 'ndjson', 'gzip'], ['x.json.gz', 'json', 'gzip']])('is known by its name: %s', (name, format, compression) => {
    expect(formatOf(name)).toMatchObject({ format, compression });
  });
  it.each([['x.json', '\ufeff [', null], ['x.json', ' \n', null], ['x.json', '{', 'name lines of objects .ndjson'], ['x.ndjson', '[', 'name an array of objects .json'], ['x.ndjson', 'a,b', 'does not begin with {'], ['x.csv', '{', null]])(
    'called %s and beginning with %j is what it says, or not', (name, head, problem) => {
      const format = formatOf(name) ?? { format: 'csv', compression: 'none', delimiter: ',' };
      const found = textProblem(format, Buffer.from(head));
      if (problem === null) expect(found).toBeNull(); else expect(found).toContain(problem);
      expect(contentProblem(format, Buffer.from(head), Buffer.from(head))).toBe(found);
    });
});
