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
/** @property silenceMs without a sign of life from a started consumer, it is replaced
 * @property startMs a start that takes longer counts as failed: the client may neither start nor say so
 * @property signal ends the first start: one that is under way is waited for, so that it can leave; there is no further one */
export interface SuperviseOptions { readonly pauseMs?: number; readonly silenceMs?: number; readonly startMs?: number; readonly onRestart?: (reason: string) => void; readonly signal?: AbortSignal }

/** Keeps a consumer alive for ever: the client may stop for good after a cut connection, or fall silent without a word, also while it starts.
 * The first start may fail aloud: what the client refuses at once, what crashes for as long as a start may take. After that a new consumer is made until one starts. */
export async function supervise(create: () => Supervised, { pauseMs = 500, silenceMs = 15_000, startMs = 60_000, onRestart, signal }: SuperviseOptions = {}): Promise<Closable> {
  let closed = false;
  let current = new Life(create(), silenceMs);
  const isStarted = (): Promise<boolean> => current.start(startMs).then(() => true, () => false); // the broker may still be away
  const keep = async (): Promise<void> => {
    for (;;) {
      const reason = await current.ended;
      if (closed) return;
      onRestart?.(reason);
      do {
        void current.stop(); // not awaited: what hangs may hang here as well
        await sleep(pauseMs);
        if (closed) return;
        current = new Life(create(), silenceMs);
      } while (!(await isStarted()));
    }
  };
  for (const until = Date.now() + startMs; ;) {
    try { await current.start(startMs); break; } catch (error) {
      void current.stop();
      if (!(error instanceof Ended) || signal?.aborted || Date.now() + pauseMs >= until) throw error; // a crash: a topic or its group may be too new to be led
    }
    await sleep(pauseMs);
    signal?.throwIfAborted();
    current = new Life(create(), silenceMs);
  }
  const keeping = keep();
  return { close: async () => {
    closed = true;
    current.end('closing');
    await keeping;
    await current.stop();
  } };
}

/** A consumer that was starting ended before it had started. */
class Ended extends Error {}

/** One consumer, from its start to its end. */
class Life {
  /** Resolves with why it ended. */
  readonly ended: Promise<string>;
  readonly end: (reason: string) => void;
  #heardAt = Date.now();
  #busy = 0;
  #watch: NodeJS.Timeout | undefined;
  constructor(private readonly consumer: Supervised, private readonly silenceMs: number) {
    ({ promise: this.ended, resolve: this.end } = Promise.withResolvers<string>());
    consumer.onLife((work) => { this.#heardAt = Date.now(); this.#busy = Math.max(0, this.#busy + work); });
    consumer.onDeath(this.end);
  }
  /** @throws Error when the client refuses, dies meanwhile or gives no answer */
  async start(withinMs: number): Promise<void> {
    const timer = setTimeout(() => { this.end(`no start within ${withinMs} ms`); }, withinMs);
    try {
      await Promise.race([this.consumer.start(), this.ended.then((reason) => { throw new Ended(reason); })]);
    } finally { clearTimeout(timer); }
    this.#heardAt = Date.now();
    this.#watch = setInterval(() => { if (this.#busy === 0 && Date.now() - this.#heardAt > this.silenceMs) this.end('silence'); }, Math.max(20, Math.min(1_000, this.silenceMs / 4))).unref();
  }
  async stop(): Promise<void> {
    clearInterval(this.#watch);
    await this.consumer.stop().catch(() => undefined);
  }
}
