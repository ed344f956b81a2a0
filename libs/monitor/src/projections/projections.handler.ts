import { Controller } from '@nestjs/common';
import type { Payload } from '@agent-etl/contracts';
import { type MessageMeta, handlesFor } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { ProjectionsService } from './projections.service.ts';

const Handles = handlesFor('monitor');

/** Events of runs, each projected by the one pure function. */
@Controller()
export class ProjectionsHandler {
  constructor(private readonly projections: ProjectionsService) {}

  @Handles('run.started.v1')
  async runStarted(payload: Payload<'run.started.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'run.started.v1', payload, at }); }
  @Handles('run.finished.v1')
  async runFinished(payload: Payload<'run.finished.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'run.finished.v1', payload, at }); }
  @Handles('task.run.started.v1')
  async taskStarted(payload: Payload<'task.run.started.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'task.run.started.v1', payload, at }); }
  @Handles('task.run.progressed.v1')
  async taskProgressed(payload: Payload<'task.run.progressed.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'task.run.progressed.v1', payload, at }); }
  @Handles('task.run.succeeded.v1')
  async taskSucceeded(payload: Payload<'task.run.succeeded.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'task.run.succeeded.v1', payload, at }); }
  @Handles('task.run.failed.v1')
  async taskFailed(payload: Payload<'task.run.failed.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'task.run.failed.v1', payload, at }); }
  @Handles('task.run.cancelled.v1')
  async taskCancelled(payload: Payload<'task.run.cancelled.v1'>, tx: TenantTx, { at }: MessageMeta): Promise<void> { await this.projections.onRunEvent(tx, { type: 'task.run.cancelled.v1', payload, at }); }
}
