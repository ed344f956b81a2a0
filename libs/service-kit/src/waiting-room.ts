import { type Server, createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtlError, type ErrorCode, toFailure } from '@agent-etl/contracts';
import type { Logger } from 'pino';
import type { Health } from './health.ts';

interface WaitOptions { readonly host?: string; readonly port?: number; readonly waitMs?: number; readonly log: Logger }
/** What passes by itself, or by what somebody else does: it is waited for. Everything else ends the start. */
const passes: readonly ErrorCode[] = ['platform.unavailable', 'state.older'];
const AGAIN_MS = 500;

/** Where a process waits for what it cannot start without: it lives, is not ready, and says why, so that nobody restarts it in a circle. */
export class WaitingRoom {
  #server: Promise<Server> | null = null;
  #reason = '';
  readonly #options: WaitOptions;
  constructor(options: WaitOptions) { this.#options = options; }

  /** Does the work, again and again while what is missing may still come.
   * @throws what the work throws, when waiting does not help or has lasted long enough */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    for (const until = Date.now() + (this.#options.waitMs ?? 0); ; await sleep(AGAIN_MS)) {
      try { return await work(); } catch (error) {
        if (!(error instanceof EtlError) || !passes.includes(error.code) || Date.now() >= until) throw error;
        await this.#wait(error);
      }
    }
  }
  /** Leaves the port to the service. */
  async close(): Promise<void> {
    const server = await this.#server?.catch(() => null);
    this.#server = null;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((done) => { server.close(done); });
  }

  async #wait(error: EtlError): Promise<void> {
    const { code, text, next } = toFailure(error);
    if (text !== this.#reason) this.#options.log.warn({ code, next }, `waiting: ${text}`);
    this.#reason = text;
    await (this.#server ??= this.#open());
  }
  #open(): Promise<Server> {
    const { host = '127.0.0.1', port = 0 } = this.#options;
    const server = createServer((request, response) => {
      const isReadiness = request.url?.startsWith('/health/ready') ?? false;
      const isHealth = request.url?.startsWith('/health/') ?? false;
      const health: Health = { status: 'waiting', reasons: [this.#reason] };
      response.writeHead(isHealth && !isReadiness ? 200 : 503, { 'content-type': 'application/json', connection: 'close', 'retry-after': '1' }).end(JSON.stringify(health));
    });
    return new Promise((done, fail) => { server.once('error', fail).listen(port, host, () => { done(server); }); });
  }
}
