import { Socket } from 'node:net';

/** Large enough that a call into the kernel is worth its price, small enough that a walk over the bytes finds them in the cache. */
const BUFFER_BYTES = 256 * 1024;

/** A connection that reads into one buffer of its own, over and over. Node makes a buffer for every read otherwise, and clearing them away costs more CPU
 * and far more memory than moving the rows.
 *
 * Its `data` events carry copies until `lend` is called: drivers keep what they are given. From then on they carry the buffer itself: the bytes are good
 * until the listener returns, or until `resume` when the listener has called `pause`. */
export class LendingSocket extends Socket {
  #isLending = false;
  constructor() {
    const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    let arrived: (bytes: Buffer) => void = () => undefined;
    super({ onread: { buffer, callback: (bytes) => { arrived(buffer.subarray(0, bytes)); return true; } } });
    arrived = (bytes) => { this.emit('data', this.#isLending ? bytes : Buffer.from(bytes)); };
  }
  /** The listeners from here on take the bytes before they return. */
  lend(): void { this.#isLending = true; }
  /** Back to copies. */
  keep(): void { this.#isLending = false; }
}
