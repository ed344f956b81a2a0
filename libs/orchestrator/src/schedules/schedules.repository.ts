import { Failure, Instant, PlanId, RunId, type ScheduleView, type SlotView } from '@agent-etl/contracts';
import { type TenantTx, sql } from '@agent-etl/persistence';
import type { Due } from '@agent-etl/scheduling';
import { Injectable } from '@nestjs/common';
import { targetKey } from '../runs/new-run.ts';
import type { DueSchedule, LiveRun, ScheduleRecord, SlotDecision } from './schedule-record.ts';

interface ScheduleRow { pipelineId: string; planId: string; cron: string; timezone: string; nextAt: Date | null; pausedAt: Date | null; pausedBy: string | null; tries: number }
interface LastSlotRow { slot: Date | null; outcome: SlotView['outcome']; runId: string | null; missed: number; failure: unknown; decidedAt: Date }
const columns = sql`s.pipeline_id as "pipelineId", s.plan_id as "planId", s.cron, s.timezone, s.next_at as "nextAt", s.paused_at as "pausedAt", s.paused_by as "pausedBy", s.tries`;
const instant = (at: Date | null): string | null => at?.toISOString() ?? null;
const record = ({ pipelineId, planId, cron, timezone, nextAt, pausedAt, pausedBy, tries }: ScheduleRow): ScheduleRecord => ({ pipelineId, cron, timezone, pausedBy, tries, planId: PlanId.parse(planId), nextAt: instant(nextAt), pausedAt: instant(pausedAt) });

/** Schedules and their slots. Whoever writes a schedule holds its pipeline. */
@Injectable()
export class SchedulesRepository {
  async find(tx: TenantTx, pipelineId: string): Promise<ScheduleRecord | null> {
    const [row] = await tx.run<ScheduleRow>(sql`select ${columns} from schedule s where s.pipeline_id = ${pipelineId}::uuid`);
    return row ? record(row) : null;
  }
  /** A schedule that is due, with its pipeline held. Null: another replica has it at this moment, or has just dealt with it. */
  async takeDue(tx: TenantTx, pipelineId: string): Promise<DueSchedule | null> {
    const [row] = await tx.run<ScheduleRow & { pipeline: string }>(sql`select ${columns}, p.name as pipeline from schedule s join pipeline p using (tenant_id, pipeline_id)
      where s.pipeline_id = ${pipelineId}::uuid and s.next_at <= clock_timestamp() for update of p, s skip locked`);
    if (!row?.nextAt) return null;
    tx.hold(pipelineId);
    return { ...record(row), pipeline: row.pipeline, nextAt: row.nextAt.toISOString() };
  }

  async keep(tx: TenantTx, { pipelineId, planId, cron, timezone, nextAt }: Pick<ScheduleRecord, 'pipelineId' | 'planId' | 'cron' | 'timezone' | 'nextAt'>): Promise<void> {
    await tx.run(sql`insert into schedule (tenant_id, pipeline_id, plan_id, cron, timezone, next_at) values (${tx.tenantId}, ${pipelineId}, ${planId}, ${cron}, ${timezone}, ${nextAt})
      on conflict (tenant_id, pipeline_id) do update set plan_id = excluded.plan_id, cron = excluded.cron, timezone = excluded.timezone, next_at = excluded.next_at, tries = 0`);
  }
  async remove(tx: TenantTx, pipelineId: string): Promise<void> { await tx.run(sql`delete from schedule where pipeline_id = ${pipelineId}::uuid`); }
  async pause(tx: TenantTx, pipelineId: string, by: string): Promise<void> {
    await tx.run(sql`update schedule set paused_at = clock_timestamp(), paused_by = ${by}, next_at = null, tries = 0 where pipeline_id = ${pipelineId}::uuid`);
  }
  async resume(tx: TenantTx, pipelineId: string, nextAt: string | null): Promise<void> {
    await tx.run(sql`update schedule set paused_at = null, paused_by = null, next_at = ${nextAt}, tries = 0 where pipeline_id = ${pipelineId}::uuid`);
  }
  async triedAgain(tx: TenantTx, pipelineId: string): Promise<void> { await tx.run(sql`update schedule set tries = tries + 1 where pipeline_id = ${pipelineId}::uuid`); }
  async moveOn(tx: TenantTx, pipelineId: string, next: string | null): Promise<void> {
    await tx.run(sql`update schedule set next_at = ${next}, tries = 0 where pipeline_id = ${pipelineId}::uuid`);
  }

  /** Takes a slot; false when it was taken before. */
  async take(tx: TenantTx, { pipelineId, planId }: ScheduleRecord, { slot, missed }: Pick<Due, 'slot' | 'missed'>): Promise<boolean> {
    const taken = await tx.run(sql`insert into schedule_slot (tenant_id, pipeline_id, slot, plan_id, missed) values (${tx.tenantId}, ${pipelineId}, ${slot}, ${planId}, ${missed})
      on conflict (tenant_id, pipeline_id, slot) do nothing returning 1`);
    await tx.run(sql`delete from schedule_slot where pipeline_id = ${pipelineId}::uuid and slot < ${slot}::timestamptz - interval '90 days'`);
    return taken.length > 0;
  }
  /** @returns when, by the clock of the database */
  async settle(tx: TenantTx, { pipelineId, slot }: { pipelineId: string; slot: string }, { outcome, runId, failure }: SlotDecision): Promise<string> {
    const now = await tx.now();
    await tx.run(sql`update schedule_slot set outcome = ${outcome}, run_id = ${runId}, failure = ${failure === null ? null : JSON.stringify(failure)}::jsonb, decided_at = ${now}
      where pipeline_id = ${pipelineId}::uuid and slot = ${slot}`);
    return now;
  }
  async liveRun(tx: TenantTx, target: Parameters<typeof targetKey>[0]): Promise<LiveRun | null> {
    const [run] = await tx.run<LiveRun>(sql`select run_id as "runId", pipeline, state from run where target_key = ${targetKey(target)} and finished_at is null`);
    return run ?? null;
  }

  /** Schedules as people see them, by pipeline. */
  async views(tx: TenantTx, pipelineIds: readonly string[]): Promise<Map<string, ScheduleView>> {
    const rows = await tx.run<ScheduleRow & LastSlotRow>(sql`select ${columns}, l.slot, l.outcome, l.run_id as "runId", l.missed, l.failure, l.decided_at as "decidedAt" from schedule s
      left join lateral (select * from schedule_slot where tenant_id = s.tenant_id and pipeline_id = s.pipeline_id order by slot desc limit 1) l on true where s.pipeline_id = any(${pipelineIds}::uuid[])`);
    return new Map(rows.map((row) => [row.pipelineId, viewOf(record(row), row)]));
  }
}

const viewOf = ({ planId, cron, timezone, nextAt, pausedAt, pausedBy }: ScheduleRecord, last: LastSlotRow): ScheduleView => ({
  cron, timezone, planId, nextAt, pausedAt, pausedBy,
  lastSlot: last.slot === null ? null : {
    slot: Instant.parse(instant(last.slot)), outcome: last.outcome, runId: last.runId === null ? null : RunId.parse(last.runId), missed: last.missed,
    failure: Failure.nullable().parse(last.failure), decidedAt: Instant.parse(instant(last.decidedAt)) },
});
