import { RowHash } from './row-hash.ts';

/** Bytes of the header of binary COPY: it stands in the frame of the first row, or of the trailer when there is none. */
const BINARY_HEADER = 19;
const TRAILER = 2;
const HEAD = 5;
const COPY_DATA = 0x64;

/** `hash`: frames of binary COPY as they came, each row hashed · `count`: the same without hashing · `payload`: texts without their frames. */
export type WalkMode = 'hash' | 'count' | 'payload';
export interface WalkerSink {
  /** Bytes to pass on. They stay as they are until the caller is done with them. */
  forward(bytes: Uint8Array): void;
  /** Every message that is no CopyData: its type and body. */
  control(type: number, body: Buffer): void;
}

/** Walks over what a server sends during COPY OUT, in whatever pieces it arrives, without an object per row.
 * One CopyData frame is one row; header and trailer of the binary format are none. */
export class FrameWalker {
  readonly #mode: WalkMode;
  readonly #sink: WalkerSink;
  readonly #hash = new RowHash();
  readonly #head = Buffer.alloc(HEAD);
  #headBytes = 0;
  #type = 0;
  #length = 0;
  #left = 0;
  #inBody = false;
  #held = Buffer.alloc(0);
  #heldBytes = 0;
  #frames = 0;
  #rows = 0;
  #bytes = 0;
  constructor(mode: WalkMode, sink: WalkerSink) {
    this.#mode = mode;
    this.#sink = sink;
  }
  get rows(): number { return this.#rows; }
  get bytes(): number { return this.#bytes; }
  get lanes(): { a: string; b: string } { return this.#hash.lanes; }

  /** Takes the next bytes of the connection. In mode `payload` the chunk is overwritten. */
  walk(chunk: Buffer): void {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const isPayload = this.#mode === 'payload';
    let span = !isPayload && this.#type === COPY_DATA && (this.#headBytes > 0 || this.#inBody) ? 0 : -1;
    let packed = 0;
    for (let at = 0; at < chunk.length;) {
      if (!this.#inBody) {
        if (this.#headBytes === 0) {
          this.#type = chunk[at]!;
          if (this.#type !== COPY_DATA) { this.#pass(chunk, span, at); span = -1; } else if (span < 0 && !isPayload) span = at;
        }
        at = this.#readHead(chunk, view, at);
        if (!this.#inBody) break;
      }
      const taken = Math.min(this.#left, chunk.length - at);
      if (isPayload && this.#type === COPY_DATA) { chunk.copyWithin(packed, at, at + taken); packed += taken; }
      this.#body(chunk, view, { at, taken });
      at += taken;
    }
    if (isPayload) this.#pass(chunk, packed > 0 ? 0 : -1, packed); else this.#pass(chunk, span, chunk.length);
  }

  #pass(chunk: Buffer, from: number, to: number): void {
    if (from < 0 || to <= from) return;
    this.#bytes += to - from;
    this.#sink.forward(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }
  #readHead(chunk: Buffer, view: DataView, at: number): number {
    if (this.#headBytes === 0 && chunk.length - at >= HEAD) {
      this.#begin(view.getInt32(at + 1) - 4);
      return at + HEAD;
    }
    const taken = Math.min(HEAD - this.#headBytes, chunk.length - at);
    chunk.copy(this.#head, this.#headBytes, at, at + taken);
    this.#headBytes += taken;
    if (this.#headBytes === HEAD) { this.#headBytes = 0; this.#begin(this.#head.readInt32BE(1) - 4); }
    return at + taken;
  }
  #begin(length: number): void {
    this.#length = length;
    this.#left = length;
    this.#inBody = true;
    this.#heldBytes = 0;
  }
  #body(chunk: Buffer, view: DataView, { at, taken }: { at: number; taken: number }): void {
    const isData = this.#type === COPY_DATA;
    const isWhole = this.#left === this.#length && taken === this.#left;
    if (!isWhole && (!isData || this.#mode === 'hash')) this.#hold(chunk, at, taken);
    this.#left -= taken;
    if (this.#left > 0) return;
    this.#inBody = false;
    if (!isData) { this.#sink.control(this.#type, Buffer.from(isWhole ? chunk.subarray(at, at + taken) : this.#held.subarray(0, this.#heldBytes))); return; }
    const skip = this.#mode !== 'payload' && this.#frames === 0 ? BINARY_HEADER : 0;
    this.#frames += 1;
    if (this.#mode !== 'payload' && this.#length - skip === TRAILER) return;
    this.#rows += 1;
    if (this.#mode !== 'hash') return;
    if (isWhole) this.#hash.add(view, at + skip, at + taken);
    else this.#hash.add(new DataView(this.#held.buffer, this.#held.byteOffset, this.#heldBytes), skip, this.#heldBytes);
  }
  /** Keeps a piece of a frame that goes on in the next chunk. */
  #hold(chunk: Buffer, at: number, taken: number): void {
    if (this.#held.length < this.#length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#length, 8_192));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#heldBytes, at, at + taken);
    this.#heldBytes += taken;
  }
}
