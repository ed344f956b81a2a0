import { EtlError, didYouMean, type Pipeline, PipelineId, PipelineName, type PlanId, RunId, type PipelineView, type ScheduleView } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { v7 } from 'uuid';
import { PipelineEntity } from './pipeline.entity.ts';

@Injectable()
export class PipelinesRepository {
  /** Keeps a pipeline under its name and locks its row. */
  async keep(tx: TenantTx, spec: Pipeline): Promise<PipelineId> {
    const now = await tx.now();
    const [row] = await tx.run<{ pipeline_id: string }>(sql`insert into pipeline (tenant_id, pipeline_id, name, owner, spec, updated_at)
      values (${tx.tenantId}, ${v7()}, ${spec.name}, ${spec.owner ?? null}, ${JSON.stringify(spec)}::jsonb, ${now})
      on conflict (tenant_id, name) do update set owner = excluded.owner, spec = excluded.spec, updated_at = excluded.updated_at returning pipeline_id`);
    tx.hold(row!.pipeline_id);
    return PipelineId.parse(row!.pipeline_id);
  }
  /** Locks a pipeline, so that messages about it leave in the order of commits. */
  async hold(tx: TenantTx, pipelineId: string): Promise<void> {
    await tx.run(sql`select 1 from pipeline where pipeline_id = ${pipelineId}::uuid for update`);
    tx.hold(pipelineId);
  }
  async byName(tx: TenantTx, name: string): Promise<PipelineEntity | null> { return tx.manager.findOneBy(PipelineEntity, { tenantId: tx.tenantId, name }); }
  /** @throws EtlError `access.not-found` */
  async get(tx: TenantTx, name: string): Promise<PipelineEntity> {
    const found = await this.byName(tx, name);
    if (!found) throw new EtlError('access.not-found', { what: `pipeline ${name}`, next: didYouMean(name, await this.names(tx)) ?? 'agent-etl pipelines lists those that there are' });
    return found;
  }
  private async names(tx: TenantTx): Promise<string[]> {
    return (await tx.run<{ name: string }>(sql`select name from pipeline where tenant_id = ${tx.tenantId} order by name limit 1000`)).map(({ name }) => name);
  }
  async list(tx: TenantTx, { limit, after }: { limit: number; after: string | null }): Promise<PipelineEntity[]> {
    return tx.manager.createQueryBuilder(PipelineEntity, 'p').where('p.tenantId = :tenantId and p.name > :after', { tenantId: tx.tenantId, after: after ?? '' }).orderBy('p.name').limit(limit).getMany();
  }
  async planned(tx: TenantTx, pipelineId: string, planId: PlanId): Promise<void> { await tx.run(sql`update pipeline set plan_id = ${planId}, updated_at = clock_timestamp() where pipeline_id = ${pipelineId}::uuid`); }
  /** Whether this is the plan that was approved last. */
  async isCurrent(tx: TenantTx, pipelineId: string, planId: PlanId): Promise<boolean> {
    return (await tx.run(sql`select 1 from pipeline where pipeline_id = ${pipelineId}::uuid and plan_id = ${planId}`)).length > 0;
  }
  async ran(tx: TenantTx, pipelineId: string, run: { runId: string; state: string }): Promise<void> {
    await tx.run(sql`update pipeline set last_run_id = ${run.runId}::uuid, last_state = ${run.state}, updated_at = clock_timestamp() where pipeline_id = ${pipelineId}::uuid`);
  }
}

export const pipelineView = ({ pipelineId, name, owner, spec, planId, lastRunId, lastState, updatedAt }: PipelineEntity, schedule: ScheduleView | null): PipelineView => ({
  pipelineId, name: PipelineName.parse(name), owner, spec, planId: planId as PlanId | null, lastRunId: lastRunId === null ? null : RunId.parse(lastRunId), lastState, updatedAt, schedule });
