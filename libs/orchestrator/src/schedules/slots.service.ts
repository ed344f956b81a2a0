import { type Failure, PipelineId, PipelineName, RunId } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import { type TenantTx, StateDatabase } from '@agent-etl/persistence';
import { type Due, dueSlot } from '@agent-etl/scheduling';
import { crashPoint } from '@agent-etl/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { ORCHESTRATOR_LOG, type OrchestratorLog } from '../orchestrator-log.ts';
import type { DueSchedule, SlotDecision } from './schedule-record.ts';
import { ScheduledRuns } from './scheduled-runs.service.ts';
import { SchedulesRepository } from './schedules.repository.ts';
import { MOST_TRIES, failed, lastDue } from './slot-rules.ts';

interface Which { readonly tenantId: string; readonly pipelineId: string }

/** What a slot does: its row, its run and what is said of it, in one transaction. */
@Injectable()
export class Slots {
  constructor(
    private readonly state: StateDatabase, private readonly schedules: SchedulesRepository, private readonly runs: ScheduledRuns, private readonly outbox: Outbox<'orchestrator'>,
    @Inject(ORCHESTRATOR_LOG) private readonly log: OrchestratorLog,
  ) {}

  /** @returns whether the slot was dealt with; false: another replica is at it, or was */
  run(which: Which): Promise<boolean> {
    return this.onDue(which, async (tx, row) => {
      const due = dueSlot(row, { from: row.nextAt, now: await tx.now() });
      if (due) await this.deal(tx, { row, due }, () => this.runs.start(tx, row));
      return due !== null;
    });
  }
  /** For a slot whose turn failed. It is tried again a few times, then recorded, and the schedule goes on. */
  giveUp(which: Which, failure: Failure): Promise<boolean> {
    return this.onDue(which, async (tx, row) => {
      if (row.tries + 1 < MOST_TRIES) await this.schedules.triedAgain(tx, row.pipelineId);
      else await this.deal(tx, { row, due: lastDue(row, await tx.now()) }, () => Promise.resolve(failed(failure)));
      return true;
    });
  }

  private onDue({ tenantId, pipelineId }: Which, work: (tx: TenantTx, row: DueSchedule) => Promise<boolean>): Promise<boolean> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const row = await this.schedules.takeDue(tx, pipelineId);
      return row !== null && work(tx, row);
    });
  }
  private async deal(tx: TenantTx, { row, due }: { row: DueSchedule; due: Due }, decide: () => Promise<SlotDecision>): Promise<void> {
    if (await this.schedules.take(tx, row, due)) {
      crashPoint('schedule.slot-taken');
      await this.tell(tx, { row, due }, await decide());
    }
    await this.schedules.moveOn(tx, row.pipelineId, due.next);
    crashPoint('schedule.slot-settled');
  }
  private async tell(tx: TenantTx, { row: { pipelineId, pipeline, planId }, due: { slot, missed } }: { row: DueSchedule; due: Due }, decision: SlotDecision): Promise<void> {
    const decidedAt = await this.schedules.settle(tx, { pipelineId, slot }, decision);
    const runId = decision.runId === null ? null : RunId.parse(decision.runId);
    await this.outbox.add(tx, 'slot.decided.v1', { pipelineId: PipelineId.parse(pipelineId), pipeline: PipelineName.parse(pipeline), planId, slot: { ...decision, slot, runId, missed, decidedAt } });
    tx.afterCommit(() => { this.log.info({ pipeline, slot, missed, outcome: decision.outcome, runId, code: decision.failure?.code }, 'a slot of a schedule'); });
  }
}
