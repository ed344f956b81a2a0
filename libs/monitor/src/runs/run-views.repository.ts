import { Injectable } from '@nestjs/common';
import { EtlError, type LiveRunView } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { RunViewEntity } from './run-view.entity.ts';
import type { SeenRun } from './run-view-state.ts';

export interface Page { readonly limit: number; readonly before: { readonly startedAt: string; readonly runId: string } | null }

@Injectable()
export class RunViewsRepository {
  /** The run with its row locked; null before its first event. The caller's tenant position is locked already, so no twin inserts beside us. */
  async lock(tx: TenantTx, runId: string): Promise<SeenRun | null> {
    const row = await tx.manager.findOne(RunViewEntity, { where: { tenantId: tx.tenantId, runId }, lock: { mode: 'pessimistic_write' } });
    return row ? { kind: row.kind, view: row.view, taskIds: row.taskIds } : null;
  }

  async save(tx: TenantTx, { kind, view, taskIds }: SeenRun): Promise<void> {
    await tx.manager.upsert(RunViewEntity, {
      tenantId: tx.tenantId, runId: view.runId, kind, pipeline: view.pipeline, startedAt: new Date(view.startedAt), view, taskIds: { ...taskIds },
    }, ['tenantId', 'runId']);
  }

  async get(tx: TenantTx, runId: string): Promise<LiveRunView> {
    const row = await tx.manager.findOneBy(RunViewEntity, { tenantId: tx.tenantId, runId });
    if (!row || row.kind !== 'copy') throw new EtlError('access.not-found', { what: 'run' });
    return row.view;
  }

  /** Runs that move rows, newest first. */
  async list(tx: TenantTx, { limit, before }: Page): Promise<LiveRunView[]> {
    const after = before ? sql`and (started_at, run_id) < (${before.startedAt}::timestamptz, ${before.runId}::uuid)` : sql``;
    const rows = await tx.run<{ view: LiveRunView }>(sql`select view from run_view where kind = 'copy' ${after} order by started_at desc, run_id desc limit ${limit}`);
    return rows.map(({ view }) => view);
  }
}
