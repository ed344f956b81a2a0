import { StateDatabase, type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { type Approved, type ArtifactState, DagArtifactEntity } from './dag-artifact.entity.ts';
import type { Consequence } from './rendering-rules.ts';

export interface Due { readonly tenantId: string; readonly planId: string }

@Injectable()
export class DagArtifactsRepository {
  constructor(private readonly state: StateDatabase) {}

  /** Keeps an approval as something to render. The first approval of a plan stays in the file; a later one only makes it current again. */
  async add(tx: TenantTx, approved: Approved): Promise<void> {
    await tx.run(sql`insert into dag_artifact as a (tenant_id, plan_id, pipeline_id, approved, latest_at, state)
      values (${tx.tenantId}, ${approved.planId}, ${approved.pipelineId}, ${JSON.stringify(approved)}::jsonb, ${approved.approvedAt}::timestamptz, 'waiting')
      on conflict (tenant_id, plan_id) do update set approved = jsonb_set(excluded.approved, '{approvedAt}', a.approved -> 'approvedAt'),
        latest_at = greatest(a.latest_at, excluded.latest_at), state = 'waiting', tries = 0, next_at = clock_timestamp(), failure = null`);
  }
  /** What may be rendered now, of all tenants, in the order of approval. */
  due(limit: number): Promise<Due[]> {
    return this.state.asRelay((tx) => tx.run<Due>(sql`select tenant_id as "tenantId", plan_id as "planId" from dag_artifact
      where state = 'waiting' and next_at <= clock_timestamp() order by latest_at, plan_id limit ${limit}`));
  }
  /** Milliseconds until the next row is due, or null when none waits. */
  async nextDueMs(): Promise<number | null> {
    const [row] = await this.state.asRelay((tx) => tx.run<{ ms: number | null }>(sql`select case when min(next_at) is not null then
      greatest(0, extract(epoch from min(next_at) - clock_timestamp()) * 1000)::float8 end as ms from dag_artifact where state = 'waiting'`));
    return row?.ms ?? null;
  }
  /** Takes a waiting row for this transaction; null when it is done or in other hands. */
  claim(tx: TenantTx, planId: string): Promise<DagArtifactEntity | null> {
    return tx.manager.findOne(DagArtifactEntity, { where: { tenantId: tx.tenantId, planId, state: 'waiting' as ArtifactState }, lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' } });
  }
  find(tx: TenantTx, planId: string): Promise<DagArtifactEntity | null> {
    return tx.manager.findOneBy(DagArtifactEntity, { tenantId: tx.tenantId, planId });
  }
  /** Locks a waiting row, of which nothing but its columns is read. */
  async lockTries(tx: TenantTx, planId: string): Promise<{ tries: number; pipelineId: string } | null> {
    const [row] = await tx.run<{ tries: number; pipelineId: string }>(sql`select tries, pipeline_id as "pipelineId" from dag_artifact where plan_id = ${planId} and state = 'waiting' for update`);
    return row ?? null;
  }
  async note(tx: TenantTx, planId: string, next: Consequence): Promise<void> {
    const [state, failure, inMs] = next.then === 'failed' ? ['failed', JSON.stringify(next.failure), 0] as const : ['waiting', null, next.inMs] as const;
    await tx.run(sql`update dag_artifact set tries = tries + 1, state = ${state}, failure = ${failure}::jsonb, next_at = clock_timestamp() + ${inMs}::integer * interval '1 millisecond' where plan_id = ${planId}`);
  }
  async save(tx: TenantTx, artifact: DagArtifactEntity): Promise<void> { await tx.manager.save(artifact); }

  /** Locks the one file of a pipeline. @returns where it lies, null when it has none yet */
  async lockPipeline(tx: TenantTx, pipelineId: string): Promise<string | null> {
    await tx.run(sql`insert into dag_pipeline (tenant_id, pipeline_id) values (${tx.tenantId}, ${pipelineId}) on conflict do nothing`);
    const [row] = await tx.run<{ path: string | null }>(sql`select path from dag_pipeline where tenant_id = ${tx.tenantId} and pipeline_id = ${pipelineId} for update`);
    tx.hold(pipelineId);
    return row?.path ?? null;
  }
  async keepPath(tx: TenantTx, pipelineId: string, path: string | null): Promise<void> {
    await tx.run(sql`update dag_pipeline set path = ${path} where tenant_id = ${tx.tenantId} and pipeline_id = ${pipelineId}`);
  }
  /** Whether no other plan of the pipeline was approved after this one. */
  async isCurrent(tx: TenantTx, { pipelineId, planId }: DagArtifactEntity): Promise<boolean> {
    const later = await tx.run(sql`select 1 from dag_artifact a, dag_artifact mine where mine.tenant_id = ${tx.tenantId} and mine.plan_id = ${planId}
      and a.tenant_id = mine.tenant_id and a.pipeline_id = ${pipelineId} and (a.latest_at, a.plan_id) > (mine.latest_at, mine.plan_id) limit 1`);
    return later.length === 0;
  }
  /** A name among `assets` that a published DAG of another pipeline uses for another URI below one of today's `addresses`: two datasets whose names were shortened alike.
   * Airflow would see it only when it runs. A URI at an older address is no clash: its DAG is rendered anew. */
  async clash(tx: TenantTx, pipelineId: string, { assets, addresses }: { assets: readonly (readonly [string, string])[]; addresses: readonly string[] }): Promise<string | null> {
    const [row] = await tx.run<{ name: string }>(sql`select theirs ->> 0 as name from dag_artifact a, jsonb_array_elements(a.assets) theirs, jsonb_array_elements(${JSON.stringify(assets)}::jsonb) mine
      where a.tenant_id = ${tx.tenantId} and a.pipeline_id <> ${pipelineId} and a.state = 'published' and theirs ->> 0 = mine ->> 0 and theirs ->> 1 <> mine ->> 1
        and exists (select 1 from unnest(${[...addresses]}::text[]) as address where starts_with(theirs ->> 1, address || '/')) limit 1`);
    return row?.name ?? null;
  }
  /** Older plans of the pipeline stand behind no file any more. */
  async supersedeOthers(tx: TenantTx, { pipelineId, planId }: DagArtifactEntity): Promise<void> {
    await tx.run(sql`update dag_artifact set state = 'superseded', path = null where tenant_id = ${tx.tenantId} and pipeline_id = ${pipelineId} and plan_id <> ${planId} and state = 'published'`);
  }
}
