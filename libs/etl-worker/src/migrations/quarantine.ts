import { type Migration, enableRowSecurity, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** Rows that were set aside beside a file, which has no place for them. */
export class Quarantine1764000500000 implements Migration {
  readonly name = 'Quarantine1764000500000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [
      sql`create table file_quarantine (
        tenant_id uuid not null,
        id bigint generated always as identity,
        target text not null,
        pipeline text not null,
        run_id uuid not null,
        task text not null,
        chunk_key text not null,
        "row" bigint,
        "column" text,
        reason text not null,
        raw text not null,
        written_at timestamptz not null default clock_timestamp(),
        replayed_by uuid,
        primary key (tenant_id, id))`,
      sql`create index file_quarantine_of_run on file_quarantine (tenant_id, run_id, task)`,
      sql`create index file_quarantine_of_target on file_quarantine (tenant_id, target, pipeline, id)`,
      ...enableRowSecurity('file_quarantine'),
    ]);
  }

  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`drop table file_quarantine`]); }
}
