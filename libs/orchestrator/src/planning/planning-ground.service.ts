import type { Policy, Profile } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import type { CopyInput } from '@agent-etl/planning';
import { Inject, Injectable } from '@nestjs/common';
import { CONNECTORS, type ConnectorCatalogue } from '../connector-catalogue.ts';
import { ProjectService } from '../connections/project.service.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import type { RequestEntity } from '../requests/request.entity.ts';
import { targetKey } from '../runs/new-run.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { StepsService } from './steps.service.ts';

export const PARALLEL = Symbol('pieces moved at once');

/** What planning rests on besides the profiles. */
@Injectable()
export class PlanningGround {
  constructor(
    private readonly project: ProjectService, private readonly pipelines: PipelinesRepository, private readonly runs: RunsRepository, private readonly steps: StepsService,
    @Inject(CONNECTORS) private readonly catalogue: ConnectorCatalogue, @Inject(PARALLEL) private readonly parallel: number,
  ) {}
  get policy(): Policy { return this.project.policy; }
  hold(tx: TenantTx, pipelineId: string): Promise<void> { return this.pipelines.hold(tx, pipelineId); }
  async input(tx: TenantTx, { spec, pipelineId }: RequestEntity, profiles: { source: Profile; target: Profile }): Promise<CopyInput> {
    const earlierRuns = await this.runs.greenRuns(tx, { pipelineId, targetKey: targetKey(spec.to) });
    return { pipeline: spec, ...profiles, ...await this.steps.behind(spec, profiles.source), policy: this.policy, mapColumn: this.catalogue.mapColumn, parallel: this.parallel, earlierRuns };
  }
}
