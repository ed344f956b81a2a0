import { EtlError, type PipelineView } from '@agent-etl/contracts';
import { nextSlot } from '@agent-etl/scheduling';
import { type TenantTx, StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { PipelinesRepository, pipelineView } from '../pipelines/pipelines.repository.ts';
import type { ScheduleRecord } from './schedule-record.ts';
import { SchedulesRepository } from './schedules.repository.ts';

interface Which { readonly tenantId: string; readonly name: string }

/** Schedules as people stop them and let them go on. */
@Injectable()
export class SchedulesService {
  constructor(private readonly state: StateDatabase, private readonly pipelines: PipelinesRepository, private readonly schedules: SchedulesRepository) {}

  /** @throws EtlError `access.not-found`; `request.conflict` when the pipeline has no schedule that workers keep */
  pause(which: Which & { readonly by: string }): Promise<PipelineView> {
    return this.change({ ...which, action: 'pausing' }, async (tx, { pipelineId, pausedAt }) => { if (pausedAt === null) await this.schedules.pause(tx, pipelineId, which.by); });
  }
  /** @throws EtlError `access.not-found`; `request.conflict` when the pipeline has no schedule that workers keep */
  resume(which: Which): Promise<PipelineView> {
    return this.change({ ...which, action: 'resuming' }, async (tx, { pipelineId, pausedAt, ...schedule }) => {
      if (pausedAt !== null) await this.schedules.resume(tx, pipelineId, nextSlot(schedule, await tx.now()));
    });
  }

  private change({ tenantId, name, action }: Which & { action: string }, work: (tx: TenantTx, schedule: ScheduleRecord) => Promise<void>): Promise<PipelineView> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      const pipeline = await this.pipelines.get(tx, name);
      await this.pipelines.hold(tx, pipeline.pipelineId);
      const schedule = await this.schedules.find(tx, pipeline.pipelineId);
      if (!schedule) throw noSchedule({ name, action, isAirflow: pipeline.spec.runOn === 'airflow' });
      await work(tx, schedule);
      return pipelineView(pipeline, (await this.schedules.views(tx, [pipeline.pipelineId])).get(pipeline.pipelineId) ?? null);
    });
  }
}

const noSchedule = ({ name, action, isAirflow }: { name: string; action: string; isAirflow: boolean }): EtlError => new EtlError('request.conflict', {
  what: `pipeline ${name}`, state: 'without a schedule that workers keep', action,
  next: isAirflow ? 'Airflow starts it: pause its DAG there' : 'give it one, schedule: { cron, timezone }, and have its plan approved: agent-etl apply' });
