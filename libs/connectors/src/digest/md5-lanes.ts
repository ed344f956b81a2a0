import { hash } from 'node:crypto';
import type { Digest } from '@agent-etl/contracts';

/** Rows after which the sums move into big integers, long before a double would round them. */
const FOLD = 1 << 20;
const HALF = 2n ** 30n;

/** Sums the two lanes of 60 bits of md5 that engines with an md5 of their own sum by SQL. Each lane is added in halves of 30 bits. */
export class Md5Lanes {
  rows = 0;
  #a = 0n;
  #b = 0n;
  #halves = [0, 0, 0, 0];

  add(row: Uint8Array): void {
    const md5 = hash('md5', row, 'buffer');
    const halves = this.#halves;
    const [third, seventh] = [md5[3]!, md5[7]!];
    halves[0]! += md5.readUInt32BE(0) >>> 2;
    halves[1]! += (third & 3) * 2 ** 28 + (md5.readUInt32BE(4) >>> 4);
    halves[2]! += (seventh & 15) * 2 ** 26 + (md5.readUInt32BE(8) >>> 6);
    halves[3]! += (md5[11]! & 63) * 2 ** 24 + md5.readUIntBE(12, 3);
    this.rows += 1;
    if (this.rows % FOLD === 0) this.#fold();
  }
  #fold(): void {
    const [aHigh = 0, aLow = 0, bHigh = 0, bLow = 0] = this.#halves;
    this.#a += BigInt(aHigh) * HALF + BigInt(aLow);
    this.#b += BigInt(bHigh) * HALF + BigInt(bLow);
    this.#halves = [0, 0, 0, 0];
  }
  digest(): Digest {
    this.#fold();
    return { kind: 'text-md5', rows: this.rows, a: String(this.#a), b: String(this.#b) };
  }
}
