import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { daysText, isCalendarText, microsText, spelledCalendar } from './calendar-text-rules.ts';
import { exactDoubleText } from './exact-double-rules.ts';
import { NOTHING_SEEN, type Seen, mapToSqlite, typeOfSqlite } from './sqlite-types-rules.ts';

const seen = (more: Partial<Seen>): Seen => ({ ...NOTHING_SEEN, ...more });
const typed = (declared: string, more: Partial<Seen> = {}): [string, string] => {
  const { type, native } = typeOfSqlite(declared, seen(more));
  return [type.kind, native];
};

describe('the type of a column', () => {
  it.each([
    ['INTEGER', {}, 'i64', 'INTEGER'], ['varchar(20)', { text: 3 }, 'text', 'varchar(20)'], ['REAL', { real: 2, integer: 1 }, 'f64', 'REAL'], ['BLOB', { blob: 1 }, 'bytes', 'BLOB'],
    ['BOOLEAN', { integer: 2, booleans: 2 }, 'bool', 'BOOLEAN'], ['DATE', { text: 2, days: 2, moments: 2 }, 'date', 'DATE'], ['DATETIME', { text: 1, moments: 1 }, 'ts', 'DATETIME'],
    ['TIMESTAMP WITH TIME ZONE', { text: 1, zoned: 1 }, 'tstz', 'TIMESTAMP WITH TIME ZONE'], ['JSON', { text: 1, json: 1 }, 'json', 'JSON'], ['DECIMAL(10,2)', { real: 1, integer: 2 }, 'f64', 'DECIMAL(10,2)'],
    ['', { integer: 4 }, 'i64', 'any'], ['', {}, 'bytes', 'any'],
  ] as const)('declared %j that holds what it says or says nothing', (declared, more, kind, native) => { expect(typed(declared, more)).toEqual([kind, native]); });
  it.each([
    ['INTEGER', { integer: 5, text: 1 }, 'text', 'INTEGER holding integer and text'], ['INTEGER', { integer: 5, real: 1 }, 'f64', 'INTEGER holding integer and real'],
    ['INTEGER', { integer: 5, wide: 1, real: 1 }, 'text', 'INTEGER holding integer and real'], ['BOOLEAN', { integer: 2, booleans: 1 }, 'i64', 'BOOLEAN holding integer'],
    ['DATE', { text: 2, days: 1 }, 'text', 'DATE holding text'], ['DATETIME', { integer: 2 }, 'i64', 'DATETIME holding integer'], ['TEXT', { text: 1, blob: 1 }, 'text', 'TEXT holding text and blob'],
  ] as const)('declared %j that holds something else says so', (declared, more, kind, native) => { expect(typed(declared, more)).toEqual([kind, native]); });
  it.each(['bool', 'i64', 'f64', 'text', 'bytes', 'date', 'time', 'ts', 'tstz'] as const)('%s comes back from what our sink declares for it', (kind) => {
    expect(typeOfSqlite(mapToSqlite({ type: { kind } }).native, NOTHING_SEEN).type).toEqual({ kind });
  });
  it('keeps a decimal as the text that it is', () => {
    const type = { kind: 'dec', precision: 18, scale: 4 } as const;
    expect([mapToSqlite({ type }).native, typeOfSqlite('DECIMAL_TEXT(18,4)', NOTHING_SEEN).type]).toEqual(['DECIMAL_TEXT(18,4)', type]);
  });
});

describe('the calendar', () => {
  it('agrees with the engine over four hundred years', () => {
    fc.assert(fc.property(fc.date({ min: new Date('1800-01-01T00:00:00Z'), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true }), (date) => {
      const text = date.toISOString();
      expect(microsText(text)).toBe(String(BigInt(date.getTime()) * 1000n));
      expect(daysText(text.slice(0, 10))).toBe(String(Math.floor(date.getTime() / 86_400_000)));
    }));
  });
  it.each([
    ['2001-02-03 04:05:06.5+02', '981165906500000'], ['0001-01-01 00:00:00 BC', '-62167219200000000'], ['infinity', 'inf'], ['24:00:00', '86400000000'], ['10:11', '36660000000'], ['2001-02-30', null], ['25:00', null], ['noon', null],
  ])('reads %s', (text, micros) => { expect(microsText(text)).toBe(micros); });
  it.each([
    ['tstz', '2000-01-02T03:04Z', '2000-01-02 03:04:00+00'], ['tstz', '2000-01-02 03:04:05.6 +05:30', '2000-01-02 03:04:05.6+05:30'], ['ts', '2000-01-02T03:04', '2000-01-02 03:04:00'], ['ts', '2000-01-02', '2000-01-02'],
    ['time', '03:04', '03:04:00'], ['time', '03:04:05.1', '03:04:05.1'], ['date', '0044-03-15 BC', '0044-03-15 BC'], ['date', 'infinity', 'infinity'], ['date', '2000-01-02 03:04', null],
  ] as const)('spells a %s %s as every reader takes it', (kind, text, spelled) => { expect(spelledCalendar(kind, text)).toBe(spelled); });
  it('tells a moment from a day and one with a zone from one without', () => {
    const kinds = (text: string) => (['date', 'time', 'ts', 'tstz'] as const).filter((kind) => isCalendarText(kind, text));
    expect(['2001-02-03', '10:11:12', '2001-02-03 10:11', '2001-02-03T10:11:12Z', '12'].map(kinds)).toEqual([['date', 'ts'], ['time'], ['ts'], ['tstz'], []]);
  });
});

describe('a double', () => {
  it.each([[1, '4503599627370496p0'], [-0.1, '-7205759403792794p-4'], [Number.MIN_VALUE, '4503599627370496p-1074'], [Number.MAX_VALUE, '9007199254740991p1023'], [-0, '0'], [NaN, 'nan'], [-Infinity, '-inf']])('%p is %s', (value, text) => {
    expect(exactDoubleText(value)).toBe(text);
  });
});
