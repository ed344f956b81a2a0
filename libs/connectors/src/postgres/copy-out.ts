import pg from 'pg';
import type { ByteTarget, OnRead } from '../port.ts';
import { FrameWalker, type WalkMode } from './frame-walker.ts';
import { RawPhase, rowsOfTag, serverError } from './raw-phase.ts';

const [ERROR, COMPLETE, READY] = [0x45, 0x43, 0x5a];
const REPORT_MS = 200;
export interface CopyOutResult { readonly rows: number; readonly bytes: number; readonly lanes: { readonly a: string; readonly b: string } }
export interface PumpOptions { readonly to: ByteTarget; readonly onRead?: OnRead | undefined; readonly signal: AbortSignal; readonly stop: () => void }
/** One COPY … TO STDOUT. */
export interface CopyOut {
  /** Sends everything to the target, no faster than it takes it. `stop` is called once when the signal aborts: it has to end the statement.
   * @throws the server's error, or the target's; the session is of no further use then */
  pump(options: PumpOptions): Promise<CopyOutResult>;
}

/** Prepares a COPY; nothing is sent before `pump`. */
export async function openCopyOut(client: pg.Client, text: string, mode: WalkMode): Promise<CopyOut> {
  return { pump: (options) => new Pump(client, mode, options).run(text) };
}

class Pump {
  readonly #walker: FrameWalker;
  readonly #raw: RawPhase;
  readonly #options: PumpOptions;
  #tagRows = 0;
  #error: Error | undefined;
  /** The target still uses bytes of ours. */
  #busy: Promise<void> | undefined;
  #done: { resolve(): void; reject(error: unknown): void } | undefined;
  #reportedAt = 0;
  constructor(client: pg.Client, mode: WalkMode, options: PumpOptions) {
    this.#options = options;
    this.#walker = new FrameWalker(mode, { forward: (bytes) => { this.#forward(bytes); }, control: (type, body) => { this.#control(type, body); } });
    this.#raw = new RawPhase(client, (chunk) => { this.#take(chunk); });
  }
  async run(text: string): Promise<CopyOutResult> {
    const { signal, stop } = this.#options;
    const abort = (): void => { stop(); this.#fail(signal.reason); };
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.#done = { resolve, reject };
        this.#raw.onEnd((error) => { this.#fail(this.#error ?? error); });
        this.#raw.query(text);
      });
    } finally {
      signal.removeEventListener('abort', abort);
    }
    this.#raw.giveBack();
    if (this.#error) throw this.#error;
    if (this.#tagRows !== this.#walker.rows) throw new Error(`the server says ${this.#tagRows} rows, ${this.#walker.rows} arrived`);
    return { rows: this.#walker.rows, bytes: this.#walker.bytes, lanes: this.#walker.lanes };
  }
  #take(chunk: Buffer): void {
    try {
      this.#walker.walk(chunk);
    } catch (error) { // in a handler of the socket nobody would catch it, and the process would end
      this.#options.stop();
      this.#fail(error);
    }
    const now = Date.now();
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    this.#options.onRead?.(this.#walker.rows, this.#walker.bytes);
  }
  #forward(bytes: Uint8Array): void {
    if (this.#options.to.write(bytes) || this.#busy) return;
    this.#raw.socket.pause();
    this.#busy = this.#options.to.drained().then(() => { this.#busy = undefined; this.#raw.socket.resume(); }, (error: unknown) => { this.#options.stop(); this.#fail(error); });
  }
  #control(type: number, body: Buffer): void {
    if (type === ERROR) this.#error = serverError(body);
    else if (type === COMPLETE) this.#tagRows = rowsOfTag(body);
    else if (type === READY) void this.#settle();
  }
  /** The connection may read on when the last bytes are gone too; they are passed on after this message is heard. */
  async #settle(): Promise<void> {
    await Promise.resolve();
    await this.#busy;
    this.#done?.resolve();
  }
  #fail(error: unknown): void { this.#done?.reject(error); }
}
