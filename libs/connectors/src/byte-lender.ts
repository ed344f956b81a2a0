import type { ByteTarget } from './port.ts';

const FULL = 128 * 1024;

/** Joins small pieces of bytes and lends them to a target. While the target still uses what it was lent, the sender waits: so one buffer is enough. */
export class ByteLender {
  #buffer = Buffer.allocUnsafe(FULL * 2);
  #used = 0;
  #sent = 0;
  #isLent = false;
  constructor(private readonly to: ByteTarget, private readonly signal: AbortSignal) {}

  get isFull(): boolean { return this.#used >= FULL; }
  get bytes(): number { return this.#sent + this.#used; }

  append(bytes: Uint8Array): void {
    if (this.#isLent) throw new Error('these bytes are lent: wait for send');
    if (this.#used + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }
  #grow(more: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + more));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
  /** Hands over what is joined and waits until it may be overwritten. @throws the signal's reason at once when it is aborted */
  async send(): Promise<void> {
    if (this.#used === 0) return;
    this.signal.throwIfAborted();
    this.#isLent = true;
    const isTaken = this.to.write(this.#buffer.subarray(0, this.#used));
    if (!isTaken) await this.#drained();
    this.#isLent = false;
    this.#sent += this.#used;
    this.#used = 0;
    if (this.#buffer.length > FULL * 8) this.#buffer = Buffer.allocUnsafe(FULL * 2); // one long row does not keep its memory
  }
  async #drained(): Promise<void> {
    let stop = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => { reject(this.signal.reason as Error); };
      this.signal.addEventListener('abort', stop, { once: true });
    });
    try {
      await Promise.race([this.to.drained(), aborted]);
    } finally {
      this.signal.removeEventListener('abort', stop);
    }
  }
}
