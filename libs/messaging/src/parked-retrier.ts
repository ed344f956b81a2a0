import { type App, toFailure } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { Bell } from './bell.ts';
import type { Delivery } from './delivery.ts';
import type { Closable } from './message-bus.ts';

interface Oldest { seq: string; tenant_id: string; wait_ms: number }
/** Messages that another process parked are found within this time; one parked here rings at once. */
const SWEEP_MS = 5_000;
const AFTER_FAILURE_MS = 1_000;

/** Tries parked messages again: of each key the oldest, and each that has no key, when its pause is over. One process per schema does it. */
export class ParkedRetrier {
  readonly #lead: Closable;
  readonly #bell = new Bell();
  #closing = false;
  constructor(private readonly app: App, private readonly state: StateDatabase, private readonly delivery: Delivery<App>) {
    delivery.whenParked(() => { this.#bell.ring(); });
    this.#lead = state.lead('parked', (until) => this.#run(until));
  }
  async close(): Promise<void> {
    this.#closing = true;
    this.#bell.ring();
    await this.#lead.close();
  }

  async #run(until: AbortSignal): Promise<void> {
    while (!until.aborted && !this.#closing) {
      this.#bell.hush();
      const waitMs = await this.#round(until).catch(() => AFTER_FAILURE_MS); // the database is away: nothing was lost, look again
      if (!this.#closing && waitMs > 0) await this.#bell.wait(waitMs, until);
    }
  }
  /** Tries what is due. Answers after how many milliseconds to look again. */
  async #round(until: AbortSignal): Promise<number> {
    const oldest = await this.#oldest();
    const due = oldest.filter(({ wait_ms: waitMs }) => waitMs === 0);
    let isMoved = false;
    for (const one of due) {
      if (until.aborted || this.#closing) return 0;
      isMoved = await this.#retry(one) || isMoved;
    }
    if (due.length > 0) return isMoved ? 0 : AFTER_FAILURE_MS;
    return Math.min(SWEEP_MS, oldest[0]?.wait_ms ?? SWEEP_MS);
  }
  /** Answers whether it was there and in nobody's hands. What is wrong with one message keeps no other from its turn. */
  async #retry({ seq, tenant_id: tenantId }: Oldest): Promise<boolean> {
    try { return await this.delivery.retry(tenantId, seq); } catch (error) {
      if (toFailure(error).code === 'platform.unavailable') throw error;
      return false;
    }
  }
  #oldest(): Promise<Oldest[]> {
    return this.state.asRelay((tx) => tx.run<Oldest>(sql`select seq, tenant_id, ceil(greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000))::int as wait_ms from (
        select distinct on (tenant_id, topic, key, alone) seq, tenant_id, next_at from (select *, case when key = '' then seq end as alone from parked where app = ${this.app}) as mine
        order by tenant_id, topic, key, alone, seq) as first_of_key
      order by next_at, seq limit 50`));
  }
}
