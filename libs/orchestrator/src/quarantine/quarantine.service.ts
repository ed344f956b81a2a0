import { DatasetRef, EtlError, type QuarantineAsk, QuarantinePage, isFinal } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { asError } from '../as-error.ts';
import { PipelinesRepository } from '../pipelines/pipelines.repository.ts';
import { INSPECT_MS, lookRun } from '../runs/new-run.ts';
import { RunsRepository } from '../runs/runs.repository.ts';
import { RunsService } from '../runs/runs.service.ts';
import { Changes } from '../signals/changes.service.ts';

const WAIT_SECONDS = 30;

/** What pipelines have set aside. It lies with their targets: a worker reads it there. */
@Injectable()
export class QuarantineService {
  constructor(
    private readonly state: StateDatabase, private readonly pipelines: PipelinesRepository, private readonly runs: RunsService,
    private readonly rows: RunsRepository, private readonly changes: Changes,
  ) {}

  /** @throws EtlError `access.not-found` when there is no such pipeline, what the worker met, or `platform.unavailable` when no worker answered in time */
  async read(tenantId: string, ask: QuarantineAsk): Promise<QuarantinePage> {
    const { runId } = await this.state.inTenantTx(tenantId, async (tx) => {
      const { pipelineId, spec: { to } } = await this.pipelines.get(tx, ask.pipeline);
      const target = DatasetRef.parse({ connection: to.connection, dataset: to.dataset });
      return this.runs.start(tx, lookRun({ spec: { id: 'quarantine', kind: 'quarantine', target, ask }, pipeline: ask.pipeline, pipelineId, requestId: null, now: await tx.now(), deadlineMs: INSPECT_MS }));
    });
    const run = await this.changes.until(runId, WAIT_SECONDS, { read: () => this.state.inTenantTx(tenantId, (tx) => this.rows.get(tx, runId)), settled: ({ state }) => isFinal(state) });
    if (run.failure) throw asError(run.failure);
    const result = run.tasks[0]?.result;
    if (result?.kind !== 'quarantine') throw new EtlError('platform.unavailable', { dependency: 'every worker', kept: 'no' });
    await this.state.inTenantTx(tenantId, (tx) => this.rows.forgetResult(tx, runId));
    return QuarantinePage.parse(result);
  }
}
