import { runAll, sql } from '@agent-etl/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A cut remembers which span of a cursor it covers: attempts share it, it is never computed again. */
export class CutSpan1764000400000 implements MigrationInterface {
  readonly name = 'CutSpan1764000400000';

  async up(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table chunk add column span jsonb`]); }

  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table chunk drop column span`]); }
}
