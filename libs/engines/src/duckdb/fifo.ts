import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const POLL_MS = 2;
/** As much as a FIFO holds. */
const READ_BYTES = 65_536;

/** Where bytes go: on true they may be overwritten, on false they are still used, then wait for `drained`. */
export interface Bytes { write(bytes: Uint8Array): boolean; drained(): Promise<void> }

/** @returns path of a new FIFO that only this user may open */
export async function makeFifo(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await promisify(execFile)('mkfifo', ['-m', '600', path]);
  return path;
}

/** Our end of a FIFO that an engine reads. */
export class FifoFeed implements Bytes {
  private readonly socket: Socket;
  private failure: Error | null = null;
  private readonly wakers: (() => void)[] = [];
  private readonly wake = (): void => { for (const woken of this.wakers.splice(0)) woken(); };
  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', (error) => { this.failure = error; }).on('close', this.wake);
  }

  /** Waits until the engine has opened the other end: a writer that comes and goes before would be missed.
   * @param engine the statement that reads; when it ends first, its error is thrown */
  static async open(path: string, engine: Promise<unknown>): Promise<FifoFeed> {
    let isOver = false;
    const over = () => { isOver = true; };
    engine.then(over, over);
    for (;;) {
      const descriptor = tryOpen(path);
      if (descriptor !== null) return new FifoFeed(new Socket({ fd: descriptor, readable: false, writable: true }));
      if (isOver) { await engine; throw new Error('the engine never opened its input'); }
      await sleep(POLL_MS);
    }
  }

  write(bytes: Uint8Array): boolean {
    if (this.failure) return false;
    this.socket.write(bytes, this.wake);
    return this.socket.writableLength === 0;
  }
  /** @throws Error when the engine closed its end */
  async drained(): Promise<void> {
    while (this.socket.writableLength > 0 && !this.socket.destroyed) await new Promise<void>((woken) => { this.wakers.push(woken); });
    if (this.failure || this.socket.destroyed) throw this.failure ?? new Error('closed');
  }
  /** Everything is written: the engine sees the end of its input. */
  end(): void { this.socket.end(); }
  /** Drops what is not written yet. Only for an engine that is being killed: it would take this for the end of its input. */
  destroy(): void { this.socket.destroy(); }
}
function tryOpen(path: string): number | null {
  try {
    return openSync(path, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null;          // nobody reads yet
    throw error;
  }
}

/** Our end of a FIFO that an engine writes. The engine's end-of-file means nothing: we keep a writer open until `release`. */
export class FifoTap {
  private readonly holder: number;
  private readonly socket: Socket;
  private isReleased = false;
  /** What the one buffer holds; without it each read would make one, and the collector would take more time than the copy. False ends reading until `resume`. */
  private take: (bytes: Uint8Array) => boolean = () => false;
  constructor(path: string) {
    this.holder = openSync(path, O_RDWR | O_NONBLOCK);
    const onread = { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: (length: number, buffer: Uint8Array) => this.take(buffer.subarray(0, length)) };
    const options = { fd: openSync(path, O_RDONLY | O_NONBLOCK), readable: true, writable: false, manualStart: true, onread };
    this.socket = new Socket(options);
  }

  /** Passes all bytes on, no faster than `to` takes them. Ends after `release`, when the FIFO is empty; rejects when `to` does, or on `destroy`.
   * @returns bytes passed on */
  pump(to: Bytes, onBytes: (bytes: Uint8Array) => void): Promise<number> {
    const { socket } = this;
    let total = 0;
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => { this.destroy(); reject(cause instanceof Error ? cause : new Error(String(cause))); };
      let isEnded = false;
      socket.on('error', fail).on('end', () => { isEnded = true; resolve(total); }).on('close', () => { if (!isEnded) fail(new Error('the stream was cut')); });
      this.take = (bytes) => {
        try {
          total += bytes.length;
          onBytes(bytes);
          if (to.write(bytes)) return true;
        } catch (cause) { fail(cause); return false; }
        to.drained().then(() => { if (!socket.destroyed) socket.resume(); }, fail);
        return false;
      };
      socket.resume();
    });
  }

  /** The engine has said that it wrote everything: what is left in the FIFO is the end. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    closeSync(this.holder);
  }
  destroy(): void {
    this.release();
    this.socket.destroy();
  }
}
