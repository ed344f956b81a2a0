import { type Failure, type Plan, EtlError, PlanId, toFailure } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { v5 } from 'uuid';
import { ProjectService } from '../connections/project.service.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { isKeyFresh } from '../requests/key-rules.ts';
import { copyRun } from '../runs/new-run.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { RunsService } from '../runs/runs.service.ts';
import { assertPolicyLets, assertRunnable } from './approval-rules.ts';
import type { PlanEntity } from './plan.entity.ts';
import { PlansRepository } from './plans.repository.ts';

/** Namespace of run ids that follow from an Idempotency-Key. */
const KEYED_RUNS = '0c7a0c36-5d0e-4a53-9a64-3f1de1a6a1c4';
interface StartOf { readonly requestId: string | null; readonly driver: RunRecord['driver']; readonly runId?: string; readonly plannedSince?: string }
export const DEADLINE_MS = Symbol('how long a copy may take');

/** Starts copies of approved plans. */
@Injectable()
export class CopyRuns {
  constructor(
    private readonly plans: PlansRepository, private readonly pipelines: PipelinesRepository, private readonly rows: RunsRepository,
    private readonly runs: RunsService, private readonly project: ProjectService, @Inject(DEADLINE_MS) private readonly deadlineMs: number,
  ) {}

  /** Equal looks at source and target give the same plan again. A request that was just planned saw its target as it is now, so only runs that ended since it came
   * have done that plan; who runs an old plan by its id has seen nothing.
   * @throws EtlError `plan.needs-approval`, `plan.stale`, `request.conflict` when the plan is done or its target busy */
  async start(tx: TenantTx, row: PlanEntity, { requestId, driver, runId, plannedSince }: StartOf): Promise<RunRecord> {
    const planId = PlanId.parse(row.planId);
    await this.pipelines.hold(tx, row.pipelineId); // before the run takes its target: whoever holds a pipeline may be waiting for that
    const greenRuns = driver === 'airflow' ? 0 : await this.rows.greenRuns(tx, { planId, since: plannedSince ?? null });
    const plan = assertRunnable(row, { latest: await this.plans.latestFingerprint(tx, row.pipelineId), greenRuns, policy: this.project.policy });
    if (driver === 'airflow' && plan.driver === 'airflow' && !(await this.pipelines.isCurrent(tx, row.pipelineId, planId))) throw new EtlError('plan.changed');
    const fresh = await this.copyOf(tx, row, { plan, requestId, driver });
    const run = runId === undefined ? fresh : { ...fresh, runId };
    const started = await this.runs.start(tx, run);
    await this.pipelines.ran(tx, row.pipelineId, { runId: run.runId, state: started.state });
    return started;
  }
  /** A run of a plan, or of a part of it, that is not started yet. */
  async copyOf(tx: TenantTx, row: PlanEntity, { plan, requestId, driver }: Pick<StartOf, 'requestId' | 'driver'> & { readonly plan: Plan }): Promise<RunRecord> {
    return copyRun({ planId: PlanId.parse(row.planId), plan, pipelineId: row.pipelineId, requestId, approvedBy: row.decidedBy ?? 'policy', now: await tx.now(), deadlineMs: this.deadlineMs, driver });
  }
  /** @throws EtlError `plan.refused` where the policy of today forbids what the plan does */
  assertAllowed({ plan }: PlanEntity): void { if (plan) assertPolicyLets(plan, this.project.policy); }
  /** Starts a run, or answers the one that this Idempotency-Key has started within a day. The caller holds the plan. */
  async startOnce(tx: TenantTx, row: PlanEntity, key: string | null): Promise<RunRecord> {
    if (key === null) return this.start(tx, row, { requestId: null, driver: 'workers' });
    for (let uses = 0; ; uses += 1) {
      const runId = v5([tx.tenantId, row.planId, key, ...(uses > 0 ? [uses] : [])].join(' '), KEYED_RUNS);
      const run = await this.rows.find(tx, runId);
      if (!run) return this.start(tx, row, { requestId: null, driver: 'workers', runId });
      if (isKeyFresh(run.startedAt, await tx.now())) return run;
    }
  }
  /** The same, for callers that answer instead of throwing. Whatever is refused is refused before the first write. */
  async startOrSay(tx: TenantTx, row: PlanEntity, of: StartOf): Promise<{ runId: string } | { whyNot: Failure }> {
    try {
      return { runId: (await this.start(tx, row, of)).runId };
    } catch (error) {
      if (error instanceof EtlError && error.row.retry === 'never') return { whyNot: toFailure(error) };
      throw error;
    }
  }
}
