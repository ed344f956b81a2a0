import { toFailure } from '@agent-etl/contracts';
import { type TenantTx, StateDatabase, sql } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { ORCHESTRATOR_LOG, type OrchestratorLog } from '../orchestrator-log.ts';
import { Sweep } from '../signals/sweep.ts';
import type { RunRecord } from './run-record.ts';
import { wakeAt } from './run-state.ts';

type OnDue = (tenantId: string, runId: string) => Promise<unknown>;
type OnStuck = (tx: TenantTx, runId: string) => Promise<void>;
interface DueRun { readonly tenantId: string; readonly runId: string }
const SWEEP_MS = 5_000;
const SOON_MS = 60_000;

/** Wakes runs that time alone may change: a retry that is due, a deadline. What this process decided is timed here; a sweep finds what another one left. */
@Injectable()
export class Ticker {
  readonly #timers = new Set<NodeJS.Timeout>();
  #onDue: OnDue = () => Promise.resolve();
  #onStuck: OnStuck = () => Promise.resolve();
  readonly #sweep = new Sweep(() => this.look().catch((error: unknown) => { this.log.warn({ err: error }, 'no sweep of runs this time'); }));
  #stopped = false;
  #interval: NodeJS.Timeout | null = null;
  constructor(private readonly state: StateDatabase, @Inject(ORCHESTRATOR_LOG) private readonly log: OrchestratorLog) {}

  onDue(onDue: OnDue): void { this.#onDue = onDue; }
  /** Called for a run whose turn failed, in a transaction of its own. */
  onStuck(onStuck: OnStuck): void { this.#onStuck = onStuck; }
  start(): void { this.#interval = setInterval(() => { void this.sweep(); }, SWEEP_MS).unref(); }
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#interval) clearInterval(this.#interval);
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#sweep.stop();
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

  /** Looks once; however many calls come meanwhile, it looks once more afterwards. A database that is away is met again by the next sweep. */
  sweep(): Promise<void> { return this.#sweep.ask(); }
  private async look(): Promise<void> {
    const due = await this.state.asRelay((tx) => tx.run<DueRun>(sql`select tenant_id as "tenantId", run_id as "runId" from run_wake where at <= clock_timestamp() order by at limit 100`));
    for (const run of due) await this.move(run);
  }
  /** Whatever is wrong with one run keeps no other from its turn. */
  private async move({ tenantId, runId }: DueRun): Promise<void> {
    const turns = [() => this.#onDue(tenantId, runId), () => this.state.inTenantTx(tenantId, (tx) => this.#onStuck(tx, runId))];
    for (const turn of turns) {
      try { await turn(); return; } catch (error) {
        if (toFailure(error).code === 'platform.unavailable') throw error;
        this.log.error({ runId, err: error }, 'a run could not be moved on');
      }
    }
  }
}
