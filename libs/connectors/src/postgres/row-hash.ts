/** Rows after which lane sums move into a bigint: below that they are exact as doubles. */
const FLUSH_ROWS = 1 << 20;
/** Bound here: a lookup of a global costs microseconds inside the contexts that tests run in. */
const { imul } = Math;
const [P1, P2, P3, P4, P5] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** Two lanes of 32 bits per row, mixed from its bytes and summed: the order of rows does not matter, and sums of parts add up.
 * Four words at a time go through the rounds of xxHash32 (Collet), which do not wait for each other; the two lanes join them in different ways and end in
 * the finish of MurmurHash3 (Appleby) and of a 32-bit avalanche search (Wellons). Both ends of a copy run this same code. */
export class RowHash {
  #sumA = 0;
  #sumB = 0;
  #sinceFlush = 0;
  #a = 0n;
  #b = 0n;

  add(view: DataView, from: number, to: number): void {
    let [h1, h2, h3, h4] = [P1 + P2, P2, P5, -P1];
    let at = from;
    for (const stripes = to - 15; at < stripes; at += 16) {
      h1 = imul(rotate(h1 + imul(view.getInt32(at), P2), 13), P1);
      h2 = imul(rotate(h2 + imul(view.getInt32(at + 4), P2), 13), P1);
      h3 = imul(rotate(h3 + imul(view.getInt32(at + 8), P2), 13), P1);
      h4 = imul(rotate(h4 + imul(view.getInt32(at + 12), P2), 13), P1);
    }
    let a = (rotate(h1, 1) + rotate(h2, 7) + rotate(h3, 12) + rotate(h4, 18) + (to - from)) | 0;
    let b = imul(h1 ^ rotate(h3, 9), P3) ^ imul(rotate(h2, 11) + h4, P5);
    for (const words = to - 3; at < words; at += 4) {
      const word = view.getInt32(at);
      a = imul(rotate(a + imul(word, P3), 17), P4);
      b = imul(rotate(b ^ imul(word, P1), 13), P2);
    }
    for (; at < to; at += 1) {
      const byte = view.getUint8(at);
      a = imul(rotate(a + imul(byte, P5), 11), P1);
      b = imul(rotate(b ^ imul(byte + 1, P4), 7), P3);
    }
    this.#sum(a, b);
  }
  #sum(a: number, b: number): void {
    const x = imul(a ^ (a >>> 16), 0x85ebca6b);
    const y = imul(x ^ (x >>> 13), 0xc2b2ae35);
    const v = imul(b ^ (b >>> 15), 0x2c1b3c6d);
    const w = imul(v ^ (v >>> 12), 0x297a2d39);
    this.#sumA += (y ^ (y >>> 16)) >>> 0;
    this.#sumB += (w ^ (w >>> 15)) >>> 0;
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
