import type { Payload } from '@agent-etl/contracts';
import { handlesFor } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Controller } from '@nestjs/common';
import { RenderingService } from './rendering.service.ts';

const Handles = handlesFor('dag-generator');

@Controller()
export class RenderingHandler {
  constructor(private readonly rendering: RenderingService) {}

  @Handles('plan.approved.v1')
  async onApproved(approved: Payload<'plan.approved.v1'>, tx: TenantTx): Promise<void> { await this.rendering.enqueue(tx, approved); }
}
