import type { Payload } from '@agent-etl/contracts';
import { handlesFor } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Controller } from '@nestjs/common';
import { RunsService } from './runs.service.ts';

const Handles = handlesFor('orchestrator');

/** What workers report. */
@Controller()
export class RunsHandler {
  private readonly runs: RunsService;
  constructor(runs: RunsService) { this.runs = runs; }

  @Handles('task.run.started.v1')
  async onStarted({ runId, ...event }: Payload<'task.run.started.v1'>, tx: TenantTx): Promise<void> { await this.runs.apply(tx, runId, { type: 'started', ...event }); }
  @Handles('task.run.progressed.v1')
  async onProgressed({ runId, ...event }: Payload<'task.run.progressed.v1'>, tx: TenantTx): Promise<void> { await this.runs.apply(tx, runId, { type: 'progressed', ...event }); }
  @Handles('task.run.succeeded.v1')
  async onSucceeded({ runId, ...event }: Payload<'task.run.succeeded.v1'>, tx: TenantTx): Promise<void> { await this.runs.apply(tx, runId, { type: 'succeeded', ...event }); }
  @Handles('task.run.failed.v1')
  async onFailed({ runId, ...event }: Payload<'task.run.failed.v1'>, tx: TenantTx): Promise<void> { await this.runs.apply(tx, runId, { type: 'failed', ...event }); }
  @Handles('task.run.cancelled.v1')
  async onCancelled({ runId, ...event }: Payload<'task.run.cancelled.v1'>, tx: TenantTx): Promise<void> { await this.runs.apply(tx, runId, { type: 'cancelled', ...event }); }
}
