import { compile, identifier, literal, sqlFor } from '@agent-etl/sql-safety';
import { beganOf, nextInstant, remember } from './history-clock.ts';
import { mustEqual, touch } from './postgres-merge.ts';
import { type Publishing, type Visible, names, run, sameKey } from './publishing.ts';
import { type Difference, findDifference, lockForMerge, mustNotVanish, namedBy } from './table-difference.ts';

const sql = sqlFor('postgres');
/** Versions that stand now. */
export const CURRENT = sql`is_current`;

/** Staging of the first run gets the columns and keys of a history: its rows are the versions that begin with this run. Repeating it does nothing. */
export async function makeHistory(publishing: Publishing): Promise<void> {
  const { session, staging, stagingTable, task } = publishing;
  const key = names(task.key ?? []);
  const [made] = await session.run(compile(sql`SELECT 1 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '_etl' AND c.relname = ${stagingTable} AND a.attname = 'is_current'`));
  if (!made) {
    await run(publishing, sql`ALTER TABLE ${staging} ADD COLUMN valid_from timestamptz NOT NULL DEFAULT ${literal('postgres', beganOf(publishing))}::timestamptz, ADD COLUMN valid_to timestamptz,
      ADD COLUMN is_current boolean NOT NULL DEFAULT true, ADD PRIMARY KEY (${key}, valid_from)`);
  }
  await run(publishing, sql`ALTER TABLE ${staging} ALTER COLUMN valid_from DROP DEFAULT, ALTER COLUMN is_current DROP DEFAULT`);
  await run(publishing, sql`CREATE UNIQUE INDEX IF NOT EXISTS ${identifier(openIndex(stagingTable))} ON ${staging} (${key}) WHERE ${CURRENT}`);
}
const openIndex = (stagingTable: string): string => `${stagingTable}_open`;

/** Staging has just become the table. */
export async function becomeHistory(publishing: Publishing): Promise<Visible> {
  const { relation: { schema, table }, stagingTable, rows } = publishing;
  const asOf = new Date(beganOf(publishing)).toISOString();
  const wanted = `${[...table].slice(0, 40).join('')}_open`;
  const [taken] = await run(publishing, sql`SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${wanted}`);
  if (!taken) await run(publishing, sql`ALTER INDEX ${identifier(schema, openIndex(stagingTable))} RENAME TO ${identifier(wanted)}`);
  await remember(publishing, asOf);
  return { published: rows, inserted: rows, updated: 0, deleted: 0, unchanged: 0, asOf };
}

/** Ends the versions of rows that changed, and begins new ones at the same instant; rows that are equal are not touched. What vanished stays open unless the task says
 * that it ends. Then the versions that stand now are compared with what was read, before anybody else sees them.
 * @throws EtlError `sink.too-many-deletes`, `sink.reconcile-mismatch` when a trigger made other rows of it */
export async function writeVersions(publishing: Publishing): Promise<Visible> {
  const { staging, task, relation } = publishing;
  await lockForMerge(publishing);
  const found = await findDifference(publishing, { rows: CURRENT, vanished: task.vanished ? 'told' : 'left out' });
  mustNotVanish(publishing, found);
  publishing.onStep?.('compared');
  const instant = await nextInstant(publishing);
  if (found.changed + found.gone > 0) await close(publishing, { found, instant });
  if (found.changed + found.made > 0) await open(publishing, { found, instant });
  await remember(publishing, instant); // also when nothing changed: what a later run changes begins after the instant that this one answers
  const read = task.vanished ? sql`` : sql` AND EXISTS (SELECT FROM ${staging} AS s WHERE ${sameKey(task.key ?? [])})`;
  await mustEqual(publishing, sql`${relation.name} AS t WHERE t.is_current${read}`);
  await run(publishing, sql`DROP TABLE ${found.table}, ${staging}`);
  const { made: inserted, changed: updated, gone: deleted, unchanged } = found;
  return { published: inserted + updated, inserted, updated, deleted, unchanged, asOf: instant };
}
interface Step { readonly found: Difference; readonly instant: string }

function close(publishing: Publishing, { found, instant }: Step): Promise<void> {
  const statement = sql`UPDATE ${publishing.relation.name} AS t SET valid_to = ${instant}::timestamptz, is_current = false FROM ${found.table} AS d WHERE ${namedBy}`;
  return touch(publishing, { statement, what: 'close', wanted: found.changed + found.gone, right: 'UPDATE' });
}
function open(publishing: Publishing, { found, instant }: Step): Promise<void> {
  const { relation, staging, task } = publishing;
  const columns = names(task.columns.map(({ target }) => target));
  const statement = sql`INSERT INTO ${relation.name} (${columns}, valid_from, valid_to, is_current) OVERRIDING SYSTEM VALUE SELECT ${columns}, ${instant}::timestamptz, NULL, true
    FROM ${staging} AS s WHERE EXISTS (SELECT FROM ${found.table} AS d WHERE d.staged = s.ctid)`;
  return touch(publishing, { statement, what: 'open', wanted: found.changed + found.made, right: 'INSERT' });
}
