import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** Where the ends of a plan led when its approval was last said: another address is said again. */
export class PlanAddresses1764000300000 implements Migration {
  readonly name = 'PlanAddresses1764000300000';
  readonly release = 1;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table plan add column addresses jsonb`]); }
  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table plan drop column addresses`]); }
}
