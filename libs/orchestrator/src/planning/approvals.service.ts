import { type AirflowTarget, canonicalJson } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { ProjectService } from '../connections/project.service.ts';
import type { RequestEntity } from '../requests/request.entity.ts';
import { Deployments } from '../schedules/deployments.service.ts';
import { aboutPlan } from './about-plan.ts';
import { CopyRuns } from './copy-runs.service.ts';
import type { PlanEntity } from './plan.entity.ts';
import { PlansRepository } from './plans.repository.ts';
import { RequestProgress } from './request-progress.service.ts';

/** Decisions about plans, and what follows from them. The caller holds the pipeline. */
@Injectable()
export class Approvals {
  constructor(
    private readonly plans: PlansRepository, private readonly deployments: Deployments, private readonly project: ProjectService,
    private readonly copies: CopyRuns, private readonly progress: RequestProgress, private readonly outbox: Outbox<'orchestrator'>,
  ) {}

  /** Approves exactly this plan: the whole plan leaves with the message. */
  async approve(tx: TenantTx, row: PlanEntity, { by, requestId = row.requestId }: { by: string; requestId?: string | null }): Promise<PlanEntity> {
    const airflow: AirflowTarget = this.project.policy.airflow ?? {};
    const addresses = await this.project.addresses(tx);
    const decision = { status: 'approved', decidedBy: by, addresses: endsOf(row, addresses) } as const;
    await this.plans.decide(tx, row.planId, decision);
    await this.deployments.deploy(tx, row);
    await this.outbox.add(tx, 'plan.approved.v1', { ...aboutPlan(row, requestId), plan: row.plan!, by, approvedAt: await tx.now(), airflow, addresses });
    return { ...row, ...decision };
  }
  /** Says the approval of a plan again that comes back after another one, or whose ends have moved: its DAG is no longer what it stands for. */
  async renew(tx: TenantTx, row: PlanEntity, requestId: string): Promise<PlanEntity> {
    const isCurrent = await this.deployments.isCurrent(tx, row);
    const isTold = row.addresses !== null && canonicalJson(row.addresses) === canonicalJson(endsOf(row, await this.project.addresses(tx)));
    return isCurrent && isTold ? row : this.approve(tx, row, { by: row.decidedBy ?? 'policy', requestId });
  }
  async refuse(tx: TenantTx, row: PlanEntity, by: string): Promise<PlanEntity> {
    if (row.status === 'refused') return row;
    await this.plans.decide(tx, row.planId, { status: 'refused', decidedBy: by });
    await this.outbox.add(tx, 'plan.refused.v1', { ...aboutPlan(row, row.requestId), by, issues: row.verdict.issues });
    return { ...row, status: 'refused', decidedBy: by };
  }

  /** What a request gets of its approved plan: a run, or the plan alone. A busy target fails the request, not the plan. */
  async goOn(tx: TenantTx, row: PlanEntity, request: RequestEntity): Promise<void> {
    if (request.run === 'never' || row.plan?.driver === 'airflow') return this.progress.planned(tx, request, row.planId);
    const started = await this.copies.startOrSay(tx, row, { requestId: request.requestId, driver: 'workers', plannedSince: request.createdAt });
    if ('whyNot' in started) return this.progress.fail(tx, request, { failure: started.whyNot, planId: row.planId });
    return this.progress.running(tx, request, { planId: row.planId, runId: started.runId });
  }
}

/** The addresses that the DAG of a plan names: those of its two ends, where they are known. */
const endsOf = ({ spec: { from, to } }: Pick<PlanEntity, 'spec'>, addresses: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries([from.connection, to.connection].flatMap((name) => (addresses[name] === undefined ? [] : [[name, addresses[name]]])));
