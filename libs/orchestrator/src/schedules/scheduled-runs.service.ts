import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { CopyRuns } from '../planning/copy-runs.service.ts';
import { PlansRepository } from '../planning/plans.repository.ts';
import type { DueSchedule, SlotDecision } from './schedule-record.ts';
import { SchedulesRepository } from './schedules.repository.ts';
import { failed, makeWay, started } from './slot-rules.ts';

/** Runs of approved plans at their slots. */
@Injectable()
export class ScheduledRuns {
  constructor(private readonly schedules: SchedulesRepository, private readonly plans: PlansRepository, private readonly copies: CopyRuns) {}

  /** The plan runs as it was approved. What stands against that is asked here again, so a plan that may not run any more says why. */
  async start(tx: TenantTx, { planId }: DueSchedule): Promise<SlotDecision> {
    const plan = await this.plans.get(tx, planId);
    const live = await this.schedules.liveRun(tx, plan.spec.to);
    if (live) return makeWay(live);
    const run = await this.copies.startOrSay(tx, plan, { requestId: null, driver: 'workers' });
    return 'runId' in run ? started(run.runId) : failed(run.whyNot);
  }
}
