import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** Runs that compare both ends of a pipeline. */
export class ReconcileRuns1764000400000 implements Migration {
  readonly name = 'ReconcileRuns1764000400000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`alter table run drop constraint run_kind_check`, sql`alter table run add constraint run_kind_check check (kind in ('copy', 'planning', 'inspect', 'reconcile'))`]);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`delete from run where kind = 'reconcile'`, sql`alter table run drop constraint run_kind_check`, sql`alter table run add constraint run_kind_check check (kind in ('copy', 'planning', 'inspect'))`]);
  }
}
