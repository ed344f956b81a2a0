import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** Runs that read what was set aside. */
export class QuarantineRuns1764000900000 implements Migration {
  readonly name = 'QuarantineRuns1764000900000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`alter table run drop constraint run_kind_check`, sql`alter table run add constraint run_kind_check check (kind in ('copy', 'planning', 'inspect', 'reconcile', 'sketch', 'quarantine'))`]);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`delete from run where kind = 'quarantine'`, sql`alter table run drop constraint run_kind_check`, sql`alter table run add constraint run_kind_check check (kind in ('copy', 'planning', 'inspect', 'reconcile', 'sketch'))`]);
  }
}
