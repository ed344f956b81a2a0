import { EventEmitter } from 'node:events';

/** A packet that every server takes. */
const PACKET = 256 * 1024;

/** What the driver sends for LOAD DATA LOCAL. It stops while the socket is full, which the driver tells by `pause` and `resume`. */
export class InfileStream extends EventEmitter {
  #rest: Buffer = Buffer.alloc(0);
  #isAsked = false;
  #isPaused = false;
  #wake: () => void = () => undefined;

  /** The server asked: from here on bytes pass. */
  asked(): void {
    this.#isAsked = true;
    this.#wake();
  }
  pause(): void { this.#isPaused = true; }
  resume(): void {
    this.#isPaused = false;
    this.#wake();
  }
  /** Sends what may be sent now. @param bytes must stay as they are until `drained`, unless the answer is true */
  send(bytes: Buffer): boolean {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#flush();
    return this.#rest.length === 0 && !this.#isPaused;
  }
  #flush(): void {
    while (this.#isAsked && !this.#isPaused && this.#rest.length > 0) {
      const packet = this.#rest.subarray(0, PACKET);
      this.#rest = this.#rest.subarray(packet.length);
      this.emit('data', packet); // the driver copies it
    }
  }
  /** Waits until all is sent and more may come. Whoever waits must hear by itself that the connection broke. */
  async drained(): Promise<void> {
    for (this.#flush(); !this.#isAsked || this.#isPaused || this.#rest.length > 0; this.#flush()) await new Promise<void>((done) => { this.#wake = done; });
  }
  async end(): Promise<void> {
    await this.drained();
    this.emit('end');
  }
}
