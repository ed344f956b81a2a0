import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { Sql } from './sql.ts';

/** What every migration says of itself.
 * @property release the release that brings it
 * @property phase `expand` only adds, so that the release before runs on: `contract` takes away what no release after `lastNeededIn` reads or writes
 * @property lastNeededIn of a contraction: the last release whose code uses what it takes away; always an earlier one
 * @property widens constraints that an expansion drops and makes again so that they allow all they allowed before */
export interface Migration extends MigrationInterface {
  readonly name: string; readonly release: number; readonly phase: 'expand' | 'contract'; readonly lastNeededIn?: number; readonly widens?: readonly string[];
}

/** A hand-written migration. Its class name ends in a JavaScript timestamp (`Runs1764000000000`): that is its order and its identity.
 * Table names are unqualified, because the search path is the schema it runs for. */
export type MigrationClass = new () => Migration;

/** Runs statements one after the other, in the migration's own transaction. */
export async function runAll(runner: QueryRunner, statements: readonly Sql[]): Promise<void> {
  for (const { text, values } of statements) await runner.query(text, [...values]);
}
