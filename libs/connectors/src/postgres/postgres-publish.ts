import { EtlError, type PublishTask } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
const comma = sql`, `;
export interface Publishing { readonly session: PostgresSession; readonly task: PublishTask; readonly staging: SqlIdentifier; readonly stagingTable: string; readonly relation: Relation; readonly rows: number }
interface Visible { readonly published: number; readonly inserted: number | null; readonly updated: number | null }

const names = (columns: readonly string[]): Pg => joinSql(columns.map((column) => sql`${identifier(column)}`), comma);
const run = (publishing: Publishing, statement: Pg, right: 'INSERT' | 'CREATE' = 'INSERT') =>
  publishing.session.run<Record<string, unknown>>(compile(statement), { relation: publishing.relation.text, phase: 'publishing', right });

/** Before the publish transaction: what takes long and is seen by nobody yet. Repeating it does nothing. */
export async function finishStaging(publishing: Publishing): Promise<void> {
  const { session, task, staging, stagingTable } = publishing;
  const makesTable = task.how === 'rename' || task.how === 'swap';
  if (makesTable && task.keyFromSource && task.key?.length) {
    const [keyed] = await session.run(compile(sql`SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '_etl' AND c.relname = ${stagingTable} AND i.indisprimary`));
    if (!keyed) await run(publishing, sql`ALTER TABLE ${staging} ADD PRIMARY KEY (${names(task.key)})`);
  }
  await run(publishing, sql`ANALYZE ${staging}`);
}

/** Inside the publish transaction: makes staging visible in one of the plan's ways, and leaves no staging behind. */
export async function makeVisible(publishing: Publishing): Promise<Visible> {
  const { session, task, rows, relation } = publishing;
  await session.run(compile(sql`SET LOCAL lock_timeout = '10s'`));
  const exists = (await session.run<{ yes: boolean }>(compile(sql`SELECT to_regclass(${literal('postgres', quoted(relation))}) IS NOT NULL AS yes`)))[0]?.yes ?? false;
  switch (task.how) {
    case 'rename': if (exists) await insertIntoEmpty(publishing); else await rename(publishing); return seen(rows);
    case 'swap': if (exists) await swap(publishing); else await rename(publishing); return seen(rows);
    case 'truncate-insert': await run(publishing, sql`DELETE FROM ${relation.name}`); await insert(publishing); return seen(rows);
    case 'append': await insert(publishing); return seen(rows);
    case 'upsert': return upsert(publishing);
    case 'file': throw new EtlError('plan.refused', { rule: 'publish', explanation: 'a table is not published as a file' });
  }
}
const seen = (published: number): Visible => ({ published, inserted: null, updated: null });

async function rename(publishing: Publishing): Promise<void> {
  const { relation: { schema, table }, staging, stagingTable } = publishing;
  const [there] = await publishing.session.run(compile(sql`SELECT 1 FROM pg_namespace WHERE nspname = ${schema}`));
  if (!there) await run(publishing, sql`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`, 'CREATE');
  await run(publishing, sql`ALTER TABLE ${staging} SET SCHEMA ${identifier(schema)}`, 'CREATE');
  await run(publishing, sql`ALTER TABLE ${identifier(schema, stagingTable)} RENAME TO ${identifier(table)}`);
  await renameKey(publishing);
}
/** The primary key was made under the staging's name. Another relation may hold the usual name: then it keeps its own. */
async function renameKey(publishing: Publishing): Promise<void> {
  const { relation: { schema, table }, stagingTable, session } = publishing;
  const wanted = `${[...table].slice(0, 40).join('')}_pkey`;
  const [free] = await session.run<{ yes: boolean }>(compile(sql`SELECT to_regclass(${literal('postgres', quoted({ schema, table: wanted } as Relation))}) IS NULL
    AND to_regclass(${literal('postgres', quoted({ schema, table: `${stagingTable}_pkey` } as Relation))}) IS NOT NULL AS yes`));
  if (free?.yes) await run(publishing, sql`ALTER INDEX ${identifier(schema, `${stagingTable}_pkey`)} RENAME TO ${identifier(wanted)}`);
}
/** The table came into being after the plan. It may be filled only while it is empty. */
async function insertIntoEmpty(publishing: Publishing): Promise<void> {
  const { relation } = publishing;
  await run(publishing, sql`LOCK TABLE ${relation.name} IN SHARE ROW EXCLUSIVE MODE`);
  const [filled] = await run(publishing, sql`SELECT 1 FROM ${relation.name} LIMIT 1`);
  if (filled) throw new EtlError('plan.stale');
  await insert(publishing);
}
async function swap(publishing: Publishing): Promise<void> {
  const { relation } = publishing;
  await run(publishing, sql`LOCK TABLE ${relation.name} IN ACCESS EXCLUSIVE MODE`);
  const [more] = await publishing.session.run(compile(sql`SELECT 1 FROM pg_class c WHERE c.oid = to_regclass(${literal('postgres', quoted(relation))}) AND (c.relhastriggers OR c.relrowsecurity OR c.relacl IS NOT NULL
    OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND NOT i.indisprimary) OR EXISTS (SELECT 1 FROM pg_constraint k WHERE (k.conrelid = c.oid OR k.confrelid = c.oid) AND k.contype IN ('f', 'c', 'u', 'x'))
    OR EXISTS (SELECT 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.refobjid = c.oid AND r.ev_class <> c.oid)
    OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.atthasdef OR a.attidentity <> '')))`));
  if (more) { // a new table would lose what hangs on the old one
    await run(publishing, sql`DELETE FROM ${relation.name}`);
    return insert(publishing);
  }
  await run(publishing, sql`DROP TABLE ${relation.name}`);
  return rename(publishing);
}
async function insert(publishing: Publishing): Promise<void> {
  const { relation, staging, task } = publishing;
  const columns = names(task.columns.map(({ target }) => target));
  await run(publishing, sql`INSERT INTO ${relation.name} (${columns}) SELECT ${columns} FROM ${staging}`);
  await run(publishing, sql`DROP TABLE ${staging}`);
}
/** Rows that are equal already are left alone, so that a repeat writes nothing. */
async function upsert(publishing: Publishing): Promise<Visible> {
  const { relation, staging, task } = publishing;
  const key = task.key ?? [];
  if (key.length === 0) throw new EtlError('profile.unusable', { dataset: relation.text, what: 'key for an upsert' });
  const all = task.columns.map(({ target }) => target);
  const rest = all.filter((column) => !key.includes(column));
  const old = (column: string): Pg => sql`old.${identifier(column)}`;
  const fresh = (column: string): Pg => sql`excluded.${identifier(column)}`;
  const change = rest.length === 0 ? sql`DO NOTHING` : sql`DO UPDATE SET ${joinSql(rest.map((column) => sql`${identifier(column)} = ${fresh(column)}`), comma)}
    WHERE (${joinSql(rest.map(old), comma)}) IS DISTINCT FROM (${joinSql(rest.map(fresh), comma)})`;
  const [counts] = await run(publishing, sql`WITH changed AS (
      INSERT INTO ${relation.name} AS old (${names(all)}) SELECT DISTINCT ON (${names(key)}) ${names(all)} FROM ${staging} ORDER BY ${names(key)}
      ON CONFLICT (${names(key)}) ${change} RETURNING (xmax = 0) AS is_new)
    SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM changed`);
  await run(publishing, sql`DROP TABLE ${staging}`);
  const [inserted, updated] = [Number(counts?.['inserted'] ?? 0), Number(counts?.['updated'] ?? 0)];
  return { published: inserted + updated, inserted, updated };
}
