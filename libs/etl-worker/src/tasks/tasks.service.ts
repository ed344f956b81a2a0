import { type Payload, RunId, type TaskCommand, TaskRunId } from '@agent-etl/contracts';
import { type GivenUp, Outbox, givenUpFailure, typeOf } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { lanesAsked } from './lanes-rules.ts';
import { Leftovers } from './leftovers.service.ts';
import { SlotSignal } from './slot-signal.ts';
import { TASK_CHANNEL } from './task-channels.ts';
import { leavesStaging } from './task-state.ts';
import { TasksRepository, type WaitingTask } from './tasks.repository.ts';

type Cancel = Payload<'task.run.cancel-requested.v1'>;
const WithAttempt = z.object({ runId: RunId, taskRunId: TaskRunId, attempt: z.int().positive() });

/** Turns commands into rows and wakes whoever has a free slot. */
@Injectable()
export class TasksService {
  private readonly tasks: TasksRepository;
  private readonly outbox: Outbox<'etl-worker'>;
  private readonly signal: SlotSignal;
  private readonly leftovers: Leftovers;
  constructor(tasks: TasksRepository, outbox: Outbox<'etl-worker'>, signal: SlotSignal, leftovers: Leftovers) {
    this.tasks = tasks;
    this.outbox = outbox;
    this.signal = signal;
    this.leftovers = leftovers;
  }

  /** Stores a command; the same attempt twice is one row. */
  async accept(tx: TenantTx, command: TaskCommand): Promise<void> {
    crashPoint('task.received');
    if (!(await this.tasks.insert(tx, command))) return;
    crashPoint('task.inserted');
    // Whether a profile of values may be claimed depends on what else its worker does: it is looked for, not handed over.
    await this.announceWaiting(tx, command.task.kind === 'sketch' ? null : { tenantId: tx.tenantId, taskRunId: command.taskRunId, attempt: command.attempt, opensNone: lanesAsked(command).wanted === 0 });
  }

  /** Marks an attempt: its holder stops at the chunk boundary. One that nobody holds ends here, unless it has staging to drop: then a worker does that.
   * For one that has ended the mark says that no other one follows: what it staged is dropped. */
  async cancel(tx: TenantTx, command: Cancel): Promise<void> {
    const { taskRunId, attempt, runId } = command;
    const found = await this.tasks.markCancelled(tx, command);
    if (!found) return this.cancelUnknown(tx, command);
    if (found.state === 'running') return tx.notify(TASK_CHANNEL);
    if (found.state !== 'waiting') return tx.afterCommit(() => { this.leftovers.look(); });
    if (leavesStaging(found.kind, attempt)) return this.announceWaiting(tx, { tenantId: tx.tenantId, taskRunId, attempt });
    if (!(await this.tasks.finishWaiting(tx, command))) return;
    tx.hold(runId);
    await this.outbox.add(tx, 'task.run.cancelled.v1', { runId, taskRunId, attempt });
  }

  /** A command that was given up never becomes a row: its attempt has failed. After a cancel that was, the attempt ends by itself. */
  async giveUp(tx: TenantTx, letter: GivenUp): Promise<void> {
    const about = WithAttempt.safeParse(letter.json).data;
    if (!about || typeOf(letter) === 'task.run.cancel-requested.v1') return;
    tx.hold(about.runId);
    await this.outbox.add(tx, 'task.run.failed.v1', { ...about, failure: givenUpFailure(letter) });
  }

  private async cancelUnknown(tx: TenantTx, { taskRunId, attempt, runId }: Cancel): Promise<void> {
    if (await this.tasks.insertCleanUp(tx, { taskRunId, attempt })) return this.announceWaiting(tx, { tenantId: tx.tenantId, taskRunId, attempt });
    await this.tasks.insertCancelled(tx, { taskRunId, attempt }, runId);
    tx.hold(runId);
    await this.outbox.add(tx, 'task.run.cancelled.v1', { runId, taskRunId, attempt });
  }

  private async announceWaiting(tx: TenantTx, key: WaitingTask | null): Promise<void> {
    await tx.tellOthers(TASK_CHANNEL);
    tx.afterCommit(() => { this.signal.wake(key); });
  }
}
