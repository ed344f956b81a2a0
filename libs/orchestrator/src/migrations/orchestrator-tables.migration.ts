import { type Migration, enableRowSecurity, letRelay, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const known = [
  sql`create table connection (
    tenant_id uuid not null,
    name text not null,
    spec jsonb not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, name))`,
  ...enableRowSecurity('connection'),
  // Digest of the project file that was loaded last: the same file is not loaded twice.
  sql`create table project_file (
    tenant_id uuid primary key,
    digest text not null,
    loaded_at timestamptz not null default clock_timestamp())`,
  ...enableRowSecurity('project_file'),
  sql`create table pipeline (
    tenant_id uuid not null,
    pipeline_id uuid not null,
    name text not null,
    owner text,
    spec jsonb not null,
    plan_id text,
    last_run_id uuid,
    last_state text,
    updated_at timestamptz not null,
    primary key (tenant_id, pipeline_id),
    unique (tenant_id, name))`,
  ...enableRowSecurity('pipeline'),
];

const asked = [
  sql`create table request (
    tenant_id uuid not null,
    request_id text not null,
    idempotency_key text,
    body_digest text not null,
    pipeline_id uuid not null,
    pipeline text not null,
    spec jsonb not null,
    run text not null check (run in ('now', 'never')),
    state text not null check (state in ('accepted', 'planning', 'planned', 'waiting', 'running', 'finished', 'failed')),
    plan_id text,
    run_id uuid,
    failure jsonb,
    asked_by text not null,
    created_at timestamptz not null,
    primary key (tenant_id, request_id),
    unique (tenant_id, idempotency_key),
    foreign key (tenant_id, pipeline_id) references pipeline)`,
  sql`create index request_plan on request (tenant_id, plan_id) where state = 'waiting'`,
  sql`create index request_run on request (tenant_id, run_id)`,
  ...enableRowSecurity('request'),
  sql`create table plan (
    tenant_id uuid not null,
    plan_id text not null,
    pipeline_id uuid not null,
    pipeline text not null,
    request_id text,
    status text not null check (status in ('proposed', 'approved', 'refused')),
    spec jsonb not null,
    plan jsonb,
    verdict jsonb not null,
    questions jsonb not null,
    source_fingerprint text not null,
    decided_by text,
    created_at timestamptz not null,
    proposed_at timestamptz not null,
    dag jsonb,
    primary key (tenant_id, plan_id),
    foreign key (tenant_id, pipeline_id) references pipeline)`,
  sql`create index plan_newest on plan (tenant_id, created_at desc, plan_id desc)`,
  sql`create index plan_of_pipeline on plan (tenant_id, pipeline_id, proposed_at desc)`,
  ...enableRowSecurity('plan'),
];

const ran = [
  sql`create table run (
    tenant_id uuid not null,
    run_id uuid not null,
    kind text not null check (kind in ('copy', 'planning', 'inspect')),
    plan_id text,
    request_id text,
    pipeline_id uuid,
    pipeline text not null,
    driver text not null check (driver in ('workers', 'airflow')),
    target_key text,
    approved_by text,
    state text not null check (state in ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')),
    deadline timestamptz not null,
    cancel_reason text,
    started_at timestamptz not null,
    finished_at timestamptz,
    receipt jsonb,
    failure jsonb,
    ignored integer not null default 0,
    primary key (tenant_id, run_id),
    foreign key (tenant_id, plan_id) references plan,
    check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)),
    check (receipt is null or state = 'succeeded'))`,
  // One live run per target: two orchestrators cannot disagree about a unique key.
  sql`create unique index run_live_target on run (tenant_id, target_key) where finished_at is null and target_key is not null`,
  sql`create index run_newest on run (tenant_id, started_at desc, run_id desc) where kind = 'copy'`,
  sql`create index run_of_pipeline on run (tenant_id, pipeline_id, started_at desc) where kind = 'copy'`,
  sql`create index run_of_plan on run (tenant_id, plan_id) where plan_id is not null`,
  ...enableRowSecurity('run'),
  sql`create table task_run (
    tenant_id uuid not null,
    task_run_id uuid not null,
    run_id uuid not null,
    ordinal integer not null,
    id text not null,
    kind text not null,
    spec jsonb not null,
    after jsonb not null,
    state text not null check (state in ('waiting', 'ready', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
    attempt integer not null,
    failures integer not null,
    losses integer not null,
    ready_at timestamptz,
    worker text,
    progress jsonb,
    result jsonb,
    failure jsonb,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, task_run_id),
    unique (tenant_id, run_id, ordinal),
    foreign key (tenant_id, run_id) references run on delete cascade)`,
  ...enableRowSecurity('task_run'),
  // Runs that time alone may change, for the ticker that looks across tenants: names and instants, nothing else.
  sql`create table run_wake (
    tenant_id uuid not null,
    run_id uuid not null,
    at timestamptz not null,
    primary key (tenant_id, run_id),
    foreign key (tenant_id, run_id) references run on delete cascade)`,
  sql`create index run_wake_due on run_wake (at)`,
  ...enableRowSecurity('run_wake'),
  ...letRelay('run_wake', ['select']),
];

const airflow = [
  sql`create table airflow_run (
    tenant_id uuid not null,
    plan_id text not null,
    dag_id text not null,
    airflow_run_id text not null,
    run_id uuid not null,
    tries jsonb not null,
    primary key (tenant_id, plan_id, dag_id, airflow_run_id),
    foreign key (tenant_id, run_id) references run)`,
  ...enableRowSecurity('airflow_run'),
];

/** What was asked for, planned and run, and the connections it is about. */
export class OrchestratorTables1764000200000 implements Migration {
  readonly name = 'OrchestratorTables1764000200000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [...known, ...asked, ...ran, ...airflow]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`drop table airflow_run`, sql`drop table run_wake`, sql`drop table task_run`, sql`drop table run`, sql`drop table plan`, sql`drop table request`, sql`drop table pipeline`,
      sql`drop table project_file`, sql`drop table connection`]);
  }
}
