import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { respellOf } from './infile-cells-rules.ts';
import { InfileText, RefusedCell } from './infile-text-rules.ts';

/** As LOAD DATA reads it: quoted cells, and the word NULL. */
function parsed(text: string): (string | null)[][] {
  return text.split('\n').slice(0, -1).map((line) => [...line.matchAll(/"((?:[^"]|"")*)"|NULL/g)].map(([cell, inner]) => (cell === 'NULL' ? null : inner!.replaceAll('""', '"'))));
}
const cell = fc.oneof(fc.constant(null), fc.constant('NULL'), fc.string().map((text) => text.replaceAll('\n', ';')));
const plain = /^[^",\n\r ]+$/;

describe('the text that LOAD DATA reads', () => {
  it('has every cell as it was, wherever the carrier is cut', () => {
    fc.assert(fc.property(fc.array(fc.tuple(cell, cell, cell), { minLength: 1 }), fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (rows, sizes) => {
      const carrier = Buffer.from(rows.map((row) => `${row.map((value) => (value === null ? '' : plain.test(value) ? value : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`).join(''));
      const text = new InfileText([null, (value) => value, null]);
      const out: string[] = [];
      for (let at = 0; at < carrier.length;) {
        const { value: size } = sizes.next() as { value: number };
        out.push(text.push(carrier.subarray(at, at + size)).toString('latin1'));
        at += size;
      }
      text.end();
      expect(text.rows).toBe(rows.length);
      expect(parsed(Buffer.from(out.join(''), 'latin1').toString())).toEqual(rows.map((row) => [...row]));
    }));
  });
  it('refuses a carrier that ends inside a row, or has other columns', () => {
    const text = new InfileText([null, null]);
    text.push(Buffer.from('"a","b"\n"c"'));
    expect(() => { text.end(); }).toThrow('inside a row');
    expect(() => new InfileText([null]).push(Buffer.from('"a","b"\n'))).toThrow('2 cells in a row of 1');
  });
  it('remembers the one cell that was asked for, and names one that it refuses', () => {
    const text = new InfileText([null, null], { row: 2, column: 1 });
    text.push(Buffer.from('"a","b"\n"c","d ""e"""\n'));
    expect(text.seen).toBe('d "e"');
    const bool = respellOf({ type: { kind: 'bool' }, targetNative: 'BOOLEAN' });
    expect(() => new InfileText([bool]).push(Buffer.from('t\nmaybe\n'))).toThrow(RefusedCell);
  });
});
describe('cells that are spelled otherwise in MySQL', () => {
  const zoned = respellOf({ type: { kind: 'tstz' }, targetNative: 'TIMESTAMP(6)' })!;
  it.each([
    ['2001-02-03 04:05:06.789+00', '2001-02-03 04:05:06.789'], ['2001-02-03T04:05:06Z', '2001-02-03 04:05:06.000000'], ['2001-01-01 00:30:00+05:30', '2000-12-31 19:00:00.000000'], ['1969-12-31 23:59:59.999999-00:01', '1970-01-01 00:00:59.999999'],
    ['2000-02-29 23:00:00-02', '2000-03-01 01:00:00.000000'], ['0044-03-15 00:00:00+01 BC', undefined], ['infinity', undefined], ['soon', undefined],
  ])('%s', (text, spelled) => { expect(zoned(text)).toBe(spelled); });
  it('refuses digits that a type does not keep', () => {
    const seconds = respellOf({ type: { kind: 'ts' }, targetNative: 'datetime' })!;
    expect([seconds('2001-02-03 04:05:06.100'), seconds('2001-02-03 04:05:06.000'), respellOf({ type: { kind: 'ts' }, targetNative: 'datetime(6)' })]).toEqual([undefined, '2001-02-03 04:05:06.000', null]);
  });
});
