import { EtlError, type PublishTask } from '@agent-etl/contracts';
import { compile, identifier, literal, sqlFor } from '@agent-etl/sql-safety';
import { evolveTarget } from './postgres-evolve.ts';
import { becomeHistory, makeHistory, writeVersions } from './postgres-history.ts';
import { merge } from './postgres-merge.ts';
import { replaceSlice } from './postgres-replace-slice.ts';
import { upsert } from './postgres-upsert.ts';
import { isPlain } from './plain-table.ts';
import { referencesTo } from './references-to.ts';
import { type Publishing, type Visible, names, run, tableExists } from './publishing.ts';
import { type Relation, quoted } from './relation-name.ts';

const sql = sqlFor('postgres');

/** Ways that take staging's place in the catalogue, where readers want statistics, or that join it with the target. What only reads it from end to end needs none: they cost more than the upsert of as many rows. */
const WANT_STATISTICS: ReadonlySet<PublishTask['how']> = new Set(['swap', 'merge']);

/** Before the publish transaction: what takes long and is seen by nobody yet. Repeating it does nothing. */
export async function finishStaging(publishing: Publishing): Promise<void> {
  const { session, task, staging, stagingTable } = publishing;
  const isNew = task.how === 'rename' || ((task.how === 'upsert' || task.how === 'merge' || task.how === 'scd2') && (await tableExists(publishing)) === false);
  if (task.how === 'scd2') { if (isNew) await makeHistory(publishing); await run(publishing, sql`ANALYZE ${staging}`); return; }
  const key = task.how === 'swap' ? await primaryKeyOf(publishing) : isNew && task.keyFromSource ? task.key ?? [] : [];
  if (key.length > 0) {
    const [keyed] = await session.run(compile(sql`SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '_etl' AND c.relname = ${stagingTable} AND i.indisprimary`));
    if (!keyed) await run(publishing, sql`ALTER TABLE ${staging} ADD PRIMARY KEY (${names(key)})`);
  }
  if (isNew || WANT_STATISTICS.has(task.how)) await run(publishing, sql`ANALYZE ${staging}`);
}

/** A table that takes the place of another gets its key, where all its columns are staged. */
async function primaryKeyOf({ session, relation, task }: Publishing): Promise<string[]> {
  const rows = await session.run<{ name: string }>(compile(sql`SELECT a.attname AS name FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY o(attnum, n)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = o.attnum WHERE i.indisprimary AND i.indrelid = to_regclass(${quoted(relation)}) ORDER BY o.n`));
  const key = rows.map(({ name }) => name);
  return key.every((name) => task.columns.some(({ target }) => target === name)) ? key : [];
}

/** Inside the publish transaction: makes staging visible in one of the plan's ways, and leaves no staging behind. */
export async function makeVisible(publishing: Publishing): Promise<Visible> {
  const { session, task, rows, relation } = publishing;
  await session.run(compile(sql`SET LOCAL lock_timeout = '10s'`));
  const exists = await tableExists(publishing);
  if (task.slice && !exists) throw new EtlError('request.conflict', { what: `the target ${relation.text}`, state: 'gone', action: 'a backfill', next: 'run the pipeline: it makes the target anew' });
  if (exists) await evolveTarget(publishing);
  switch (task.how) {
    case 'rename': if (exists) await insertIntoEmpty(publishing); else await rename(publishing); return seen(rows);
    case 'swap': if (exists) await swap(publishing); else await rename(publishing); return seen(rows);
    case 'truncate-insert': await replaceRows(publishing); return seen(rows);
    case 'append': await insert(publishing); return seen(rows);
    case 'upsert': if (exists) return upsert(publishing); await rename(publishing); return { published: rows, inserted: rows, updated: 0 };
    case 'replace-slice': return replaceSlice(publishing);
    case 'merge': if (exists) return merge(publishing); await rename(publishing); return { published: rows, inserted: rows, updated: 0, deleted: 0, unchanged: 0 };
    case 'scd2': if (exists) return writeVersions(publishing); await rename(publishing); return becomeHistory(publishing);
    case 'file': throw new EtlError('plan.refused', { rule: 'publish', explanation: 'a table is not published as a file' });
  }
}
const seen = (published: number): Visible => ({ published, inserted: null, updated: null });

async function rename(publishing: Publishing, keyName?: string): Promise<void> {
  const { relation: { schema, table }, staging, stagingTable } = publishing;
  const [there] = await publishing.session.run(compile(sql`SELECT 1 FROM pg_namespace WHERE nspname = ${schema}`));
  if (!there) await run(publishing, sql`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`, 'CREATE SCHEMA');
  await run(publishing, sql`ALTER TABLE ${staging} SET SCHEMA ${identifier(schema)}`, 'CREATE');
  await run(publishing, sql`ALTER TABLE ${identifier(schema, stagingTable)} RENAME TO ${identifier(table)}`);
  await renameKey(publishing, keyName ?? `${[...table].slice(0, 40).join('')}_pkey`);
}
async function keyNameOf({ session, relation }: Publishing): Promise<string | undefined> {
  return (await session.run<{ name: string }>(compile(sql`SELECT conname AS name FROM pg_constraint WHERE contype = 'p' AND conrelid = to_regclass(${quoted(relation)})`)))[0]?.name;
}
/** The primary key was made under the staging's name. It gets that of the table before, or the usual one; another relation may hold that: then it keeps its own. */
async function renameKey(publishing: Publishing, wanted: string): Promise<void> {
  const { relation: { schema }, stagingTable, session } = publishing;
  const [free] = await session.run<{ yes: boolean }>(compile(sql`SELECT to_regclass(${literal('postgres', quoted({ schema, table: wanted } as Relation))}) IS NULL
    AND to_regclass(${literal('postgres', quoted({ schema, table: `${stagingTable}_pkey` } as Relation))}) IS NOT NULL AS yes`));
  if (free?.yes) await run(publishing, sql`ALTER INDEX ${identifier(schema, `${stagingTable}_pkey`)} RENAME TO ${identifier(wanted)}`);
}
/** The table came into being after the plan. It may be filled only while it is empty. */
async function insertIntoEmpty(publishing: Publishing): Promise<void> {
  const { relation } = publishing;
  await run(publishing, sql`LOCK TABLE ${relation.name} IN SHARE ROW EXCLUSIVE MODE`, 'UPDATE');
  const [filled] = await run(publishing, sql`SELECT 1 FROM ${relation.name} LIMIT 1`);
  if (filled) throw new EtlError('plan.stale');
  await insert(publishing);
}
/** Two renames, where nothing but the primary key hangs on the old table: its successor is the staging, with the same key. Anything more would be lost. */
async function swap(publishing: Publishing): Promise<void> {
  const { relation } = publishing;
  await run(publishing, sql`LOCK TABLE ${relation.name} IN ACCESS EXCLUSIVE MODE`, 'TRUNCATE');
  if (!await isPlain(publishing)) return replaceRows(publishing);
  const name = await keyNameOf(publishing);
  await run(publishing, sql`DROP TABLE ${relation.name}`);
  return rename(publishing, name);
}
/** Empties the table and fills it in one transaction: views, keys, grants, policies, defaults and further columns stay. A table that others refer to cannot be
 * truncated; its rows are deleted, unless that would reach into the others.
 * @throws EtlError `sink.constraint-violated` naming the foreign key */
async function replaceRows(publishing: Publishing): Promise<void> {
  const { relation } = publishing;
  await run(publishing, sql`LOCK TABLE ${relation.name} IN ACCESS EXCLUSIVE MODE`, 'TRUNCATE');
  const references = await referencesTo(publishing);
  if (references === 0) await run(publishing, sql`TRUNCATE TABLE ${relation.name}`, 'TRUNCATE');
  else {
    await publishing.session.run(compile(sql`SET LOCAL row_security = off`)); // an error is better than rows that a policy hides from the DELETE
    await run(publishing, sql`DELETE FROM ${relation.name}`, 'DELETE');
  }
  return insert(publishing);
}
/** @throws EtlError `sink.reconcile-mismatch` when the target did not take every row, as a trigger or rule may have it */
async function insert(publishing: Publishing): Promise<void> {
  const { relation, staging, task, rows, session } = publishing;
  const columns = names(task.columns.map(({ target }) => target));
  const taken = await session.count(compile(sql`INSERT INTO ${relation.name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${staging}`), { relation: relation.text, phase: 'publishing', right: 'INSERT' });
  if (taken !== rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${rows} rows staged, ${taken} taken by ${relation.text}` });
  await run(publishing, sql`DROP TABLE ${staging}`);
}
