import { EtlError, type PlanView, type RunView } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { pageOf, readCursor } from '../page-cursor.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { runView } from '../runs/run-view.ts';
import { assertApprovable } from './approval-rules.ts';
import { Approvals } from './approvals.service.ts';
import { CopyRuns } from './copy-runs.service.ts';
import { PlansRepository, viewOfPlan } from './plans.repository.ts';
import { RequestProgress } from './request-progress.service.ts';

interface ListQuery { readonly limit?: number | undefined; readonly cursor?: string | undefined; readonly pipeline?: string | undefined; readonly begins?: string | undefined }
interface Which { readonly tenantId: string; readonly planId: string; readonly by: string; readonly key?: string | null }

/** Plans as people see and decide them. */
@Injectable()
export class PlansService {
  constructor(
    private readonly state: StateDatabase, private readonly plans: PlansRepository, private readonly pipelines: PipelinesRepository,
    private readonly approvals: Approvals, private readonly progress: RequestProgress, private readonly copies: CopyRuns,
  ) {}

  async list(tenantId: string, { limit = 50, cursor, pipeline, begins }: ListQuery): Promise<{ items: PlanView[]; next: string | null }> {
    const after = readCursor(cursor);
    const found = await this.state.inTenantTx(tenantId, (tx) => this.plans.list(tx, { limit: limit + 1, after, pipeline, begins }));
    const { rows, next } = pageOf(found, limit, ({ createdAt, proposedAt, planId }) => ({ at: pipeline ? proposedAt : createdAt, id: planId }));
    return { items: rows.map(viewOfPlan), next };
  }
  get(tenantId: string, planId: string): Promise<PlanView> { return this.state.inTenantTx(tenantId, async (tx) => viewOfPlan(await this.plans.get(tx, planId))); }

  /** Approves exactly this plan, and starts what waited for it. Twice is once.
   * @throws EtlError `plan.stale`, `plan.refused`, `request.conflict`, `request.ambiguous` */
  approve({ tenantId, planId, by }: Which): Promise<PlanView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { pipelineId } = await this.plans.get(tx, planId);
      await this.pipelines.hold(tx, pipelineId);
      const row = await this.plans.lock(tx, planId);
      assertApprovable(row, await this.plans.latestFingerprint(tx, pipelineId));
      this.copies.assertAllowed(row);
      if (row.status === 'approved') return viewOfPlan(row);
      const approved = await this.approvals.approve(tx, row, { by });
      for (const request of await this.progress.waitingFor(tx, planId)) await this.approvals.goOn(tx, approved, request);
      return viewOfPlan(approved);
    });
  }
  /** @throws EtlError `request.conflict` when it is approved */
  refuse({ tenantId, planId, by }: Which): Promise<PlanView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { pipelineId } = await this.plans.get(tx, planId);
      await this.pipelines.hold(tx, pipelineId);
      const row = await this.plans.lock(tx, planId);
      if (row.status === 'approved') throw new EtlError('request.conflict', { what: 'the plan', state: 'approved', action: 'refusing' });
      const refused = await this.approvals.refuse(tx, row, by);
      for (const request of await this.progress.waitingFor(tx, planId)) await this.progress.refused(tx, request, { planId, by });
      return viewOfPlan(refused);
    });
  }
  /** @throws EtlError `plan.needs-approval`, `plan.stale`, `request.conflict` */
  run({ tenantId, planId, key = null }: Which): Promise<RunView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      await this.pipelines.hold(tx, (await this.plans.get(tx, planId)).pipelineId);
      const row = await this.plans.lock(tx, planId);
      return runView(await this.copies.startOnce(tx, row, key));
    });
  }
}
