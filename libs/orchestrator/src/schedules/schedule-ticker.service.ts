import { toFailure } from '@agent-etl/contracts';
import { StateDatabase, sql } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { ORCHESTRATOR_LOG, type OrchestratorLog } from '../orchestrator-log.ts';
import { Sweep } from '../signals/sweep.ts';
import { Slots } from './slots.service.ts';

interface Coming { readonly tenantId: string; readonly pipelineId: string; readonly waitMs: number }
const SWEEP_MS = 5_000;
/** How soon a due schedule is looked at again that somebody else held. */
const HELD_MS = 500;
const MOST_AT_ONCE = 100;

/** Wakes schedules whose slot has come. The database clock says when that is; timers of this process only say when to look, so a clock that is wrong makes it late by a sweep at most. */
@Injectable()
export class ScheduleTicker {
  readonly #sweep = new Sweep(() => this.look().catch((error: unknown) => { this.log.warn({ err: error }, 'no sweep of schedules this time'); }));
  #interval: NodeJS.Timeout | null = null;
  #next: NodeJS.Timeout | null = null;
  constructor(private readonly state: StateDatabase, private readonly slots: Slots, @Inject(ORCHESTRATOR_LOG) private readonly log: OrchestratorLog) {}

  start(): void {
    this.#interval = setInterval(() => { void this.#sweep.ask(); }, SWEEP_MS).unref();
    void this.#sweep.ask();
  }
  async stop(): Promise<void> {
    if (this.#interval) clearInterval(this.#interval);
    await this.#sweep.stop();
    if (this.#next) clearTimeout(this.#next);
  }

  private async look(): Promise<void> {
    const coming = await this.state.asRelayEach((tx) => tx.run<Coming>(sql`select tenant_id as "tenantId", pipeline_id as "pipelineId",
      ceil(extract(epoch from next_at - clock_timestamp()) * 1000)::float8 as "waitMs" from schedule where next_at <= clock_timestamp() + ${SWEEP_MS}::integer * interval '1 millisecond' order by next_at limit ${MOST_AT_ONCE}`));
    const due = coming.filter(({ waitMs }) => waitMs <= 0);
    let done = 0;
    for (const one of due) if (await this.turn(one)) done += 1;
    if (due.length === MOST_AT_ONCE && done > 0) { void this.#sweep.ask(); return; }
    const soon = done < due.length ? HELD_MS : coming.find(({ waitMs }) => waitMs > 0)?.waitMs;
    if (soon !== undefined) this.lookIn(Math.min(soon, SWEEP_MS));
  }
  private lookIn(delayMs: number): void {
    if (this.#next) clearTimeout(this.#next);
    this.#next = setTimeout(() => { void this.#sweep.ask(); }, delayMs + 2).unref();
  }
  /** Whatever is wrong with one schedule keeps no other from its turn. */
  private async turn(which: Coming): Promise<boolean> {
    let failure = toFailure(null);
    for (const turn of [() => this.slots.run(which), () => this.slots.giveUp(which, failure)]) {
      try { return await turn(); } catch (error) {
        failure = toFailure(error);
        if (failure.code === 'platform.unavailable') throw error;
        this.log.error({ pipelineId: which.pipelineId, err: error }, 'a slot could not be dealt with');
      }
    }
    return true; // looked at again with the next sweep
  }
}
