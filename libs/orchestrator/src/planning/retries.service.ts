import { EtlError, type RunView, isFinal } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { runView } from '../runs/run-view.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { CopyRuns } from './copy-runs.service.ts';
import { PlansRepository } from './plans.repository.ts';

/** Runs the plan of a red run again, as a new run. */
@Injectable()
export class RetriesService {
  constructor(private readonly state: StateDatabase, private readonly rows: RunsRepository, private readonly plans: PlansRepository, private readonly copies: CopyRuns) {}

  /** @throws EtlError `request.conflict` when the run is not red or its target is busy, `plan.stale` */
  retry({ tenantId, runId, key }: { tenantId: string; runId: string; key: string | null }): Promise<RunView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const { state, planId, tasks, pipeline } = await this.rows.get(tx, runId);
      if (tasks.some(({ spec }) => spec.kind === 'load' && spec.slice)) throw new EtlError('request.conflict', { what: 'the run', state: 'a slice of a backfill', action: 'running its plan again', next: `agent-etl backfill ${pipeline} --from … --to …` });
      if (planId === null || state === 'succeeded' || !isFinal(state)) throw new EtlError('request.conflict', { what: 'the run', state, action: 'running it again', next: 'run the pipeline instead' });
      return runView(await this.copies.startOnce(tx, await this.plans.lock(tx, planId), key === null ? null : `${runId} ${key}`));
    });
  }
}
