import { type Migration, enableRowSecurity, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const tables = [
  sql`create table backfill (
    tenant_id uuid not null,
    backfill_id uuid not null,
    pipeline_id uuid not null,
    plan_id text not null,
    cursor_column text not null,
    target_key text not null,
    step text,
    decisions jsonb not null,
    asked_by text not null,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (tenant_id, backfill_id),
    foreign key (tenant_id, pipeline_id) references pipeline,
    foreign key (tenant_id, plan_id) references plan)`,
  sql`create unique index backfill_live on backfill (tenant_id, pipeline_id) where finished_at is null`,
  sql`create index backfill_of_pipeline on backfill (tenant_id, pipeline_id, created_at desc, backfill_id desc)`,
  ...enableRowSecurity('backfill'),
  sql`create table backfill_slice (
    tenant_id uuid not null,
    backfill_id uuid not null,
    ordinal integer not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
    run_id uuid,
    failure jsonb,
    primary key (tenant_id, backfill_id, ordinal),
    foreign key (tenant_id, backfill_id) references backfill on delete cascade,
    foreign key (tenant_id, run_id) references run,
    check (from_at < to_at),
    check ((state = 'waiting') = (run_id is null)))`,
  sql`create index backfill_slice_run on backfill_slice (tenant_id, run_id) where run_id is not null`,
  ...enableRowSecurity('backfill_slice'),
];

/** Slices of sources that are read again. */
export class Backfills1764000700000 implements Migration {
  readonly name = 'Backfills1764000700000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> { await runAll(runner, tables); }
  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`drop table backfill_slice`, sql`drop table backfill`]); }
}
