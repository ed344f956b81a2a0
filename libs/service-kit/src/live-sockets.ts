import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { EtlError } from '@agent-etl/contracts';
import { WebSocketServer, type WebSocket } from 'ws';
import { type Access, type Caller, bearerOf } from './access.ts';
import { type Doorman, titleOf } from './doorman.ts';

type Join = (socket: WebSocket, caller: Caller) => void;
/** Frames of clients are subscriptions: a few kilobytes. */
const MAX_FRAME_BYTES = 64 * 1024;

/** WebSockets on the HTTP server of the process. The bearer comes in the Authorization header or, since browsers cannot set one, as `?token=`. */
export class LiveSockets {
  readonly #joins = new Map<string, Join>();
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false, clientTracking: true });
  #closing = false;

  /** Hands each socket on `path` to `join`, with who opened it. */
  handle(path: string, join: Join): void {
    if (this.#joins.has(path)) throw new Error(`${path} is served twice`);
    this.#joins.set(path, join);
  }
  get clients(): number { return this.#server.clients.size; }

  attach(server: Server, { access, doorman }: { access: Access; doorman: Doorman }): void {
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => { socket.destroy(); });
      try { this.#open(request, { socket, head, caller: this.#admit(request, access, doorman) }); } catch (error) { refuse(socket, error); }
    });
  }

  /** Closes every socket with 1012, service restart: clients come back by their number. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const client of this.#server.clients) client.close(1012, 'restarting');
    const cut = setTimeout(() => { for (const client of this.#server.clients) client.terminate(); }, 1_000);
    await new Promise<void>((done) => { this.#server.close(() => { done(); }); if (!this.#server.clients.size) done(); });
    clearTimeout(cut);
  }

  #admit(request: IncomingMessage, access: Access, doorman: Doorman): Caller {
    if (this.#closing) throw new EtlError('platform.unavailable', { dependency: 'the live feed', kept: 'no' });
    doorman.check(request);
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (!this.#joins.has(url.pathname)) throw new EtlError('access.not-found', { what: 'live feed' });
    return access.callerOf(bearerOf(request.headers.authorization) ?? url.searchParams.get('token'));
  }
  #open(request: IncomingMessage, { socket, head, caller }: { socket: Duplex; head: Buffer; caller: Caller }): void {
    const join = this.#joins.get(new URL(request.url ?? '/', 'http://localhost').pathname)!;
    this.#server.handleUpgrade(request, socket, head, (opened) => { join(opened, caller); });
  }
}

function refuse(socket: Duplex, error: unknown): void {
  const status = error instanceof EtlError ? error.row.http ?? 500 : 400;
  socket.end(`HTTP/1.1 ${status} ${titleOf(status)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
