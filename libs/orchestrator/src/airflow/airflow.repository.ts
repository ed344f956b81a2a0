import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { Tries } from './airflow-rules.ts';

export interface AirflowKey { readonly planId: string; readonly dagId: string; readonly airflowRunId: string }

@Injectable()
export class AirflowRepository {
  /** The run that stands for a run in Airflow, locked; a twin that asks meanwhile waits. */
  async lock(tx: TenantTx, { planId, dagId, airflowRunId }: AirflowKey): Promise<{ runId: string; tries: Tries } | null> {
    await tx.run(sql`select pg_advisory_xact_lock(hashtextextended(${`${tx.tenantId} ${planId} ${dagId} ${airflowRunId}`}, 11))`);
    const [row] = await tx.run<{ run_id: string; tries: Tries }>(sql`select run_id, tries from airflow_run where plan_id = ${planId} and dag_id = ${dagId} and airflow_run_id = ${airflowRunId}`);
    return row ? { runId: row.run_id, tries: row.tries } : null;
  }
  async keep(tx: TenantTx, { planId, dagId, airflowRunId }: AirflowKey, { runId, tries }: { runId: string; tries: Tries }): Promise<void> {
    await tx.run(sql`insert into airflow_run (tenant_id, plan_id, dag_id, airflow_run_id, run_id, tries) values (${tx.tenantId}, ${planId}, ${dagId}, ${airflowRunId}, ${runId}, ${JSON.stringify(tries)}::jsonb)
      on conflict (tenant_id, plan_id, dag_id, airflow_run_id) do update set run_id = excluded.run_id, tries = excluded.tries`);
  }
}
