import type { Socket } from 'node:net';
import pg from 'pg';
import { LendingSocket } from './lending-socket.ts';

type Listener = (chunk: Buffer) => void;
const QUERY = 0x51;
/** Bytes of one protocol message with its type. */
export function protocolMessage(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Takes the socket of an idle driver connection over: the driver has parsed all there was, so every byte from here on is ours until `giveBack`.
 * TLS and login stay the driver's. The bytes that a listener gets are good until it returns, or until the socket that it paused is resumed. */
export class RawPhase {
  readonly socket: Socket;
  readonly #listeners: Listener[];
  #onData: Listener;
  #onEnd: (error: Error) => void = () => undefined;
  readonly #ended = (): void => { this.#onEnd(Object.assign(new Error('Connection terminated during COPY'), { code: 'ECONNRESET' })); };
  readonly #failed = (error: Error): void => { this.#onEnd(error); };
  constructor(client: pg.Client, onData: Listener) {
    const { connection } = client as unknown as { connection: { stream: Socket } };
    this.socket = connection.stream;
    if (this.socket instanceof LendingSocket) this.socket.lend();
    this.#listeners = this.socket.listeners('data') as Listener[];
    this.socket.removeAllListeners('data');
    this.#onData = onData;
    this.socket.on('data', this.#onData);
    this.socket.once('close', this.#ended);
    this.socket.once('error', this.#failed);
  }
  onEnd(ended: (error: Error) => void): void { this.#onEnd = ended; }
  query(text: string): void { this.socket.write(protocolMessage(QUERY, Buffer.from(`${text}\0`))); }
  /** After ReadyForQuery: the driver reads again. */
  giveBack(): void {
    if (this.socket instanceof LendingSocket) this.socket.keep();
    this.socket.off('data', this.#onData);
    this.socket.off('close', this.#ended);
    this.socket.off('error', this.#failed);
    for (const listener of this.#listeners) this.socket.on('data', listener);
    this.socket.resume();
  }
}

/** An ErrorResponse as the driver would throw it: fields by their one-letter codes. */
export function serverError(body: Buffer): Error {
  const fields = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1);
    fields.set(String.fromCharCode(body[at]!), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  return Object.assign(new Error(fields.get('M') ?? 'unknown error'), {
    code: fields.get('C'), where: fields.get('W'), column: fields.get('c'), constraint: fields.get('n'), detail: fields.get('D'), severity: fields.get('S'),
  });
}
/** Rows of a command tag such as `COPY 42`. */
export const rowsOfTag = (body: Buffer): number => Number(/(\d+)\0?$/.exec(body.toString('latin1'))?.[1] ?? 0);
