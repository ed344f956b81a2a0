import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** Attempts remember whether the target still holds what they staged, so that it is dropped when nobody follows them. */
export class KeptStaging1764000200000 implements Migration {
  readonly name = 'KeptStaging1764000200000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [
      sql`alter table task add column staging_kept boolean not null default false, add column drop_tries integer not null default 0, add column drop_at timestamptz`,
      sql`create index task_staging_kept on task (run_id) where staging_kept`,
    ]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`alter table task drop column staging_kept, drop column drop_tries, drop column drop_at`]);
  }
}
