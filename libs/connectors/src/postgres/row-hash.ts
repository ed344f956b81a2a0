/** Rows after which lane sums move into a bigint: below that they are exact as doubles. */
const FLUSH_ROWS = 1 << 20;

/** Two lanes of 32 bits per row, mixed from its bytes and summed: the order of rows does not matter, and sums of parts add up.
 * The mixing steps are those of MurmurHash3 (Appleby) and of a 32-bit avalanche search (Wellons); both ends of a copy run this same code. */
export class RowHash {
  #sumA = 0;
  #sumB = 0;
  #sinceFlush = 0;
  #a = 0n;
  #b = 0n;

  add(view: DataView, from: number, to: number): void {
    let a = 0x9e3779b9 ^ (to - from);
    let b = 0x85ebca6b;
    let at = from;
    for (const words = to - 3; at < words; at += 4) {
      const word = view.getInt32(at);
      a = Math.imul(a ^ word, 0xcc9e2d51);
      a = (a << 15) | (a >>> 17);
      b = Math.imul((b + word) | 0, 0x1b873593);
      b ^= b >>> 13;
    }
    for (; at < to; at += 1) {
      const byte = view.getUint8(at);
      a = Math.imul(a ^ byte, 0xcc9e2d51);
      a = (a << 15) | (a >>> 17);
      b = Math.imul((b + byte) | 0, 0x1b873593);
      b ^= b >>> 13;
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
    b = Math.imul(b ^ (b >>> 15), 0x2c1b3c6d);
    b = Math.imul(b ^ (b >>> 12), 0x297a2d39);
    this.#sumA += (a ^ (a >>> 16)) >>> 0;
    this.#sumB += (b ^ (b >>> 15)) >>> 0;
    this.#sinceFlush += 1;
    if (this.#sinceFlush === FLUSH_ROWS) this.#flush();
  }
  /** Both sums, decimal. */
  get lanes(): { a: string; b: string } {
    this.#flush();
    return { a: String(this.#a), b: String(this.#b) };
  }
  #flush(): void {
    this.#a += BigInt(this.#sumA);
    this.#b += BigInt(this.#sumB);
    this.#sumA = 0;
    this.#sumB = 0;
    this.#sinceFlush = 0;
  }
}
