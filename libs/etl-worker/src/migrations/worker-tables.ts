import { type Migration, type MigrationClass, enableRowSecurity, letRelay, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';
import { CutSpan1764000400000 } from './cut-span.ts';
import { KeptStaging1764000200000 } from './kept-staging.ts';
import { TaskLanes1764000450000 } from './task-lanes.ts';
import { Quarantine1764000500000 } from './quarantine.ts';

// One row per attempt. The command is absent only where a cancel came before it.
const task = [
  sql`create table task (
    tenant_id uuid not null,
    task_run_id uuid not null,
    attempt integer not null,
    run_id uuid not null,
    kind text not null,
    seq bigint generated always as identity,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'succeeded', 'failed', 'cancelled', 'lost')),
    command jsonb,
    deadline timestamptz not null,
    worker text,
    lease_until timestamptz,
    cancel_at timestamptz,
    inserted_at timestamptz not null default clock_timestamp(),
    claimed_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, task_run_id, attempt),
    check (command is not null or state = 'cancelled'),
    check ((state = 'running') <= (worker is not null and lease_until is not null)))`,
  sql`create index task_waiting on task (seq) where state = 'waiting'`,
  sql`create index task_running on task (lease_until) where state = 'running'`,
  ...enableRowSecurity('task'),
  // Claim and sweep look across tenants, at tasks and nothing else; what they find is changed inside its own tenant.
  ...letRelay('task', ['select']),
];

// The cut of each load, written before its first read and never computed again, with the picture it belongs to.
const chunk = [
  sql`create table chunk (
    tenant_id uuid not null,
    task_run_id uuid not null,
    ordinal integer not null,
    chunk_key text not null,
    range_from text,
    range_to text,
    snapshot text,
    primary key (tenant_id, task_run_id, ordinal),
    unique (tenant_id, task_run_id, chunk_key))`,
  ...enableRowSecurity('chunk'),
];

// Fence and ledger of sinks that have no transactions of their own.
const files = [
  sql`create table file_fence (
    tenant_id uuid not null,
    target text not null,
    value bigint not null,
    holder text not null,
    primary key (tenant_id, target))`,
  ...enableRowSecurity('file_fence'),
  sql`create table file_ledger (
    tenant_id uuid not null,
    run_id uuid not null,
    task text not null,
    chunk_key text not null,
    attempt integer not null,
    fence bigint not null,
    rows bigint not null,
    rejected bigint not null,
    bytes bigint not null,
    digest jsonb,
    written_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, run_id, task, chunk_key))`,
  ...enableRowSecurity('file_ledger'),
];

/** What workers remember: attempts with their leases, the cut of each load, fence and ledger of file sinks. */
class WorkerTables1764000100000 implements Migration {
  readonly name = 'WorkerTables1764000100000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [...task, ...chunk, ...files]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`drop table file_ledger`, sql`drop table file_fence`, sql`drop table chunk`, sql`drop table task`]);
  }
}

/** Finds the tasks that ended longest ago. */
class WorkerEnds1764000300200 implements Migration {
  readonly name = 'WorkerEnds1764000300200';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`create index task_ended on task (finished_at) where finished_at is not null`, sql`create index task_of_run on task (tenant_id, run_id)`]);
  }

  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`drop index task_of_run`, sql`drop index task_ended`]); }
}

/** Migrations of the worker's own tables, without the platform's. */
export const workerMigrations = (): MigrationClass[] => [WorkerTables1764000100000, KeptStaging1764000200000, WorkerEnds1764000300200, CutSpan1764000400000, TaskLanes1764000450000, Quarantine1764000500000];
