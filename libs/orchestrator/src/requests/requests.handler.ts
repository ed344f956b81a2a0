import type { Payload } from '@agent-etl/contracts';
import { type MessageMeta, handlesFor } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Controller } from '@nestjs/common';
import { RequestsService } from './requests.service.ts';

const Handles = handlesFor('orchestrator');

@Controller()
export class RequestsHandler {
  private readonly requests: RequestsService;
  constructor(requests: RequestsService) { this.requests = requests; }

  @Handles('pipeline.requested.v1')
  onRequested(body: Payload<'pipeline.requested.v1'>, tx: TenantTx, meta: MessageMeta): Promise<void> { return this.requests.onRequested(tx, body, meta); }
}
