import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A connection that is dialled again, with growing pauses up to 5 s, for as long as it is open. */
export interface DirectConnection { close(): Promise<void> }
/** What to do with each new connection. It may wait for as long as it likes; `lost` aborts when the connection breaks or is closed.
 * When it ends or throws, the connection is ended and a new one is dialled. */
export type WhileConnected = (client: pg.Client, lost: AbortSignal) => Promise<void>;

/** Probes an idle connection after ten seconds: one whose other end has vanished would else look open for two hours, deaf to every notification. */
export const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;

/** Keeps one connection outside every pool: for LISTEN and for locks that live as long as a session. */
export function keepConnected(options: pg.ClientConfig, work: WhileConnected): DirectConnection {
  const closing = new AbortController();
  const running = redial(options, work, closing.signal);
  return { close: async () => { closing.abort(); await running; } };
}

async function redial(options: pg.ClientConfig, work: WhileConnected, closing: AbortSignal): Promise<void> {
  let pauseMs = 50;
  while (!closing.aborted) {
    const connected = await hold(options, work, closing);
    pauseMs = connected ? 50 : Math.min(5_000, pauseMs * 2);
    await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: closing }).catch(() => undefined);
  }
}

async function hold(options: pg.ClientConfig, work: WhileConnected, closing: AbortSignal): Promise<boolean> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, ...keepAlive, ...options });
  const lost = new AbortController();
  const signal = AbortSignal.any([lost.signal, closing]);
  client.on('error', () => { lost.abort(); });
  client.on('end', () => { lost.abort(); });
  let connected = false;
  try {
    await client.connect();
    connected = true;
    await Promise.race([work(client, signal), aborted(signal)]);
  } catch {
    // The next round dials again; a server that stays away shows in `ping` and in the readiness of the service.
  } finally {
    lost.abort();
    await endQuickly(client);
  }
  return connected;
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise((done) => {
  if (signal.aborted) done();
  else signal.addEventListener('abort', () => { done(); }, { once: true });
});

/** A half-open connection never answers the goodbye: its socket is cut after a second. */
async function endQuickly(client: pg.Client): Promise<void> {
  const cut = setTimeout(() => { (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(); }, 1_000);
  await client.end().catch(() => undefined);
  clearTimeout(cut);
}
