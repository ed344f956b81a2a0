import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CsvRows } from './csv-rows.ts';

const line = (cells: readonly (string | null)[]): string => `${cells.map((cell) => (cell === null ? '' : `"${cell.replaceAll('"', '""')}"`)).join(',')}\n`;
function split(bytes: Buffer, cuts: readonly number[]): (string | null)[][] {
  const rows: (string | null)[][] = [];
  const reader = new CsvRows((cells) => { rows.push([...cells]); });
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [index, edge] of edges.slice(1).entries()) reader.push(bytes.subarray(edges[index], edge));
  reader.end();
  return rows;
}
it('gives back every row, wherever the bytes are cut', () => {
  const cell = fc.oneof(fc.constant(null), fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', 'é', '😀', ' ') }));
  fc.assert(fc.property(fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { maxLength: 8 }), fc.array(fc.nat(500), { maxLength: 6 }), (rows, cuts) => {
    expect(split(Buffer.from(rows.map(line).join('')), cuts)).toEqual(rows);
  }));
});
it('reads cells without quotes, and rows that end as on Windows', () => {
  expect(split(Buffer.from('1,,x\r\n2,"a""b",\n'), [])).toEqual([['1', null, 'x'], ['2', 'a"b', null]]);
});
it.each(['"a', '"a"', 'a'])('says that %j is cut off', (text) => { expect(() => split(Buffer.from(text), [])).toThrow('inside a row'); });
