import { type Migration, runAll, sql } from '@agent-etl/persistence';
import type { QueryRunner } from 'typeorm';

/** A cut remembers which keys its rows are masked under: an attempt that would go on under another is refused. */
export class CutMaskKeys1764000600000 implements Migration {
  readonly name = 'CutMaskKeys1764000600000';
  readonly release = 1;
  readonly phase = 'expand';

  async up(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table chunk add column mask_keys jsonb`]); }

  async down(runner: QueryRunner): Promise<void> { await runAll(runner, [sql`alter table chunk drop column mask_keys`]); }
}
