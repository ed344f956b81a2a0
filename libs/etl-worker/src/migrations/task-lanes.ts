import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** A task says what it would open: on which connections, how many each of them bears, how many it wants; a claim writes how many it got. Rows of an earlier release open none. */
export class TaskLanes1764000450000 implements Migration {
  readonly name = 'TaskLanes1764000450000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`alter table task add column pipeline text not null default '', add column connections text[] not null default '{}', add column most integer[] not null default '{}',
      add column wanted integer not null default 0, add column lanes integer not null default 0`]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql`alter table task drop column pipeline, drop column connections, drop column most, drop column wanted, drop column lanes`]);
  }
}
