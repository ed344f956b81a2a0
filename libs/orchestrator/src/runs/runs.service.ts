import { type Failure, type PlanId, type RunView, EtlError, RunId, TaskRunId, isFinal } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import { type TenantTx, StateDatabase } from '@agent-etl/persistence';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import { ConnectionsRepository } from '../connections/connections.repository.ts';
import { RunEnds, about } from './run-ends.service.ts';
import type { RunRecord } from './run-record.ts';
import { type RunEvent, type RunOrder, type RunStep, applyRunEvent, isActive, startRun } from './run-state.ts';
import { runView } from './run-view.ts';
import { taskEvent } from './run-events.ts';
import { connectionsOf } from './task-connections.ts';
import { RunsRepository } from './runs.repository.ts';
import { Ticker } from './ticker.service.ts';

/** Runs move here: load, ask the pure state, save and emit in one transaction. */
@Injectable()
export class RunsService {
  constructor(
    private readonly state: StateDatabase, private readonly runs: RunsRepository, private readonly outbox: Outbox<'orchestrator'>,
    private readonly connections: ConnectionsRepository, private readonly ends: RunEnds, private readonly ticker: Ticker,
  ) { this.ticker.onDue((tenantId, runId) => this.timePassed(tenantId, runId)); }

  /** Starts a new run. @throws EtlError `request.conflict` when its target is busy */
  async start(tx: TenantTx, run: RunRecord): Promise<RunRecord> {
    const step = startRun(run, run.startedAt);
    await this.runs.insert(tx, step.run);
    await this.runs.note(tx, run.runId, { type: 'run.started.v1' });
    await this.outbox.add(tx, 'run.started.v1', {
      ...about(run), driver: run.driver, tasks: run.tasks.map(({ id, taskRunId, kind }) => ({ id, taskRunId: TaskRunId.parse(taskRunId), kind })), startedAt: run.startedAt });
    return this.carryOut(tx, step.run, step.emit);
  }

  /** One event of a worker. Twins and late ones change nothing but a counter. */
  async apply(tx: TenantTx, runId: string, event: RunEvent): Promise<RunRecord | null> {
    const before = await this.runs.lock(tx, runId);
    if (!before) return null; // of another deployment that shares the broker, or long gone
    crashPoint('runs.inbox-written');
    const step = applyRunEvent(before, event, await tx.now());
    const told = step.ignored === null ? taskEvent(before, event) : null;
    if (told) await this.runs.note(tx, runId, told);
    return this.keep(tx, before, step);
  }

  /** What a worker said was given up: that attempt has failed, or, when nothing says which, every attempt under way. */
  async giveUp(tx: TenantTx, { runId, about }: { runId: string; about: { taskRunId: string; attempt: number } | null }, failure: Failure): Promise<void> {
    const attempts = about ? [about] : (await this.runs.lock(tx, runId))?.tasks.filter(isActive) ?? [];
    for (const { taskRunId, attempt } of attempts) await this.apply(tx, runId, { type: 'failed', taskRunId, attempt, failure });
  }

  private async keep(tx: TenantTx, before: RunRecord, step: RunStep): Promise<RunRecord> {
    if (step.ignored !== null) {
      const run = { ...before, ignored: before.ignored + 1 };
      await this.runs.save(tx, before, run);
      return run;
    }
    const run = step.emit.some(({ order }) => order === 'finish') ? this.ends.prove(step.run) : step.run;
    await this.runs.save(tx, before, run);
    if (run.driver === 'airflow') await this.ends.tell(tx, run); // a DAG waits for its tasks one by one
    crashPoint('runs.state-saved');
    const kept = await this.carryOut(tx, run, step.emit);
    crashPoint('runs.outbox-written');
    tx.afterCommit(() => { crashPoint('runs.committed'); });
    return kept;
  }

  private async carryOut(tx: TenantTx, run: RunRecord, emit: readonly RunOrder[]): Promise<RunRecord> {
    for (const order of emit) {
      if (order.order === 'request') await this.request(tx, run, order);
      else if (order.order === 'cancel') {
        await this.outbox.add(tx, 'task.run.cancel-requested.v1', { runId: RunId.parse(run.runId), taskRunId: TaskRunId.parse(order.taskRunId), attempt: order.attempt, reason: run.cancelReason ?? run.failure?.text ?? 'stopped' });
        await this.runs.note(tx, run.runId, { type: 'task.run.cancel-requested.v1', task: run.tasks.find(({ taskRunId }) => taskRunId === order.taskRunId)?.id ?? null, attempt: order.attempt });
      } else {
        await this.runs.note(tx, run.runId, { type: 'run.finished.v1', state: run.state, failure: run.failure });
        await this.ends.finish(tx, run);
      }
    }
    this.ticker.expect(tx, run);
    return run;
  }

  private async request(tx: TenantTx, run: RunRecord, { taskRunId, attempt }: { taskRunId: string; attempt: number }): Promise<void> {
    const task = run.tasks.find((each) => each.taskRunId === taskRunId)!;
    const { spec } = task;
    const names = connectionsOf(spec);
    const load = spec.kind === 'publish' ? run.tasks.find(({ id }) => id === spec.load)?.result : null;
    await this.runs.note(tx, run.runId, { type: 'task.run.requested.v1', task: task.id, attempt });
    await this.outbox.add(tx, 'task.run.requested.v1', {
      taskRunId: TaskRunId.parse(taskRunId), runId: RunId.parse(run.runId), planId: run.planId as PlanId | null, attempt, task: spec,
      connections: await this.connections.named(tx, names), load: load?.kind === 'load' ? load : null, pipeline: run.pipeline, deadline: run.deadline, began: run.startedAt });
  }

  cancel(tenantId: string, runId: string, reason: string): Promise<RunView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const before = await this.runs.lock(tx, runId);
      if (!before) throw new EtlError('access.not-found', { what: 'run' });
      if (isFinal(before.state)) throw new EtlError('request.conflict', { what: 'the run', state: before.state, action: 'cancelling' });
      return runView(await this.keep(tx, before, applyRunEvent(before, { type: 'cancel-asked', reason }, await tx.now())));
    });
  }
  private timePassed(tenantId: string, runId: string): Promise<unknown> {
    return this.state.inTenantTx(tenantId, (tx) => this.apply(tx, runId, { type: 'time-passed' }));
  }
}
