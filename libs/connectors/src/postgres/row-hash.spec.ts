import { describe, expect, it } from '@jest/globals';
import { RowHash } from './row-hash.ts';

const lanesOf = (row: Buffer, offset = 0): string => {
  const hash = new RowHash();
  const held = Buffer.alloc(row.length + offset);
  row.copy(held, offset);
  hash.add(new DataView(held.buffer, held.byteOffset, held.length), offset, held.length);
  return `${hash.lanes.a}:${hash.lanes.b}`;
};
const flipped = (row: Buffer, ...bits: readonly number[]): Buffer => {
  const other = Buffer.from(row);
  for (const bit of bits) other[bit >> 3] = other[bit >> 3]! ^ (1 << (bit & 7));
  return other;
};

describe('the hash of a row', () => {
  it('depends on its bytes alone, wherever they stand', () => {
    for (let length = 0; length < 40; length += 1) expect(lanesOf(Buffer.alloc(length, 'row'), 3)).toBe(lanesOf(Buffer.alloc(length, 'row')));
  });
  it.each([0, 0xff, 0x5a])('tells rows of bytes %i apart that differ in one bit, two bits, sign bits or length', (fill) => {
    const row = Buffer.alloc(39, fill);
    const seen = new Set<string>([lanesOf(row)]);
    let rows = 1;
    const add = (other: Buffer): void => { seen.add(lanesOf(other)); rows += 1; };
    for (let one = 0; one < row.length * 8; one += 1) {
      add(flipped(row, one));
      for (let two = one + 1; two < row.length * 8; two += 7) add(flipped(row, one, two));
    }
    for (let length = 0; length < 39; length += 1) add(Buffer.alloc(length, fill));
    expect(seen.size).toBe(rows);
  });
  it('changes about half of both lanes for one changed bit', () => {
    const [row, changed] = [Buffer.alloc(64, 7), { a: 0, b: 0 }];
    const [a, b] = lanesOf(row).split(':').map(Number);
    const ones = (value: number): number => (value >>> 0).toString(2).replaceAll('0', '').length;
    for (let bit = 0; bit < 512; bit += 1) {
      const [x, y] = lanesOf(flipped(row, bit)).split(':').map(Number);
      changed.a += ones(a! ^ x!) / 512;
      changed.b += ones(b! ^ y!) / 512;
    }
    expect([Math.abs(changed.a - 16) < 0.6, Math.abs(changed.b - 16) < 0.6]).toEqual([true, true]);
  });
});
