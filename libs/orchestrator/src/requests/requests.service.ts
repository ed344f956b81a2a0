import { type Call, type Failure, type PipelineRequest, type RequestView, EtlError, type endpoints, toFailure } from '@agent-etl/contracts';
import { type MessageMeta, Outbox } from '@agent-etl/messaging';
import { type TenantTx, StateDatabase } from '@agent-etl/persistence';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import { Intake } from './intake.service.ts';
import { isSettled } from './request-rules.ts';
import { RequestsRepository, requestView } from './requests.repository.ts';
import { Changes } from '../signals/changes.service.ts';
import { ProjectService } from '../connections/project.service.ts';

export interface Asking { readonly caller: Call<typeof endpoints.createRequest>['caller']; readonly key: string | null; readonly wait: number; readonly body: PipelineRequest }

/** Requests of all doors: one id, one effect. */
@Injectable()
export class RequestsService {
  constructor(
    private readonly state: StateDatabase, private readonly requests: RequestsRepository, private readonly outbox: Outbox<'orchestrator'>,
    private readonly intake: Intake, private readonly changes: Changes, private readonly project: ProjectService,
  ) {}

  /** A request over REST. The answer goes out after the commit.
   * @throws EtlError `request.*`, `access.not-found` */
  async ask({ caller, key, wait, body }: Asking): Promise<RequestView> {
    await this.project.refresh();
    crashPoint('request.validated');
    const view = await this.state.inTenantTx(caller.tenantId, async (tx) => {
      crashPoint('request.tx-open');
      const row = await this.intake.take(tx, { requestId: body.requestId ?? null, key, body, by: caller.name });
      crashPoint('request.row-written');
      return requestView(row);
    });
    crashPoint('request.committed');
    return wait > 0 && !isSettled(view) ? this.look(caller.tenantId, view.requestId, wait) : view;
  }

  look(tenantId: string, requestId: string, wait: number): Promise<RequestView> {
    const read = () => this.state.inTenantTx(tenantId, async (tx) => requestView(await this.requests.get(tx, requestId)));
    return wait > 0 ? this.changes.until(`request:${requestId}`, wait, { read, settled: isSettled }) : read();
  }

  /** A request over the bus: what cannot be taken is answered, never retried. */
  async onRequested(tx: TenantTx, body: PipelineRequest, { id }: MessageMeta): Promise<void> {
    const requestId = body.requestId ?? id;
    try {
      await this.project.refresh(tx);
      await this.intake.take(tx, { requestId, key: null, body, by: 'bus' });
    } catch (error) {
      if (!(error instanceof EtlError) || error.row.retry !== 'never') throw error;
      await this.reject(tx, requestId, toFailure(error));
    }
  }
  /** The answer to a request that is not taken. */
  async reject(tx: TenantTx, requestId: string, { code, text, next, issues = [] }: Failure): Promise<void> {
    await this.requests.holdText(tx, requestId);
    await this.outbox.add(tx, 'pipeline.rejected.v1', { requestId, code, text, issues, next });
  }
}
