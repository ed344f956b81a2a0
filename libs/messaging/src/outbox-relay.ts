import type { App } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { Bell } from './bell.ts';
import type { Closable, MessageBus, WireMessage } from './message-bus.ts';
import { type Outbox, outboxChannel } from './outbox.ts';

interface Row { seq: string; topic: string; key: string; headers: Record<string, string>; body: Buffer; waiting: number }
const BATCH = 500;
/** One batch may become one request to a partition: it stays below what a broker takes, whatever its rows hold. */
const BATCH_BYTES = 512 * 1024;
const SWEEP_MS = 5_000;
const LONGEST_PAUSE_MS = 5_000;
const TIDY_EVERY_MS = 3_600_000;
/** Sent rows are kept this long, so that a person can look at what was said. */
const SENT_KEPT = '1 day';
/** Longer than topics keep messages, plus the time in which a replay may come. */
const SEEN_KEPT = '30 days';

/** Sends what transactions left in the outbox of one schema. One relay leads, the others wait for its connection to break. */
export class OutboxRelay {
  readonly #lead: Closable;
  readonly #listening: Promise<Closable>;
  readonly #bell = new Bell();
  #working: Promise<void> = Promise.resolve();
  #closing = false;
  #tidyAt = 0;
  constructor(private readonly state: StateDatabase, private readonly bus: MessageBus, outbox: Outbox<App>) {
    const wake = (): void => { this.#bell.ring(); };
    outbox.onCommit(wake);
    this.#listening = state.listen(outboxChannel(outbox.app), wake);
    this.#lead = state.lead('outbox', (until) => { this.#working = this.#run(until); return this.#working; });
  }

  /** Stops after what is committed so far has been sent, or at once when the bus is away. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#bell.ring();
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
      this.#bell.hush();
      try {
        const { sent, isMore } = await this.#sendBatch();
        failures = 0;
        if (sent === 0 && this.#closing) return;
        if (Date.now() > this.#tidyAt) await this.#tidy();
        if (!isMore && !this.#closing) await this.#bell.wait(SWEEP_MS, until);
      } catch {
        if (this.#closing) return; // rows stay unsent: the next process sends them
        failures += 1;
        this.#bell.hush(); // commits do not hurry a bus that is away
        await this.#bell.wait(Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures) * (0.5 + Math.random() / 2), until);
      }
    }
  }
  async #sendBatch(): Promise<{ sent: number; isMore: boolean }> {
    const rows = await this.state.asRelay((tx) => tx.run<Row>(sql`
      with oldest as (select seq, octet_length(body) as bytes from outbox where sent_at is null order by seq limit ${BATCH}),
        summed as (select seq, bytes, sum(bytes) over (order by seq) as through, count(*) over () as waiting from oldest)
      select seq, topic, key, headers, body, waiting::int from summed join outbox using (seq) where through <= ${BATCH_BYTES} or through = bytes order by seq`));
    if (rows.length === 0) return { sent: 0, isMore: false };
    await this.bus.publish(rows.map(({ topic, key, headers, body }): WireMessage => ({ topic, key, headers, value: body })));
    const seqs = rows.map(({ seq }) => seq);
    await this.state.asRelay((tx) => tx.run(sql`update outbox set sent_at = clock_timestamp() where seq = any(${seqs}::bigint[])`));
    const waiting = rows[0]?.waiting ?? 0;
    return { sent: rows.length, isMore: waiting > rows.length || waiting === BATCH };
  }
  /** Drops what nobody asks for any more: rows sent long ago, and ids that can no longer come twice. */
  async #tidy(): Promise<void> {
    await this.state.asRelay(async (tx) => {
      await tx.run(sql`delete from outbox where sent_at < clock_timestamp() - ${SENT_KEPT}::interval`);
      await tx.run(sql`delete from inbox where seen_at < clock_timestamp() - ${SEEN_KEPT}::interval`);
    });
    this.#tidyAt = Date.now() + TIDY_EVERY_MS;
  }
}
