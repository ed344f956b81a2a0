import type { Failure } from '@agent-etl/contracts';
import { type TenantTx, StateDatabase } from '@agent-etl/persistence';
import { type Due, dueSlot } from '@agent-etl/scheduling';
import { crashPoint } from '@agent-etl/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { ORCHESTRATOR_LOG, type OrchestratorLog } from '../orchestrator-log.ts';
import { CopyRuns } from '../planning/copy-runs.service.ts';
import { PlansRepository } from '../planning/plans.repository.ts';
import type { DueSchedule, SlotDecision } from './schedule-record.ts';
import { SchedulesRepository } from './schedules.repository.ts';
import { MOST_TRIES, failed, lastDue, makeWay, started } from './slot-rules.ts';

interface Which { readonly tenantId: string; readonly pipelineId: string }

/** What a slot does: its row, its run and what is said of it, in one transaction. */
@Injectable()
export class Slots {
  constructor(
    private readonly state: StateDatabase, private readonly schedules: SchedulesRepository, private readonly plans: PlansRepository, private readonly copies: CopyRuns,
    @Inject(ORCHESTRATOR_LOG) private readonly log: OrchestratorLog,
  ) {}

  /** @returns whether the slot was dealt with; false: another replica is at it, or was */
  run(which: Which): Promise<boolean> {
    return this.onDue(which, async (tx, row) => {
      const due = dueSlot(row, { from: row.nextAt, now: await tx.now() });
      if (due) await this.deal(tx, { row, due }, () => this.decide(tx, row));
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
    const { pipelineId } = row;
    if (await this.schedules.take(tx, row, due)) {
      crashPoint('schedule.slot-taken');
      const decision = await decide();
      await this.schedules.settle(tx, { pipelineId, slot: due.slot }, decision);
      tx.afterCommit(() => { this.log.info({ pipelineId, slot: due.slot, missed: due.missed, outcome: decision.outcome, runId: decision.runId, code: decision.failure?.code }, 'a slot of a schedule'); });
    }
    await this.schedules.moveOn(tx, pipelineId, due.next);
    crashPoint('schedule.slot-settled');
  }

  /** The plan runs as it was approved. What stands against that is asked here again, so a plan that may not run any more says why. */
  private async decide(tx: TenantTx, { planId }: DueSchedule): Promise<SlotDecision> {
    const plan = await this.plans.get(tx, planId);
    const live = await this.schedules.liveRun(tx, plan.spec.to);
    if (live) return makeWay(live);
    const run = await this.copies.startOrSay(tx, plan, { requestId: null, driver: 'workers' });
    return 'runId' in run ? started(run.runId) : failed(run.whyNot);
  }
}
