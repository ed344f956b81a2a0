import { setTimeout as sleep } from 'node:timers/promises';
import type { Closable } from './message-bus.ts';

/** The part of a consumer that the supervisor looks at. */
export interface Supervised {
  /** Tells of life: a fetch, a heartbeat, the start (+1) or end (-1) of work. */
  onLife(hear: (work: -1 | 0 | 1) => void): void;
  /** Tells of an end from which the client will not come back by itself. */
  onDeath(died: (reason: string) => void): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}
export interface SuperviseOptions { readonly pauseMs?: number; readonly silenceMs?: number; readonly onRestart?: (reason: string) => void }

/** Keeps a consumer alive for ever: the client may stop for good after a cut connection, or fall silent without a word.
 * The first start may fail aloud; after that a new consumer is made until one starts. */
export async function supervise(create: () => Supervised, { pauseMs = 500, silenceMs = 15_000, onRestart }: SuperviseOptions = {}): Promise<Closable> {
  let closed = false;
  let current: Supervised | undefined;
  let restarting: Promise<void> | undefined;
  let heardAt = Date.now();
  let busy = 0;
  const open = async (): Promise<void> => {
    const consumer = create();
    current = consumer;
    heardAt = Date.now();
    busy = 0;
    consumer.onLife((work) => { if (current === consumer) { heardAt = Date.now(); busy = Math.max(0, busy + work); } });
    consumer.onDeath((reason) => { if (current === consumer) restart(reason); });
    await consumer.start();
  };
  const again = async (reason: string): Promise<void> => {
    onRestart?.(reason);
    while (!closed) {
      const dead = current;
      current = undefined;
      void dead?.stop().catch(() => undefined); // not awaited: what hangs may hang here as well
      await sleep(pauseMs);
      if (closed) return;
      try { await open(); return; } catch { /* the broker is still away: the loop goes on */ }
    }
  };
  const restart = (reason: string): void => {
    if (restarting || closed) return;
    restarting = again(reason).finally(() => { restarting = undefined; });
  };
  const watch = setInterval(() => { if (busy === 0 && Date.now() - heardAt > silenceMs) restart('silence'); }, Math.max(20, Math.min(1_000, silenceMs / 4)));
  watch.unref();
  const close = async (): Promise<void> => {
    closed = true;
    clearInterval(watch);
    await restarting;
    await current?.stop().catch(() => undefined);
  };
  try { await open(); } catch (error) { await close(); throw error; }
  return { close };
}
