import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { columnNames, detectDelimiter, hasHeader, splitRecords } from './csv-dialect-rules.ts';
import { type CellCounts, countsFor, noCells, typeOfCells } from './csv-types-rules.ts';
import { contentProblem, formatOf } from './file-format-rules.ts';
import { duckTypeOf, mapToFile, typeOfDuck } from './file-types-rules.ts';

const whole = { isWhole: 'whole' } as const;
const csv = formatOf('x.csv') ?? { format: 'csv', compression: 'none', delimiter: ',' };

describe('records of a CSV', () => {
  it('come back as they were written, whatever a cell holds', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é'), maxLength: 6 });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 8 });
    fc.assert(fc.property(table, (rows) => {
      const text = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')).join('\r\n') + '\r\n';
      expect(splitRecords(text, ',', whole)).toEqual(rows);
    }));
  });
  it('leave out a record that the end of the head cut off', () => { expect(splitRecords('a,b\n1,2\n3', ',', { isWhole: 'cut' })).toEqual([['a', 'b'], ['1', '2']]); });
  it.each([['a;b\n1,5;2\n', ';'], ['a,b\n1,2;3\n', ','], ['a|b|c\n1|2|3\n', '|'], ['a\n1\n', ','], ['"a;x",b\n"1;y",2\n', ',']])('show their delimiter: %j', (head, delim) => {
    expect(detectDelimiter(head, csv, whole)).toBe(delim);
  });
  it.each([[['id', 'name'], true], [['1', 'name'], false], [['a', 'A'], false], [['a', ''], false], [['2001-01-01', 'x'], false], [['a', 'true'], false], [['Cost: Total $', 'b'], true]])('show whether %j is a header', (first, expected) => {
    expect(hasHeader(first)).toBe(expected);
  });
  it('get names that are unique without regard to case', () => { expect(columnNames(['a', 'A', '', 'a_1'], 'true')).toEqual(['a', 'A_1', 'column2', 'a_1_1']); });
});

describe('the type of cells', () => {
  const none: CellCounts = { ...noCells, cells: 3 };
  const numbers: CellCounts = { ...none, numbers: 3, exactFloats: 3, wholeDigits: 3 };
  it.each<[string, CellCounts, object]>([
    ['no cells', { ...none, cells: 0 }, { kind: 'text' }], ['integers', { ...numbers, integers: 3 }, { kind: 'i64' }], ['ids with leading zeros', { ...numbers, zeroLed: 1 }, { kind: 'text' }],
    ['19 digits', { ...numbers, integers: 3, wholeDigits: 19 }, { kind: 'dec', precision: 38, scale: 0 }], ['39 digits', { ...numbers, integers: 3, wholeDigits: 39 }, { kind: 'text' }],
    ['decimals that a double keeps', numbers, { kind: 'f64' }], ['decimals that it does not keep', { ...numbers, exactFloats: 2, fractionDigits: 19 }, { kind: 'dec', precision: 22, scale: 19 }],
    ['exponents with too many digits', { ...numbers, exactFloats: 2, fractionDigits: 19, exponents: 1 }, { kind: 'text' }], ['one word among numbers', { ...numbers, numbers: 2 }, { kind: 'text' }],
    ['days', { ...none, dates: 3, stamps: 3 }, { kind: 'date' }], ['days and times', { ...none, dates: 1, stamps: 3 }, { kind: 'ts' }], ['instants', { ...none, zoned: 3 }, { kind: 'tstz' }],
    ['instants, some without a zone', { ...none, zoned: 2, stamps: 1 }, { kind: 'text' }], ['true and false', { ...none, bools: 3 }, { kind: 'bool' }],
  ])('keeps %s', (_, counts, type) => { expect(typeOfCells(counts)).toEqual(type); });
});

describe('a first guess', () => {
  it.each<[Partial<CellCounts>, object]>([[{ integers: 2, numbers: 3, exactFloats: 3, wholeDigits: 3 }, { kind: 'f64' }], [{ integers: 2, numbers: 2, exactFloats: 2 }, { kind: 'text' }], [{ integers: 3, numbers: 3, zeroLed: 1 }, { kind: 'text' }]])(
    'of integers widens with what comes later: %j', (seen, type) => {
      const counts: CellCounts = { ...noCells, cells: 3, ...seen };
      const asked = Object.fromEntries(countsFor({ kind: 'i64' }).map((key) => [key, counts[key]]));
      expect(typeOfCells({ ...noCells, ...asked })).toEqual(type);
    });
  it('of no cells at all stays text', () => { expect(countsFor({ kind: 'text' })).toEqual(['cells']); });
});

describe('types of files', () => {
  it('hold every logical type, as text where nothing else keeps it', () => {
    expect(mapToFile({ type: { kind: 'dec', precision: 18, scale: 4 } })).toEqual({ native: 'DECIMAL(18,4)' });
    for (const type of [{ kind: 'dec' }, { kind: 'dec', precision: 39, scale: 0 }, { kind: 'dec', precision: 5, scale: -2 }, { kind: 'other' }] as const) expect(mapToFile({ type })).toEqual({ native: 'VARCHAR' });
    expect(duckTypeOf({ kind: 'dec', precision: 2, scale: 5 })).toBe('DECIMAL(5,5)');
  });
  it.each([['INTEGER[]', { kind: 'json' }], ['STRUCT(a INTEGER)', { kind: 'json' }], ['UBIGINT', { kind: 'dec', precision: 20, scale: 0 }], ["ENUM('a', 'b')", { kind: 'text' }], ['DECIMAL(9,2)', { kind: 'dec', precision: 9, scale: 2 }], ['GEOMETRY', { kind: 'other' }]])(
    'read %s', (duckType, type) => { expect(typeOfDuck(duckType)).toEqual(type); });
  it('go there and back', () => {
    for (const kind of ['bool', 'i16', 'i32', 'i64', 'f32', 'f64', 'text', 'bytes', 'date', 'time', 'ts', 'tstz', 'uuid', 'json'] as const) expect(typeOfDuck(duckTypeOf({ kind }))).toEqual({ kind });
  });
  it('are compared with the content', () => {
    expect(contentProblem(csv, Buffer.from('a,b\n'), Buffer.from('a,b\n'))).toBeNull();
    expect(contentProblem(csv, Buffer.from('PK\x03\x04'), Buffer.from('x'))).toBe('it holds a zip archive');
  });
});
