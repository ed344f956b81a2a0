import { type BackfillView, Decision, EtlError, Failure, PipelineName, PlanId, RunId, TaskResult } from '@agent-etl/contracts';
import { type TenantTx, joinSql, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { After } from '../page-cursor.ts';
import { type Part, backfillState } from './backfill-rules.ts';

export interface NewBackfill { readonly backfillId: string; readonly pipelineId: string; readonly planId: string; readonly column: string; readonly targetKey: string; readonly step: string | null; readonly decisions: readonly Decision[]; readonly askedBy: string; readonly createdAt: string }
export interface Backfill extends NewBackfill { readonly pipeline: string; readonly finishedAt: string | null; readonly slices: readonly SliceRow[] }
export interface SliceRow extends Part { readonly ordinal: number; readonly state: BackfillView['state']; readonly runId: string | null; readonly results: readonly TaskResult[]; readonly failure: Failure | null }
interface Row { backfillId: string; pipelineId: string; pipeline: string; planId: string; column: string; targetKey: string; step: string | null; decisions: unknown; askedBy: string; createdAt: Date; finishedAt: Date | null }
interface SliceColumns { backfillId: string; ordinal: number; from: Date; to: Date; state: BackfillView['state']; runId: string | null; failure: unknown; results: unknown }

const columns = sql`b.backfill_id as "backfillId", b.pipeline_id as "pipelineId", p.name as pipeline, b.plan_id as "planId", b.cursor_column as column, b.target_key as "targetKey", b.step, b.decisions, b.asked_by as "askedBy", b.created_at as "createdAt", b.finished_at as "finishedAt"`;

@Injectable()
export class BackfillsRepository {
  /** @throws EtlError `request.conflict` while another one of the pipeline is under way */
  async insert(tx: TenantTx, { backfillId, pipelineId, planId, column, targetKey, step, decisions, askedBy, createdAt }: NewBackfill, parts: readonly Part[]): Promise<void> {
    const placed = await tx.run(sql`insert into backfill (tenant_id, backfill_id, pipeline_id, plan_id, cursor_column, target_key, step, decisions, asked_by, created_at)
      values (${tx.tenantId}, ${backfillId}, ${pipelineId}, ${planId}, ${column}, ${targetKey}, ${step}, ${JSON.stringify(decisions)}::jsonb, ${askedBy}, ${createdAt}) on conflict do nothing returning 1`);
    if (placed.length === 0) throw new EtlError('request.conflict', { what: 'a backfill of the pipeline', state: 'under way', action: 'another one', next: 'wait for it, or cancel its run: agent-etl runs' });
    for (const [ordinal, { from, to }] of parts.entries()) await tx.run(sql`insert into backfill_slice (tenant_id, backfill_id, ordinal, from_at, to_at) values (${tx.tenantId}, ${backfillId}, ${ordinal}, ${from}, ${to})`);
  }
  async find(tx: TenantTx, backfillId: string): Promise<Backfill | null> {
    const rows = await tx.run<Row>(sql`select ${columns} from backfill b join pipeline p using (tenant_id, pipeline_id) where b.backfill_id = ${backfillId}::uuid`);
    return (await this.withSlices(tx, rows))[0] ?? null;
  }
  /** One that is under way, with its row locked. Null when it is over. */
  async lock(tx: TenantTx, backfillId: string): Promise<Backfill | null> {
    const [live] = await tx.run(sql`select 1 from backfill where backfill_id = ${backfillId}::uuid and finished_at is null for update`);
    return live ? this.find(tx, backfillId) : null;
  }
  async list(tx: TenantTx, { pipelineId, limit, after }: { pipelineId: string; limit: number; after: After | null }): Promise<Backfill[]> {
    const conditions = [sql`b.pipeline_id = ${pipelineId}::uuid`, ...(after ? [sql`(b.created_at, b.backfill_id) < (${after.at}::timestamptz, ${after.id}::uuid)`] : [])];
    return this.withSlices(tx, await tx.run<Row>(sql`select ${columns} from backfill b join pipeline p using (tenant_id, pipeline_id) where ${joinSql(conditions, ' and ')} order by b.created_at desc, b.backfill_id desc limit ${limit}`));
  }
  /** The slice that a run reads, or null. */
  async ofRun(tx: TenantTx, runId: string): Promise<{ backfillId: string; ordinal: number } | null> {
    const [row] = await tx.run<{ backfillId: string; ordinal: number }>(sql`select backfill_id as "backfillId", ordinal from backfill_slice where run_id = ${runId}::uuid`);
    return row ?? null;
  }
  /** Those that wait for a target to become free, the oldest first. */
  async waitingFor(tx: TenantTx, targetKey: string): Promise<string[]> {
    return (await tx.run<{ id: string }>(sql`select backfill_id as id from backfill where target_key = ${targetKey} and finished_at is null order by created_at, backfill_id`)).map(({ id }) => id);
  }
  async liveRun(tx: TenantTx, targetKey: string): Promise<string | null> { return (await tx.run<{ id: string }>(sql`select run_id as id from run where target_key = ${targetKey} and finished_at is null`))[0]?.id ?? null; }
  async begin(tx: TenantTx, { backfillId, ordinal }: { backfillId: string; ordinal: number }, runId: string): Promise<void> {
    await tx.run(sql`update backfill_slice set state = 'running', run_id = ${runId}::uuid where backfill_id = ${backfillId}::uuid and ordinal = ${ordinal}`);
  }
  async settle(tx: TenantTx, { backfillId, ordinal }: { backfillId: string; ordinal: number }, said: { state: BackfillView['state']; failure: Failure | null }): Promise<void> {
    await tx.run(sql`update backfill_slice set state = ${said.state}, failure = ${said.failure === null ? null : JSON.stringify(said.failure)}::jsonb where backfill_id = ${backfillId}::uuid and ordinal = ${ordinal}`);
  }
  async finish(tx: TenantTx, backfillId: string): Promise<void> { await tx.run(sql`update backfill set finished_at = clock_timestamp() where backfill_id = ${backfillId}::uuid and finished_at is null`); }

  private async withSlices(tx: TenantTx, rows: readonly Row[]): Promise<Backfill[]> {
    const slices = rows.length === 0 ? [] : await tx.run<SliceColumns>(sql`select s.backfill_id as "backfillId", s.ordinal, s.from_at as "from", s.to_at as "to", s.state, s.run_id as "runId", s.failure,
        (select coalesce(json_agg(t.result), '[]') from task_run t where t.tenant_id = s.tenant_id and t.run_id = s.run_id and t.result is not null) as results
      from backfill_slice s where s.backfill_id = any(${rows.map(({ backfillId }) => backfillId)}::uuid[]) order by s.ordinal`);
    return rows.map(({ decisions, createdAt, finishedAt, ...row }) => ({ ...row, decisions: z.array(Decision).parse(decisions), createdAt: createdAt.toISOString(), finishedAt: finishedAt?.toISOString() ?? null,
      slices: slices.filter(({ backfillId }) => backfillId === row.backfillId).map(sliceOf) }));
  }
}
const sliceOf = ({ ordinal, from, to, state, runId, failure, results }: SliceColumns): SliceRow =>
  ({ ordinal, from: from.toISOString(), to: to.toISOString(), state, runId, failure: Failure.nullable().parse(failure), results: z.array(TaskResult).parse(results) });

export const backfillView = ({ backfillId, pipeline, planId, column, step, decisions, askedBy, createdAt, finishedAt, slices }: Backfill): BackfillView => ({
  backfillId, pipeline: PipelineName.parse(pipeline), planId: PlanId.parse(planId), column, step, decisions: [...decisions], askedBy, createdAt, finishedAt,
  from: slices[0]!.from, to: slices.at(-1)!.to, state: backfillState(slices), slices: slices.map(sliceView) });
function sliceView({ from, to, state, runId, failure, results }: SliceRow): BackfillView['slices'][number] {
  const load = results.find((result) => result.kind === 'load');
  const publish = results.find((result) => result.kind === 'publish');
  return { from, to, state, failure, runId: runId === null ? null : RunId.parse(runId), read: load?.read ?? null, changed: publish?.published ?? null, extra: publish?.extra ?? null };
}
