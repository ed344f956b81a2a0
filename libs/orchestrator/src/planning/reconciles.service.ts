import { EtlError, type Plan, type ReconcileTask, type RunView } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { lookRun } from '../runs/new-run.ts';
import { runView } from '../runs/run-view.ts';
import { RunsService } from '../runs/runs.service.ts';
import { DEADLINE_MS } from './copy-runs.service.ts';
import { PlansRepository } from './plans.repository.ts';

/** What a plan says of its ends, as one task that only compares them whole, also where its runs read only what changed. Null when it has no load and publish. */
function comparing({ tasks }: Plan): ReconcileTask | null {
  const load = tasks.find((task) => task.kind === 'load');
  const publish = tasks.find((task) => task.kind === 'publish');
  if (!load || !publish) return null;
  const [{ cursor: _, level: __, sample: ___, ...whole }, { cursor: ____, sample: _____, ...readBack }] = [load, publish];
  const chunks = load.chunks.by === 'cursor' ? { ...load.chunks, by: 'whole' as const, count: 1 } : load.chunks;
  return { id: 'reconcile', kind: 'reconcile', source: load.source, target: publish.target, load: { ...whole, chunks }, publish: { ...readBack, level: 'full' } };
}

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
