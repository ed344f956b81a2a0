/** Rows after which lane sums move into a bigint: below that they are exact as doubles. */
const FLUSH_ROWS = 1 << 20;
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
    // Local and within 32 bits: a bundle makes variables of a module's constants, and then this loop would call and box instead of compute.
    const imul = Math.imul;
    const P1 = 0x9e3779b1 | 0;
    const P2 = 0x85ebca77 | 0;
    const P3 = 0xc2b2ae3d | 0;
    const P4 = 0x27d4eb2f;
    const P5 = 0x165667b1;
    let h1 = (P1 + P2) | 0;
    let h2 = P2;
    let h3 = P5;
    let h4 = -P1 | 0;
    let at = from;
    for (const stripes = to - 15; at < stripes; at += 16) {
      h1 = (h1 + imul(view.getInt32(at), P2)) | 0;
      h1 = imul((h1 << 13) | (h1 >>> 19), P1);
      h2 = (h2 + imul(view.getInt32(at + 4), P2)) | 0;
      h2 = imul((h2 << 13) | (h2 >>> 19), P1);
      h3 = (h3 + imul(view.getInt32(at + 8), P2)) | 0;
      h3 = imul((h3 << 13) | (h3 >>> 19), P1);
      h4 = (h4 + imul(view.getInt32(at + 12), P2)) | 0;
      h4 = imul((h4 << 13) | (h4 >>> 19), P1);
    }
    let a = (((h1 << 1) | (h1 >>> 31)) + ((h2 << 7) | (h2 >>> 25)) + ((h3 << 12) | (h3 >>> 20)) + ((h4 << 18) | (h4 >>> 14)) + (to - from)) | 0;
    let b = imul(h1 ^ ((h3 << 9) | (h3 >>> 23)), P3) ^ imul((((h2 << 11) | (h2 >>> 21)) + h4) | 0, P5);
    for (const words = to - 3; at < words; at += 4) {
      const word = view.getInt32(at);
      a = (a + imul(word, P3)) | 0;
      a = imul((a << 17) | (a >>> 15), P4);
      b ^= imul(word, P1);
      b = imul((b << 13) | (b >>> 19), P2);
    }
    for (; at < to; at += 1) {
      const byte = view.getUint8(at);
      a = (a + imul(byte, P5)) | 0;
      a = imul((a << 11) | (a >>> 21), P1);
      b ^= imul(byte + 1, P4);
      b = imul((b << 7) | (b >>> 25), P3);
    }
    this.#sum(a, b);
  }
  #sum(a: number, b: number): void {
    const imul = Math.imul;
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
