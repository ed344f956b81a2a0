import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { Sql } from './sql.ts';

/** A hand-written migration. Its class name ends in a JavaScript timestamp (`Runs1764000000000`): that is its order and its identity.
 * Table names are unqualified, because the search path is the schema it runs for. */
export type MigrationClass = new () => MigrationInterface;

/** Runs statements one after the other, in the migration's own transaction. */
export async function runAll(runner: QueryRunner, statements: readonly Sql[]): Promise<void> {
  for (const { text, values } of statements) await runner.query(text, [...values]);
}
