import { EtlError, type Failure, type RequestView } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { RequestEntity } from './request.entity.ts';

type Change = Partial<Pick<RequestEntity, 'state' | 'planId' | 'runId'>> & { failure?: Failure | null };

@Injectable()
export class RequestsRepository {
  /** Keeps a new request. Answers false when its id or key is taken; a twin in flight is waited for. */
  async insert(tx: TenantTx, request: Omit<RequestEntity, 'tenantId'>): Promise<boolean> {
    const placed = await tx.manager.createQueryBuilder().insert().into(RequestEntity).values({ ...request, tenantId: tx.tenantId } as object).orIgnore().returning('request_id').execute();
    return (placed.raw as unknown[]).length > 0;
  }
  find(tx: TenantTx, requestId: string): Promise<RequestEntity | null> { return tx.manager.findOneBy(RequestEntity, { tenantId: tx.tenantId, requestId }); }
  /** The latest request that came with this key, or whose id it is. */
  async byKey(tx: TenantTx, key: string): Promise<RequestEntity | null> {
    return tx.manager.findOne(RequestEntity, { where: [{ tenantId: tx.tenantId, idempotencyKey: key }, { tenantId: tx.tenantId, requestId: key }], order: { createdAt: 'DESC' } });
  }
  /** Takes a key from a request that came with it before this instant. */
  async freeKey(tx: TenantTx, key: string, before: string): Promise<void> {
    await tx.run(sql`update request set idempotency_key = null where idempotency_key = ${key} and created_at < ${before}::timestamptz`);
  }
  async lock(tx: TenantTx, requestId: string): Promise<RequestEntity | null> {
    return tx.manager.findOne(RequestEntity, { where: { tenantId: tx.tenantId, requestId }, lock: { mode: 'pessimistic_write' } });
  }
  /** @throws EtlError `access.not-found` */
  async get(tx: TenantTx, requestId: string): Promise<RequestEntity> {
    const row = await tx.manager.findOneBy(RequestEntity, { tenantId: tx.tenantId, requestId });
    if (!row) throw new EtlError('access.not-found', { what: 'request' });
    return row;
  }
  async change(tx: TenantTx, requestId: string, change: Change): Promise<void> { await tx.manager.update(RequestEntity, { tenantId: tx.tenantId, requestId }, change); }
  /** Requests that wait for a decision about this plan. */
  async waitingFor(tx: TenantTx, planId: string): Promise<RequestEntity[]> {
    return tx.manager.find(RequestEntity, { where: { tenantId: tx.tenantId, planId, state: 'waiting' }, order: { createdAt: 'ASC' }, lock: { mode: 'pessimistic_write' } });
  }
  /** Makes a text that is no id of a row yet a key that this transaction holds. */
  async holdText(tx: TenantTx, key: string): Promise<void> {
    await tx.run(sql`select pg_advisory_xact_lock(hashtextextended(${key}, 7))`);
    tx.hold(key);
  }
}

export const requestView = ({ requestId, pipeline, pipelineId, state, planId, runId, failure }: RequestEntity): RequestView =>
  ({ requestId, pipeline, pipelineId, state, planId: planId as RequestView['planId'], runId: runId as RequestView['runId'], failure });
