import { EtlError, type PlanId, type PlanView, type Verdict, PlanId as PlanIdSchema } from '@agent-etl/contracts';
import { type TenantTx, joinSql, sql } from '@agent-etl/persistence';
import { type PlanFacts, planView, questionView } from '@agent-etl/planning';
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { After } from '../page-cursor.ts';
import { PlanEntity } from './plan.entity.ts';

export interface PlanPage { readonly limit: number; readonly after: After | null; readonly pipeline?: string | undefined; readonly begins?: string | undefined }

@Injectable()
export class PlansRepository {
  /** Keeps a plan; one that is there already keeps its status and is proposed again. Answers the row, locked. */
  async propose(tx: TenantTx, plan: Omit<PlanEntity, 'tenantId' | 'createdAt' | 'proposedAt' | 'status' | 'decidedBy' | 'addresses'>): Promise<PlanEntity> {
    const now = await tx.now();
    await tx.manager.createQueryBuilder().insert().into(PlanEntity).values({ ...plan, tenantId: tx.tenantId, status: 'proposed', decidedBy: null, addresses: null, createdAt: now, proposedAt: now } as object).orIgnore().execute();
    const row = await this.lock(tx, plan.planId);
    if (row.proposedAt !== now) await tx.manager.update(PlanEntity, { tenantId: tx.tenantId, planId: plan.planId }, { proposedAt: now });
    return row;
  }
  /** @throws EtlError `access.not-found` */
  async lock(tx: TenantTx, planId: string): Promise<PlanEntity> {
    const row = await tx.manager.findOne(PlanEntity, { where: { tenantId: tx.tenantId, planId }, lock: { mode: 'pessimistic_write' } });
    if (!row) throw new EtlError('access.not-found', { what: 'plan' });
    return row;
  }
  async get(tx: TenantTx, planId: string): Promise<PlanEntity> {
    const row = await tx.manager.findOneBy(PlanEntity, { tenantId: tx.tenantId, planId });
    if (!row) throw new EtlError('access.not-found', { what: 'plan' });
    return row;
  }
  async decide(tx: TenantTx, planId: string, decision: Pick<PlanEntity, 'status' | 'decidedBy'> & Partial<Pick<PlanEntity, 'addresses'>>): Promise<void> { await tx.manager.update(PlanEntity, { tenantId: tx.tenantId, planId }, decision); }

  /** Shape that the source had when this pipeline was last planned. */
  async latestFingerprint(tx: TenantTx, pipelineId: string): Promise<string | null> {
    const [row] = await tx.run<{ source_fingerprint: string }>(sql`select source_fingerprint from plan where pipeline_id = ${pipelineId}::uuid order by proposed_at desc limit 1`);
    return row?.source_fingerprint ?? null;
  }
  /** Plans, newest first. Those of one pipeline by when they were last proposed: a plan that comes up again is the one a person has just read. */
  async list(tx: TenantTx, { limit, after, pipeline, begins }: PlanPage): Promise<PlanEntity[]> {
    const at = pipeline ? sql`proposed_at` : sql`created_at`;
    const conditions = [
      ...(pipeline ? [sql`pipeline_id = (select pipeline_id from pipeline where name = ${pipeline})`] : []), ...(begins ? [sql`starts_with(plan_id, ${begins})`] : []),
      ...(after ? [sql`(${at}, plan_id) < (${after.at}::timestamptz, ${after.id})`] : [])];
    const from = conditions.length ? sql`where ${joinSql(conditions, ' and ')}` : sql``;
    const ids = await tx.run<{ plan_id: string }>(sql`select plan_id from plan ${from} order by ${at} desc, plan_id desc limit ${limit}`);
    const rows = await tx.manager.findBy(PlanEntity, { tenantId: tx.tenantId, planId: In(ids.map(({ plan_id: id }) => id)) });
    return ids.flatMap(({ plan_id: id }) => rows.filter(({ planId }) => planId === id));
  }
  async setDag(tx: TenantTx, planId: string, dag: unknown): Promise<void> { await tx.run(sql`update plan set dag = ${JSON.stringify(dag)}::jsonb where plan_id = ${planId}`); }
}

/** A plan, or the questions before one, as scripts read it. */
export function viewOfPlan(row: PlanEntity): PlanView {
  const facts: PlanFacts = { planId: PlanIdSchema.parse(row.planId) as PlanId, requestId: row.requestId, status: row.status, verdict: row.verdict satisfies Verdict, questions: row.questions, createdAt: row.createdAt };
  return row.plan ? planView(row.plan, facts) : questionView(row.spec, facts);
}
