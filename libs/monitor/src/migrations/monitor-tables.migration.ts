import { type Migration, enableRowSecurity } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const TENANT_TABLES = ['run_view', 'feed_position', 'feed_event', 'throughput', 'dead_letter_view'];

/** Views, feed and counters of the monitor. `counter` and `freshness` have no tenant: they are what /metrics shows to operators. */
export class MonitorTables1764000000000 implements Migration {
  readonly name = 'MonitorTables1764000000000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table run_view (
      tenant_id uuid not null, run_id uuid not null, kind text, pipeline text not null, started_at timestamptz not null,
      view jsonb not null, task_ids jsonb not null, primary key (tenant_id, run_id))`);
    await runner.query(`create index run_view_newest on run_view (tenant_id, started_at desc, run_id desc) where kind = 'copy'`);
    await runner.query('create table feed_position (tenant_id uuid primary key, seq bigint not null)');
    await runner.query(`create table feed_event (
      tenant_id uuid not null, seq bigint not null, topics text[] not null, event jsonb not null, at timestamptz not null, primary key (tenant_id, seq))`);
    await runner.query(`create table throughput (
      tenant_id uuid not null, slot timestamptz not null, rows bigint not null, primary key (tenant_id, slot))`);
    await runner.query(`create table task_rows (run_id uuid not null, task_run_id uuid not null, rows bigint not null, primary key (run_id, task_run_id))`);
    await runner.query(`create table counter (name text not null, labels text not null, value double precision not null, primary key (name, labels))`);
    await runner.query(`create table freshness (pipeline text primary key, green_at timestamptz not null)`);
    await runner.query(`create table dead_letter_view (
      tenant_id uuid not null, id uuid not null, app text not null, topic text not null, partition int not null, "offset" text not null, key text not null, type text,
      failure jsonb not null, tries int not null, at timestamptz not null, value bytea not null, headers jsonb not null, primary key (tenant_id, id))`);
    for (const table of TENANT_TABLES) for (const { text } of enableRowSecurity(table)) await runner.query(text);
  }
  async down(runner: QueryRunner): Promise<void> {
    for (const table of [...TENANT_TABLES, 'task_rows', 'counter', 'freshness']) await runner.query(`drop table ${table}`);
  }
}
