import { EtlError, type Failure, toFailure } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import type { RequestEntity } from '../requests/request.entity.ts';
import { RequestsRepository } from '../requests/requests.repository.ts';
import { RunEndings } from '../runs/run-endings.ts';
import { Changes } from '../signals/changes.service.ts';

type Named = Pick<RequestEntity, 'requestId'>;

/** What becomes of a request, and those who wait for it. */
@Injectable()
export class RequestProgress {
  constructor(private readonly requests: RequestsRepository, private readonly changes: Changes, private readonly outbox: Outbox<'orchestrator'>, endings: RunEndings) {
    endings.on('copy', async (tx, { requestId }) => { if (requestId !== null) await this.finished(tx, { requestId }); });
  }
  lock(tx: TenantTx, requestId: string): Promise<RequestEntity | null> { return this.requests.lock(tx, requestId); }
  waitingFor(tx: TenantTx, planId: string): Promise<RequestEntity[]> { return this.requests.waitingFor(tx, planId); }

  /** No plan, or none that may run: the requester is answered. */
  async fail(tx: TenantTx, { requestId }: Named, { failure, planId = null }: { failure: Failure; planId?: string | null }): Promise<void> {
    await this.change(tx, { requestId }, { state: 'failed', failure, planId });
    await this.requests.holdText(tx, requestId);
    await this.outbox.add(tx, 'pipeline.rejected.v1', { requestId, code: failure.code, text: failure.text, issues: failure.issues ?? [], next: failure.next });
  }
  refused(tx: TenantTx, request: Named, { planId, by }: { planId: string; by: string }): Promise<void> {
    return this.fail(tx, request, { planId, failure: toFailure(new EtlError('plan.refused', { rule: 'a decision', explanation: `${by} refused it` })) });
  }
  wait(tx: TenantTx, request: Named, { planId, failure }: { planId: string; failure: Failure }): Promise<void> { return this.change(tx, request, { state: 'waiting', planId, failure }); }
  planned(tx: TenantTx, request: Named, planId: string): Promise<void> { return this.change(tx, request, { state: 'planned', planId, failure: null }); }
  running(tx: TenantTx, request: Named, { planId, runId }: { planId: string; runId: string }): Promise<void> { return this.change(tx, request, { state: 'running', planId, runId, failure: null }); }
  finished(tx: TenantTx, request: Named): Promise<void> { return this.change(tx, request, { state: 'finished' }); }

  private async change(tx: TenantTx, { requestId }: Named, change: Parameters<RequestsRepository['change']>[2]): Promise<void> {
    await this.requests.change(tx, requestId, change);
    await this.changes.changed(tx, `request:${requestId}`);
  }
}
