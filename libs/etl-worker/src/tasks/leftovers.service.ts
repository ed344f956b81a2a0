import { EtlError } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { StepRunner } from '../steps/step-runner.ts';
import { staysUnused } from './task-state.ts';
import { type EndedTask, type TaskKey, TasksRepository } from './tasks.repository.ts';
import { WORKER_LOG, type WorkerLog } from './worker-log.ts';
import { WorkerSettings } from './worker-settings.ts';

/** A target that takes connections and says nothing holds up neither other leftovers nor the end of this process. */
const LONGEST_TRY_MS = 30_000;
const LONGEST_GOODBYE_MS = 1_000;

/** Drops staging of runs that are over: that of the last try, that of an attempt nobody held when its run was cancelled, and what could not be dropped at
 * once because the target was away. Each is tried again, with growing pauses, for about a day. */
@Injectable()
export class Leftovers {
  private rounds: Promise<void> | null = null;
  private isAsked = false;
  private isStopping = false;
  constructor(
    private readonly state: StateDatabase, private readonly tasks: TasksRepository, private readonly steps: StepRunner, private readonly settings: WorkerSettings,
    @Inject(WORKER_LOG) private readonly log: WorkerLog,
  ) {}

  /** Looks once, beside whatever else is going on; a second call meanwhile looks again afterwards. */
  look(): void {
    if (this.settings.slots === 0) return; // the work is for others
    this.isAsked = true;
    this.rounds ??= this.untilAskedNoMore().catch((err: unknown) => { this.log.warn({ err }, 'no look at leftovers this time') }).finally(() => { this.rounds = null; });
  }
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.race([this.rounds, sleep(LONGEST_GOODBYE_MS, undefined, { ref: false })]);
  }

  private async untilAskedNoMore(): Promise<void> {
    while (this.isAsked && !this.isStopping) {
      this.isAsked = false;
      for (const key of await this.state.asRelay((tx) => this.tasks.leftovers(tx))) if (!this.isStopping) await this.drop(key);
    }
  }
  private async drop(key: TaskKey): Promise<void> {
    const ended = await this.state.inTenantTx(key.tenantId, (tx) => this.tasks.takeLeftover(tx, key));
    if (!ended) return; // a colleague was quicker
    try {
      await within(LONGEST_TRY_MS, this.steps.abandonAfter(ended));
    } catch (err) {
      this.log.warn({ taskRunId: key.taskRunId, err }, 'staging of a run that is over could not be dropped');
      if (!(err instanceof EtlError && staysUnused(err))) return;
    }
    await this.settle(ended);
  }
  private settle({ tenantId, runId }: EndedTask): Promise<void> { return this.state.inTenantTx(tenantId, (tx) => this.tasks.forgetStaging(tx, runId)); }
}
async function within(ms: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  work.catch(() => undefined); // when it comes late
  try {
    await Promise.race([work, sleep(ms, undefined, { signal: timer.signal, ref: false }).then(() => { throw new Error(`no end after ${ms} ms`); })]);
  } finally { timer.abort(); }
}
