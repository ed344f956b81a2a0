import { type Migration, enableRowSecurity, letRelay, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const schedule = [
  // next_at: the first slot that has not been dealt with; null while it is paused, or when there is none any more.
  sql`create table schedule (
    tenant_id uuid not null,
    pipeline_id uuid not null,
    plan_id text not null,
    cron text not null,
    timezone text not null,
    next_at timestamptz,
    tries integer not null default 0,
    paused_at timestamptz,
    paused_by text,
    primary key (tenant_id, pipeline_id),
    foreign key (tenant_id, pipeline_id) references pipeline,
    foreign key (tenant_id, plan_id) references plan,
    check ((paused_at is null) = (paused_by is null)),
    check (paused_at is null or next_at is null))`,
  sql`create index schedule_due on schedule (next_at) where next_at is not null`,
  ...enableRowSecurity('schedule'),
  ...letRelay('schedule', ['select']),
];

const slot = [
  // One row per slot is one run per slot, however many orchestrators there are. The outcome is null only inside the transaction that takes the slot.
  sql`create table schedule_slot (
    tenant_id uuid not null,
    pipeline_id uuid not null,
    slot timestamptz not null,
    plan_id text not null,
    missed integer not null,
    outcome text check (outcome in ('started', 'skipped', 'failed')),
    run_id uuid,
    failure jsonb,
    decided_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, pipeline_id, slot),
    foreign key (tenant_id, pipeline_id) references pipeline,
    foreign key (tenant_id, run_id) references run)`,
  ...enableRowSecurity('schedule_slot'),
];

/** When pipelines run by themselves, and what became of each slot. */
export class Schedules1764000500000 implements Migration {
  readonly name = 'Schedules1764000500000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> { await runAll(runner, [...schedule, ...slot]); }
  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`drop table schedule_slot`, sql`drop table schedule`]); }
}
