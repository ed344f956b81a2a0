import { EtlError, type RunView } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { lookRun } from '../runs/new-run.ts';
import { runView } from '../runs/run-view.ts';
import { RunsService } from '../runs/runs.service.ts';
import { comparing } from './comparing-rules.ts';
import { DEADLINE_MS } from './copy-runs.service.ts';
import { PlansRepository } from './plans.repository.ts';

/** Compares a pipeline's source and target at any time, by the plan that is approved for it. */
@Injectable()
export class ReconcilesService {
  constructor(
    private readonly state: StateDatabase, private readonly pipelines: PipelinesRepository, private readonly plans: PlansRepository, private readonly runs: RunsService,
    @Inject(DEADLINE_MS) private readonly deadlineMs: number,
  ) {}

  /** @throws EtlError `access.not-found` when there is no such pipeline, `plan.needs-approval` when no plan of it was ever approved */
  start(tenantId: string, name: string): Promise<RunView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { pipelineId } = await this.pipelines.get(tx, name);
      const [row] = (await this.plans.list(tx, { limit: 50, after: null, pipeline: name })).filter(({ status }) => status === 'approved');
      const spec = row?.plan ? comparing(row.plan) : null;
      if (!spec) throw new EtlError('request.conflict', { what: `the pipeline ${name}`, state: 'without an approved plan', action: 'comparing its ends', next: `agent-etl run ${name}` });
      return runView(await this.runs.start(tx, lookRun({ spec, pipeline: name, pipelineId, requestId: null, now: await tx.now(), deadlineMs: this.deadlineMs })));
    });
  }
}
