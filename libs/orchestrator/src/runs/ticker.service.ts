import { type TenantTx, StateDatabase, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { RunRecord } from './run-record.ts';
import { wakeAt } from './run-state.ts';

type OnDue = (tenantId: string, runId: string) => Promise<unknown>;
const SWEEP_MS = 5_000;
const SOON_MS = 60_000;

/** Wakes runs that time alone may change: a retry that is due, a deadline. What this process decided is timed here; a sweep finds what another one left. */
@Injectable()
export class Ticker {
  private readonly state: StateDatabase;
  readonly #timers = new Set<NodeJS.Timeout>();
  #onDue: OnDue = () => Promise.resolve();
  #sweeping: Promise<void> | null = null;
  #stopped = false;
  #interval: NodeJS.Timeout | null = null;
  constructor(state: StateDatabase) { this.state = state; }

  onDue(onDue: OnDue): void { this.#onDue = onDue; }
  start(): void { this.#interval = setInterval(() => { void this.sweep(); }, SWEEP_MS).unref(); }
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#interval) clearInterval(this.#interval);
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#sweeping;
  }

  /** After the commit, waits for the next instant at which this run may change. */
  expect(tx: TenantTx, run: RunRecord): void {
    const at = wakeAt(run);
    const delayMs = at === null ? Infinity : Date.parse(at) - Date.now(); // only when to look: the database clock decides what is due
    if (delayMs > SOON_MS) return;
    tx.afterCommit(() => {
      if (this.#stopped) return;
      const timer = setTimeout(() => { this.#timers.delete(timer); void this.sweep(); }, Math.max(1, delayMs + 2));
      this.#timers.add(timer.unref());
    });
  }

  /** Looks once; a second call meanwhile looks again afterwards. A database that is away is met again by the next sweep. */
  async sweep(): Promise<void> {
    const before = this.#sweeping;
    const now = (before ?? Promise.resolve()).then(() => this.look()).catch(() => undefined);
    this.#sweeping = now;
    await now;
    if (this.#sweeping === now) this.#sweeping = null;
  }
  private async look(): Promise<void> {
    if (this.#stopped) return;
    const due = await this.state.asRelay((tx) => tx.run<{ tenant_id: string; run_id: string }>(sql`select tenant_id, run_id from run_wake where at <= clock_timestamp() order by at limit 100`));
    for (const { tenant_id: tenantId, run_id: runId } of due) await this.#onDue(tenantId, runId);
  }
}
