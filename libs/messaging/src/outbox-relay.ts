import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import type { Closable, MessageBus, WireMessage } from './message-bus.ts';
import { type Outbox, outboxChannel } from './outbox.ts';

interface Row { seq: string; topic: string; key: string; headers: Record<string, string>; body: Buffer }
const BATCH = 500;
const SWEEP_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;
/** Sent rows are kept this long, so that a person can look at what was said. */
const KEPT = '1 day';

/** Sends what transactions left in the outbox of one schema. One relay leads, the others wait for its connection to break. */
export class OutboxRelay {
  readonly #lead: Closable;
  readonly #listening: Promise<Closable>;
  #wake: () => void = () => undefined;
  #woken = false;
  #working: Promise<void> = Promise.resolve();
  #closing = false;
  constructor(private readonly state: StateDatabase, private readonly bus: MessageBus, outbox: Outbox<App>) {
    const wake = (): void => { this.#woken = true; this.#wake(); };
    outbox.onCommit(wake);
    this.#listening = state.listen(outboxChannel(outbox.app), wake);
    this.#lead = state.lead('outbox', (until) => { this.#working = this.#run(until); return this.#working; });
  }

  /** Stops after what is committed so far has been sent, or at once when the bus is away. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#woken = true;
    this.#wake();
    await this.#working.catch(() => undefined);
    await this.#lead.close();
    await (await this.#listening).close();
  }
  /** Age in seconds of the oldest unsent row; 0 when there is none. */
  async oldestSeconds(): Promise<number> {
    const [row] = await this.state.asRelay((tx) => tx.run<{ age: number | null }>(sql`select extract(epoch from clock_timestamp() - min(created_at))::float8 as age from outbox where sent_at is null`));
    return row?.age ?? 0;
  }

  async #run(until: AbortSignal): Promise<void> {
    let failures = 0;
    while (!until.aborted) {
      this.#woken = false;
      try {
        const sent = await this.#sendBatch();
        failures = 0;
        if (sent === 0 && this.#closing) return;
        if (sent < BATCH && !this.#woken) await this.#idle(until, SWEEP_MS);
      } catch {
        if (this.#closing) return; // rows stay unsent: the next process sends them
        failures += 1;
        await this.#idle(until, Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures) * (0.5 + Math.random() / 2));
      }
    }
  }
  async #sendBatch(): Promise<number> {
    const rows = await this.state.asRelay((tx) => tx.run<Row>(sql`select seq, topic, key, headers, body from outbox where sent_at is null order by seq limit ${BATCH}`));
    if (rows.length === 0) return 0;
    await this.bus.publish(rows.map(({ topic, key, headers, body }): WireMessage => ({ topic, key, headers, value: body })));
    const seqs = rows.map(({ seq }) => seq);
    await this.state.asRelay(async (tx) => {
      await tx.run(sql`update outbox set sent_at = clock_timestamp() where seq = any(${seqs}::bigint[])`);
      await tx.run(sql`delete from outbox where sent_at < clock_timestamp() - ${KEPT}::interval`);
    });
    return rows.length;
  }
  async #idle(until: AbortSignal, ms: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([
      sleep(ms, undefined, { signal: AbortSignal.any([until, timer.signal]) }).catch(() => undefined),
      new Promise<void>((woken) => { this.#wake = woken; }),
    ]);
    timer.abort();
    this.#wake = () => undefined;
  }
}
