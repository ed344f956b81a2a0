import pg from 'pg';
import type { ByteTarget } from '../port.ts';
import { FrameWalker } from './frame-walker.ts';
import { RawPhase, protocolMessage, rowsOfTag, serverError } from './raw-phase.ts';

const [ERROR, COMPLETE, READY, COPY_IN] = [0x45, 0x43, 0x5a, 0x47];
const COPY_DATA = 0x64;
const COPY_DONE = protocolMessage(0x63, Buffer.alloc(0));
/** One COPY … FROM STDIN. The server has accepted the statement when it is open. */
export interface CopyIn {
  /** Takes CopyData frames as they came from another server. */
  readonly frames: ByteTarget;
  /** Takes bare bytes and frames them. */
  readonly bytes: ByteTarget;
  /** Ends the data and waits for the server's count. @throws the server's error */
  done(): Promise<number>;
}

export async function openCopyIn(client: pg.Client, text: string): Promise<CopyIn> {
  const copy = new Copy(client);
  await copy.open(text);
  return copy;
}
class Copy implements CopyIn {
  readonly frames: ByteTarget = { write: (bytes) => this.#write(bytes), drained: () => this.#drained() };
  readonly bytes: ByteTarget = { write: (bytes) => this.#framed(bytes), drained: () => this.#drained() };
  readonly #raw: RawPhase;
  #tagRows = 0;
  #error: Error | undefined;
  #opened: { resolve(): void; reject(error: unknown): void } | undefined;
  #ready: { resolve(): void; reject(error: unknown): void } | undefined;
  #isReady = false;
  #isEnded = false;
  #wakers: (() => void)[] = [];
  readonly #written = (): void => { this.#wake(); };
  constructor(client: pg.Client) {
    const walker = new FrameWalker('count', { forward: () => undefined, control: (type, body) => { this.#control(type, body); } });
    this.#raw = new RawPhase(client, (chunk) => { walker.walk(chunk); });
    this.#raw.onEnd((error) => { this.#end(error); });
  }
  async open(text: string): Promise<void> {
    this.#raw.query(text);
    try {
      await new Promise<void>((resolve, reject) => { this.#opened = { resolve, reject }; });
    } catch (error) {
      if (this.#isReady) this.#raw.giveBack();
      throw error;
    }
  }
  async done(): Promise<number> {
    if (!this.#error) this.#raw.socket.write(COPY_DONE);
    if (!this.#isReady && !this.#isEnded) await new Promise<void>((resolve, reject) => { this.#ready = { resolve, reject }; });
    this.#raw.giveBack();
    if (this.#error) throw this.#error;
    return this.#tagRows;
  }
  /** After the server has refused a row nothing more is sent: false, so that the reader asks `drained` and hears why. */
  #write(bytes: Uint8Array): boolean {
    if (this.#error) return false;
    this.#raw.socket.write(bytes, this.#written);
    return this.#raw.socket.writableLength === 0;
  }
  #framed(bytes: Uint8Array): boolean {
    if (this.#error) return false;
    if (bytes.length === 0) return true;
    const head = Buffer.alloc(5);
    head[0] = COPY_DATA;
    head.writeInt32BE(bytes.length + 4, 1);
    this.#raw.socket.cork();
    this.#raw.socket.write(head);
    this.#raw.socket.write(bytes, this.#written);
    this.#raw.socket.uncork();
    return this.#raw.socket.writableLength === 0;
  }
  async #drained(): Promise<void> {
    while (!this.#error && this.#raw.socket.writableLength > 0) await new Promise<void>((woken) => { this.#wakers.push(woken); });
    if (this.#error) throw this.#error;
  }
  #control(type: number, body: Buffer): void {
    if (type === COPY_IN) this.#opened?.resolve();
    else if (type === ERROR) { this.#error = serverError(body); this.#wake(); }
    else if (type === COMPLETE) this.#tagRows = rowsOfTag(body);
    else if (type === READY) {
      this.#isReady = true;
      if (this.#error) this.#opened?.reject(this.#error);
      this.#ready?.resolve();
    }
  }
  #end(error: Error): void {
    this.#error ??= error;
    this.#isEnded = true;
    this.#opened?.reject(this.#error);
    this.#ready?.reject(this.#error);
    this.#wake();
  }
  #wake(): void { for (const woken of this.#wakers.splice(0)) woken(); }
}
