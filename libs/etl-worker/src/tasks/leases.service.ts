import { EtlError, type Payload, toFailure } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import { StateDatabase, type TenantTx } from '@agent-etl/persistence';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import { TaskMetrics } from './task-metrics.ts';
import type { Ending, Heard } from './task-state.ts';
import { type Beat, type Claimed, type LostTask, type TaskKey, TasksRepository, type WaitingTask } from './tasks.repository.ts';
import { WorkerSettings } from './worker-settings.ts';

/** Who holds which task: claim, beat, report and sweep, each in one transaction with what it says. */
@Injectable()
export class Leases {
  private readonly state: StateDatabase;
  private readonly tasks: TasksRepository;
  private readonly outbox: Outbox<'etl-worker'>;
  private readonly settings: WorkerSettings;
  private readonly metrics: TaskMetrics;
  constructor(state: StateDatabase, tasks: TasksRepository, outbox: Outbox<'etl-worker'>, settings: WorkerSettings, metrics: TaskMetrics) {
    this.state = state;
    this.tasks = tasks;
    this.outbox = outbox;
    this.settings = settings;
    this.metrics = metrics;
  }

  /** Takes one attempt for this worker. @returns null when another worker was quicker */
  async claim(key: WaitingTask): Promise<Claimed | null> {
    const claimed = await this.state.inTenantTx(key.tenantId, async (tx) => {
      const row = await this.tasks.claim(tx, key, this.settings);
      if (!row) return null;
      tx.hold(row.runId);
      await this.outbox.add(tx, 'task.run.started.v1', { ...aboutOf(row), worker: this.settings.worker });
      return row;
    });
    if (!claimed) return null;
    crashPoint('task.claimed');
    this.metrics.waited(claimed.waitedSeconds);
    return claimed;
  }

  /** @returns null when this worker does not hold the task any more */
  async beat(key: TaskKey): Promise<Beat | null> {
    const beat = await this.state.inTenantTx(key.tenantId, (tx) => this.tasks.beat(tx, key, this.settings));
    crashPoint('task.beat');
    return beat;
  }

  /** Does `work` in a transaction during which nobody can take the task away.
   * @throws EtlError `lease.lost` when somebody has */
  async whileHeld<T>(key: TaskKey, work: (tx: TenantTx) => Promise<T>): Promise<T> {
    return this.state.inTenantTx(key.tenantId, async (tx) => {
      if (!(await this.tasks.holds(tx, key, this.settings.worker))) throw new EtlError('lease.lost');
      return work(tx);
    });
  }

  /** Ends the attempt and says so. Of two holders only the one in the row is heard.
   * @returns false when that is somebody else */
  async report(claimed: Claimed, { outcome, keepsStaging }: Ending<Heard>): Promise<boolean> {
    return this.state.inTenantTx(claimed.tenantId, async (tx) => {
      if (!(await this.tasks.finish(tx, claimed, { worker: this.settings.worker, state: outcome.state, keepsStaging }))) return false;
      tx.hold(claimed.runId);
      await this.say(tx, claimed, outcome);
      crashPoint('report.written');
      return true;
    });
  }

  /** Declares one silent attempt lost. @returns null when it beat after all, or a colleague was quicker */
  async declareLost(key: TaskKey): Promise<LostTask | null> {
    return this.state.inTenantTx(key.tenantId, async (tx) => {
      const row = await this.tasks.markLost(tx, key);
      if (!row) return null;
      tx.hold(row.runId);
      const failure = toFailure(new EtlError('lease.expired', { worker: row.worker }));
      await this.outbox.add(tx, 'task.run.failed.v1', { ...aboutOf(row), failure });
      crashPoint('sweep.marked');
      return row;
    });
  }

  private async say(tx: TenantTx, claimed: Claimed, outcome: Heard): Promise<void> {
    const about = aboutOf(claimed);
    switch (outcome.state) {
      case 'succeeded': return this.outbox.add(tx, 'task.run.succeeded.v1', { ...about, result: outcome.result });
      case 'failed': return this.outbox.add(tx, 'task.run.failed.v1', { ...about, failure: outcome.failure });
      case 'cancelled': return this.outbox.add(tx, 'task.run.cancelled.v1', about);
    }
  }
}

type About = Payload<'task.run.cancelled.v1'>;
const aboutOf = ({ runId, taskRunId, attempt }: Pick<Claimed, 'runId' | 'taskRunId' | 'attempt'>): About =>
  ({ runId: runId as About['runId'], taskRunId: taskRunId as About['taskRunId'], attempt });
