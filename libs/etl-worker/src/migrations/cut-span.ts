import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** A cut remembers which span of a cursor it covers: attempts share it, it is never computed again. */
export class CutSpan1764000400000 implements Migration {
  readonly name = 'CutSpan1764000400000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table chunk add column span jsonb`]); }

  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table chunk drop column span`]); }
}
