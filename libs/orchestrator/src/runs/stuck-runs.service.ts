import { EtlError, type Failure, type PlanId, RunId, type RunView, toFailure } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { RequestProgress } from '../planning/request-progress.service.ts';
import { Changes } from '../signals/changes.service.ts';
import { GRACE_MS } from './run-state.ts';
import { Ticker } from './ticker.service.ts';

interface Late { requestId: string | null; planId: PlanId | null; pipelineId: string | null; pipeline: string; kind: RunView['kind']; deadline: Date }
const grace = sql`${GRACE_MS}::integer * interval '1 millisecond'`;

/** Runs that cannot be moved on, such as one whose row this release does not read. Their columns alone are enough to end them: nobody waits for ever. */
@Injectable()
export class StuckRuns {
  constructor(
    private readonly outbox: Outbox<'orchestrator'>, private readonly progress: RequestProgress, private readonly pipelines: PipelinesRepository, private readonly changes: Changes, ticker: Ticker,
  ) { ticker.onStuck((tx, runId) => this.endOrPutOff(tx, runId)); }

  /** Fails the run once its deadline and the grace after it have passed. Until then others have their turn before it is tried again. */
  private async endOrPutOff(tx: TenantTx, runId: string): Promise<void> {
    const [late] = await tx.run<Late>(sql`select request_id as "requestId", plan_id as "planId", pipeline_id as "pipelineId", pipeline, kind, deadline from run
      where run_id = ${runId}::uuid and finished_at is null and deadline + ${grace} <= clock_timestamp() for update`);
    if (!late) { await tx.run(sql`update run_wake set at = clock_timestamp() + ${grace} where run_id = ${runId}::uuid`); return; }
    const failure = toFailure(new EtlError('run.deadline-passed', { deadline: late.deadline.toISOString() }));
    const finishedAt = await this.end(tx, runId, failure);
    tx.hold(runId);
    const { requestId, planId, pipeline, kind } = late;
    await this.outbox.add(tx, 'run.finished.v1', { requestId, runId: RunId.parse(runId), planId, pipeline, kind, state: 'failed', receipt: null, failure, finishedAt });
    await this.tell(tx, late, { runId, failure });
  }

  private async end(tx: TenantTx, runId: string, failure: Failure): Promise<string> {
    const now = await tx.now();
    await tx.run(sql`update run set state = 'failed', finished_at = ${now}, failure = ${JSON.stringify(failure)}::jsonb where run_id = ${runId}::uuid`);
    await tx.run(sql`update task_run set state = case when attempt > 0 then 'cancelled' else 'skipped' end, ready_at = null, finished_at = ${now}
      where run_id = ${runId}::uuid and state in ('waiting', 'ready', 'running')`);
    await tx.run(sql`delete from run_wake where run_id = ${runId}::uuid`);
    return now;
  }

  private async tell(tx: TenantTx, { requestId, pipelineId, kind }: Late, { runId, failure }: { runId: string; failure: Failure }): Promise<void> {
    if (requestId !== null && kind === 'planning') await this.progress.fail(tx, { requestId }, { failure });
    if (requestId !== null && kind === 'copy') await this.progress.finished(tx, { requestId });
    if (pipelineId !== null && kind === 'copy') await this.pipelines.ran(tx, pipelineId, { runId, state: 'failed' });
    await this.changes.changed(tx, runId);
  }
}
