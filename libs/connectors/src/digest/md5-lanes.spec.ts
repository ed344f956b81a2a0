import { expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Md5Lanes } from './md5-lanes.ts';

it('adds the same two lanes that SQL takes from the hex of md5', () => {
  const lanes = new Md5Lanes();
  let [a, b] = [0n, 0n];
  for (let row = 0; row < 3_000; row += 1) {
    const text = `etl,${row},7:${'x'.repeat(row % 50)}`;
    const hex = createHash('md5').update(text).digest('hex');
    a += BigInt(`0x${hex.slice(0, 15)}`);
    b += BigInt(`0x${hex.slice(15, 30)}`);
    lanes.add(Buffer.from(text));
  }
  expect(lanes.digest()).toEqual({ kind: 'text-md5', rows: 3_000, a: String(a), b: String(b) });
});
