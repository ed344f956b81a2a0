import type { Payload } from '@agent-etl/contracts';
import { handlesFor } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { Controller } from '@nestjs/common';
import { TasksService } from './tasks.service.ts';

const Handles = handlesFor('etl-worker');

/** Commands become rows here, and nothing else: no message ever waits behind a busy worker. */
@Controller()
export class TasksHandler {
  private readonly tasks: TasksService;
  constructor(tasks: TasksService) { this.tasks = tasks; }

  @Handles('task.run.requested.v1')
  onRequested(command: Payload<'task.run.requested.v1'>, tx: TenantTx): Promise<void> { return this.tasks.accept(tx, command); }

  @Handles('task.run.cancel-requested.v1')
  onCancelRequested(command: Payload<'task.run.cancel-requested.v1'>, tx: TenantTx): Promise<void> { return this.tasks.cancel(tx, command); }
}
