import type { Policy, Profile } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import type { CopyInput } from '@agent-etl/planning';
import { Inject, Injectable } from '@nestjs/common';
import { ProjectService } from '../connections/project.service.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { PlansRepository } from './plans.repository.ts';
import type { RequestEntity } from '../requests/request.entity.ts';
import { targetKey } from '../runs/new-run.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { StepsService } from './steps.service.ts';

/** How the connectors spell types, and how many pieces of a copy move at once. */
export const MEANS = Symbol('means of planning');
export type PlanningMeans = Pick<CopyInput, 'mapColumn'> & { readonly parallel: number };

/** What planning rests on besides the profiles. */
@Injectable()
export class PlanningGround {
  constructor(
    private readonly project: ProjectService, private readonly pipelines: PipelinesRepository, private readonly runs: RunsRepository, private readonly plans: PlansRepository, private readonly steps: StepsService,
    @Inject(MEANS) private readonly means: PlanningMeans,
  ) {}
  get policy(): Policy { return this.project.policy; }
  hold(tx: TenantTx, pipelineId: string): Promise<void> { return this.pipelines.hold(tx, pipelineId); }
  async input(tx: TenantTx, { spec, pipelineId }: RequestEntity, { others = [], ...profiles }: { source: Profile; target: Profile; others?: Profile[] | undefined }): Promise<CopyInput> {
    const into = { pipelineId, targetKey: targetKey(spec.to) };
    const earlierRuns = await this.runs.greenRuns(tx, into);
    const before = earlierRuns > 0 ? await this.before(tx, spec, into) : null;
    return { pipeline: spec, ...profiles, ...await this.steps.behind(spec, profiles.source, { others, mapColumn: this.means.mapColumn }), policy: this.policy, ...this.means, earlierRuns, before };
  }
  /** The source as the latest green run had it planned, where that run read the same dataset through the same steps. */
  private async before(tx: TenantTx, { from, steps }: RequestEntity['spec'], into: { pipelineId: string; targetKey: string }): Promise<Profile | null> {
    const planId = await this.runs.lastGreenPlan(tx, into);
    const { plan } = planId === null ? { plan: null } : await this.plans.get(tx, planId);
    return plan && plan.pipeline.from.connection === from.connection && plan.pipeline.from.dataset === from.dataset && JSON.stringify(plan.pipeline.steps ?? []) === JSON.stringify(steps ?? []) ? plan.profiles.source : null;
  }
}
