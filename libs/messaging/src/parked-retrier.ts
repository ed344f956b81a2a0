import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import type { Delivery } from './delivery.ts';
import type { Closable } from './message-bus.ts';

interface Due { seq: string; tenant_id: string }
const LOOK_EVERY_MS = 500;

/** Tries parked messages again: of each key the oldest, when its pause is over. One process per schema does it. */
export class ParkedRetrier {
  readonly #lead: Closable;
  #closing = false;
  constructor(private readonly app: App, private readonly state: StateDatabase, private readonly delivery: Delivery<App>) {
    this.#lead = state.lead('parked', (until) => this.#run(until));
  }
  async close(): Promise<void> { this.#closing = true; await this.#lead.close(); }

  async #run(until: AbortSignal): Promise<void> {
    while (!until.aborted && !this.#closing) {
      const due = await this.#due().catch(() => []); // the database is away: look again later
      for (const { seq, tenant_id: tenantId } of due) await this.delivery.retry(tenantId, seq).catch(() => false);
      if (due.length === 0) await sleep(LOOK_EVERY_MS, undefined, { signal: until }).catch(() => undefined);
    }
  }
  #due(): Promise<Due[]> {
    return this.state.asRelay((tx) => tx.run<Due>(sql`select seq, tenant_id from (
        select distinct on (tenant_id, topic, key) seq, tenant_id, next_at from parked where app = ${this.app} order by tenant_id, topic, key, seq) as oldest
      where next_at <= clock_timestamp() order by seq limit 50`));
  }
}
