import type { App } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { Bell } from './bell.ts';
import type { Closable, MessageBus, WireMessage } from './message-bus.ts';
import { type Outbox, outboxChannel } from './outbox.ts';

interface Row { seq: string; topic: string; key: string; headers: Record<string, string>; body: Buffer; found: number }
const BATCH = 500;
/** One batch may become one request to a partition: it stays below what a broker takes, whatever its rows hold. */
const BATCH_BYTES = 512 * 1024;
const SWEEP_MS = 5_000;
/** What was sent is marked at the next look, at the latest after this time. */
const MARK_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const TIDY_EVERY_MS = 3_600_000;
const MOST_DROPPED = 2_000;
/** Sent rows are kept this long, so that a person can look at what was said. */
const SENT_KEPT = '1 day';
/** Longer than topics keep messages, plus the time in which a replay may come. */
const SEEN_KEPT = '30 days';

/** Sends what transactions left in the outbox of one schema. One relay leads, the others wait for its connection to break. */
export class OutboxRelay {
  readonly #lead: Closable;
  readonly #listening: Promise<Closable>;
  readonly #bell = new Bell();
  #hasMore = false;
  #working: Promise<void> = Promise.resolve();
  #closing = false;
  #tidyAt = 0;
  /** Sent, and not yet marked so. */
  #sent: readonly string[] = [];
  constructor(private readonly state: StateDatabase, private readonly bus: MessageBus, outbox: Outbox<App>) {
    const wake = (): void => { this.#bell.ring(); };
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
    const [row] = await this.state.asRelayEach((tx) => tx.run<{ age: number | null }>(sql`select extract(epoch from clock_timestamp() - min(created_at))::float8 as age from outbox where sent_at is null`));
    return row?.age ?? 0;
  }

  async #run(until: AbortSignal): Promise<void> {
    let failures = 0;
    while (!until.aborted) {
      this.#bell.hush();
      try {
        const hasSent = await this.#sendBatch();
        failures = 0;
        if (!hasSent && this.#closing) return;
        if (Date.now() > this.#tidyAt) await this.#tidy();
        if (!this.#hasMore && this.#tidyAt > 0 && !this.#closing) await this.#bell.wait(hasSent ? MARK_MS : SWEEP_MS, until);
      } catch {
        if (this.#closing) return; // rows stay unsent: the next process sends them
        failures += 1;
        this.#bell.hush(); // commits do not hurry a bus that is away
        await this.#bell.wait(Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures) * (0.5 + Math.random() / 2), until);
      }
    }
  }
  /** Marks what the batch before has sent, and sends the next one. A mark need not be on disk: after a crash the message comes twice, and meets its inbox row. */
  async #sendBatch(): Promise<boolean> {
    const rows = await this.state.asRelayEach((tx) => tx.run<Row>(sql`
      with hurried as (select set_config('synchronous_commit', 'off', true)),
        marked as (update outbox set sent_at = clock_timestamp() from hurried where seq = any(${this.#sent}::bigint[])),
        oldest as (select seq, octet_length(body) as bytes from outbox where sent_at is null and seq <> all(${this.#sent}::bigint[]) order by seq limit ${BATCH}),
        summed as (select seq, bytes, sum(bytes) over (order by seq) as through from oldest)
      select seq, topic, key, headers, body, (select count(*) from oldest)::int as found from summed join outbox using (seq) where through <= ${BATCH_BYTES} or through = bytes order by seq`));
    this.#sent = [];
    this.#hasMore = rows.length < (rows[0]?.found ?? 0) || rows.length === BATCH;
    if (rows.length === 0) return false;
    await this.bus.publish(rows.map(({ topic, key, headers, body }): WireMessage => ({ topic, key, headers, value: body })));
    this.#sent = rows.map(({ seq }) => seq);
    return true;
  }
  /** Drops what nobody asks for any more: rows sent long ago, and ids that can no longer come twice. Some at a time: sending must not wait for it. */
  async #tidy(): Promise<void> {
    this.#tidyAt = Date.now() + TIDY_EVERY_MS;
    const dropped = await this.state.asRelay(async (tx) => [
      await tx.run(sql`delete from outbox where ctid = any(array(select ctid from outbox where sent_at < clock_timestamp() - ${SENT_KEPT}::interval limit ${MOST_DROPPED})) returning 1`),
      await tx.run(sql`delete from inbox where ctid = any(array(select ctid from inbox where seen_at < clock_timestamp() - ${SEEN_KEPT}::interval limit ${MOST_DROPPED})) returning 1`),
    ]).catch(() => []); // what cannot be dropped now is dropped an hour later
    if (dropped.some(({ length }) => length === MOST_DROPPED)) this.#tidyAt = 0;
  }
}
