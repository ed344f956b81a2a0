import type { Payload } from '@agent-etl/contracts';
import { handlesFor } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Controller } from '@nestjs/common';
import { DagsService } from './dags.service.ts';

const Handles = handlesFor('orchestrator');

/** What became of the DAG of a plan. */
@Controller()
export class DagsHandler {
  private readonly dags: DagsService;
  constructor(dags: DagsService) { this.dags = dags; }

  @Handles('dag.published.v1')
  onPublished(event: Payload<'dag.published.v1'>, tx: TenantTx): Promise<void> { return this.dags.keep(tx, event); }
  @Handles('dag.failed.v1')
  onFailed(event: Payload<'dag.failed.v1'>, tx: TenantTx): Promise<void> { return this.dags.keep(tx, event); }
}
