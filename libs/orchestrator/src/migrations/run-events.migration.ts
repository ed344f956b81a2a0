import { type Migration, enableRowSecurity, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

const tables = [
  // Messages of a run in the order in which they were written and taken, under the lock of its row.
  sql`create table run_event (
    tenant_id uuid not null,
    run_id uuid not null,
    seq bigint generated always as identity,
    at timestamptz not null,
    type text not null,
    task text,
    attempt integer,
    worker text,
    state text,
    code text,
    text text,
    primary key (tenant_id, run_id, seq),
    foreign key (tenant_id, run_id) references run on delete cascade)`,
  ...enableRowSecurity('run_event'),
];

/** What was said about each run. */
export class RunEvents1764000800000 implements Migration {
  readonly name = 'RunEvents1764000800000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> { await runAll(runner, tables); }
  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`drop table run_event`]); }
}
