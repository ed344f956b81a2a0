import { type Plan, PlanId } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { SchedulesRepository } from './schedules.repository.ts';
import { firstSlot } from './slot-rules.ts';

interface Approved { readonly pipelineId: string; readonly planId: string; readonly plan: Plan | null }

/** What stands for a pipeline now: the plan that was approved last, and its schedule where workers keep one. The caller holds the pipeline. */
@Injectable()
export class Deployments {
  constructor(private readonly pipelines: PipelinesRepository, private readonly schedules: SchedulesRepository) {}

  async deploy(tx: TenantTx, { pipelineId, planId, plan }: Approved): Promise<void> {
    const id = PlanId.parse(planId);
    await this.pipelines.planned(tx, pipelineId, id);
    if (!plan?.schedule || plan.driver !== 'workers') return this.schedules.remove(tx, pipelineId);
    const schedule = { timezone: 'UTC', ...plan.schedule };
    const nextAt = firstSlot(schedule, { before: await this.schedules.find(tx, pipelineId), now: await tx.now() });
    await this.schedules.keep(tx, { pipelineId, planId: id, ...schedule, nextAt });
  }
  isCurrent(tx: TenantTx, { pipelineId, planId }: Approved): Promise<boolean> { return this.pipelines.isCurrent(tx, pipelineId, PlanId.parse(planId)); }
}
