import { type Migration, RELAY_ROLE, enableRowSecurity, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const artifact = [
  sql`create table dag_artifact (
    tenant_id uuid not null,
    plan_id text not null,
    pipeline_id uuid not null,
    approved jsonb not null,
    latest_at timestamptz not null,
    state text not null check (state in ('waiting', 'published', 'superseded', 'failed')),
    tries int not null default 0,
    next_at timestamptz not null default clock_timestamp(),
    dag_id text,
    target text,
    digest text,
    path text,
    body text,
    assets jsonb not null default '[]',
    failure jsonb,
    published_at timestamptz,
    primary key (tenant_id, plan_id))`,
  sql`create index dag_artifact_due on dag_artifact (next_at) where state = 'waiting'`,
  sql`create index dag_artifact_pipeline on dag_artifact (tenant_id, pipeline_id, latest_at)`,
  ...enableRowSecurity('dag_artifact'),
];
// A pipeline has one file. Whoever locks this row decides about it.
const pipeline = [
  sql`create table dag_pipeline (
    tenant_id uuid not null,
    pipeline_id uuid not null,
    path text,
    primary key (tenant_id, pipeline_id))`,
  ...enableRowSecurity('dag_pipeline'),
];

/** DAGs by plan, and the one file of each pipeline. */
export class DagTables1764000000100 implements Migration {
  readonly name = 'DagTables1764000000100';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [...artifact, ...pipeline]);
    // Which rows are due is seen across tenants, and nothing more: not the plans in them.
    await runner.query(`create policy relay on dag_artifact for select to ${RELAY_ROLE} using (true)`);
    await runner.query(`grant select (tenant_id, plan_id, state, latest_at, next_at) on dag_artifact to ${RELAY_ROLE}`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`drop table dag_artifact`, sql`drop table dag_pipeline`]);
  }
}
