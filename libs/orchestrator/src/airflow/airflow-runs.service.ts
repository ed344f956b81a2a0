import { type AirflowTaskRun, type AirflowTaskState, EtlError, isFinal } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { CopyRuns } from '../planning/copy-runs.service.ts';
import { PlansRepository } from '../planning/plans.repository.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { RunsService } from '../runs/runs.service.ts';
import { airflowState, isCleared, mayStart } from './airflow-rules.ts';
import { AirflowRepository } from './airflow.repository.ts';

type Asked = z.infer<typeof AirflowTaskRun>;

/** The run that stands for a run in Airflow. Its tasks start only when they are asked for. */
@Injectable()
export class AirflowRuns {
  constructor(private readonly rows: AirflowRepository, private readonly plans: PlansRepository, private readonly copies: CopyRuns, private readonly runs: RunsService, private readonly runRows: RunsRepository) {}

  /** Gets or makes the run, starts the task if it is its turn, and answers the run's id. */
  async ensure(tx: TenantTx, planId: string, asked: Asked): Promise<string> {
    const key = { planId, dagId: asked.dag_id, airflowRunId: asked.run_id };
    const plan = await this.plans.get(tx, planId);
    const kept = await this.rows.lock(tx, key);
    const before = kept ? await this.runRows.get(tx, kept.runId) : null;
    const anew = before === null || (isFinal(before.state) && isCleared(kept?.tries ?? {}, asked));
    const run = anew ? await this.copies.start(tx, plan, { requestId: null, driver: 'airflow' }) : before;
    const seen = anew && before !== null ? {} : kept?.tries ?? {};
    await this.rows.keep(tx, key, { runId: run.runId, tries: { ...seen, [asked.task]: Math.max(asked.max_tries, seen[asked.task] ?? asked.max_tries) } });
    await this.ask(tx, run, asked.task);
    return run.runId;
  }

  private async ask(tx: TenantTx, run: RunRecord, taskId: string): Promise<void> {
    const state = airflowState(run, taskId);
    if (!state) throw new EtlError('access.not-found', { what: `task ${taskId} in this plan` });
    if (isFinal(run.state)) return;
    if (!mayStart(run, taskId)) throw new EtlError('request.conflict', { what: `task ${taskId}`, state: 'not its turn', action: 'starting it', next: 'the tasks before it must succeed first' });
    if (state.state === 'queued') await this.runs.apply(tx, run.runId, { type: 'task-asked', taskId });
  }
  async look(tx: TenantTx, runId: string, taskId: string): Promise<AirflowTaskState> { return airflowState(await this.runRows.get(tx, runId), taskId)!; }
}
