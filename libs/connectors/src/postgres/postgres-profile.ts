import { EtlError, type Profile } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { describeColumns, fingerprintOf, kindOf, noTable, notFound } from './describe-relation.ts';
import { type TableRight, grantFor } from './postgres-failure.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, relationOf } from './relation-name.ts';
import { SinkPosition } from './sink-position.ts';

const sql = sqlFor('postgres');
/** A table smaller than this is counted when nobody has analysed it. */
const COUNT_BYTES = 64 * 1024 * 1024;
interface Facts {
  kind: string; origin: string; rows: number; pages: number; bytes: string; may_read: boolean; may_write: boolean; takes_rows: boolean; lacks: TableRight[]; is_owner: boolean; version: string; wal: string; views: number; foreign_keys: number; policies: number; grants: number;
  keys: { columns: string[]; is_primary: boolean; is_unique: boolean; is_open: boolean; not_null: boolean }[] | null; stats: Record<string, { nullFraction: number; distinct: number | null }> | null;
}

/** What the catalogues and statistics say of a relation; no row is read but, for a table never analysed, a count of a small one. */
export async function profileRelation(session: PostgresSession, dataset: string, as: 'source' | 'target'): Promise<Profile> {
  const relation = relationOf(dataset);
  await session.run(compile(sql`SELECT set_config('lock_timeout', '10s', false)`));
  const columns = await describeColumns(session, relation);
  const kind = columns.length > 0 ? 'r' : await kindOf(session, relation);
  if (kind === null && as === 'target') return missing(session, relation, dataset);
  if (kind === null) throw await notFound(session, relation);
  if (!HOLDS_ROWS.has(kind)) throw noTable(relation, kind, as);
  if (columns.length === 0 && as === 'source') throw new EtlError('profile.unusable', { dataset: relation.text, what: 'column: it has none', hint: 'give it a column, or name another table' });
  const right = as === 'source' ? 'SELECT' : 'INSERT';
  const facts = await factsOf(session, relation, right);
  if (as === 'target' && !facts.takes_rows) throw noTable(relation, facts.kind, as);
  if (as === 'source' && !facts.may_read) await session.run(compile(sql`SELECT 1 FROM ${relation.name} LIMIT 0`), { relation: relation.text, right: 'SELECT' });
  if (as === 'target' && !(facts.may_read && facts.may_write)) throw session.failure(denied(), { relation: relation.text, right: 'INSERT' });
  if (as === 'target') await mustStage(session);
  const { rows, isExact } = await rowsOf(session, relation, { ...facts, right });
  const keys = facts.keys ?? [];
  const openKeys = keys.filter(({ is_open }) => is_open).map((key) => key.columns);
  return {
    connection: session.context.connection, dataset, connector: 'postgres', system: systemOf(facts.version), exists: true, columns,
    primaryKey: keys.find(({ is_primary }) => is_primary)?.columns ?? null,
    uniqueKeys: keys.filter(({ is_primary, is_unique, not_null }) => !is_primary && is_unique && not_null).map((key) => key.columns),
    ...(openKeys.length ? { openKeys } : {}), indexes: keys.map((key) => key.columns), rows, rowsExact: isExact, bytes: Number(facts.bytes),
    pages: facts.kind === 'r' || facts.kind === 'm' ? Number(facts.pages) : null, walLevel: facts.wal,
    dependents: { views: facts.views, foreignKeys: facts.foreign_keys, policies: facts.policies, grants: facts.grants },
    columnStats: facts.stats ?? {}, options: {}, ...await knownOf(session, relation, { as, origin: facts.origin }), fingerprint: fingerprintOf(columns),
    ...(as === 'target' ? lacksOf(session, relation, facts) : {}),
  };
}
/** Rights that are missing, each with the statement that gives it. Only an owner alters a table. */
function lacksOf(session: PostgresSession, { text }: Relation, { lacks, is_owner: isOwner }: Facts): Pick<Profile, 'lacks'> {
  const rights = [...lacks, ...(isOwner ? [] : ['ALTER'] as const)];
  return rights.length ? { lacks: Object.fromEntries(rights.map((right) => [right, grantFor({ ...session.context, relation: text, right })])) } : {};
}
/** Whatever leads to a source, and how far each pipeline has got with a target. */
async function knownOf(session: PostgresSession, relation: Relation, { as, origin }: { as: 'source' | 'target'; origin: string }): Promise<Pick<Profile, 'origin' | 'positions'>> {
  if (as === 'source') return { origin };
  const positions = await new SinkPosition(relation).list(session);
  return positions.length ? { positions } : {};
}
const HOLDS_ROWS = new Set(['r', 'p', 'v', 'm', 'f']);
const systemOf = (version: string): string => version.split(' ').slice(0, 2).join(' ');

/** What the server would say, before anything is tried. */
const denied = (): Error => Object.assign(new Error('permission denied'), { code: '42501' });

/** Whether something can be made in a schema; null when it is not there and may be made itself. @throws EtlError `connection.permission-denied` with the GRANT */
async function mayMakeIn(session: PostgresSession, schema: string): Promise<boolean | null> {
  const [rights] = await session.run<{ database: boolean; schema: boolean | null }>(compile(sql`SELECT has_database_privilege(current_database(), 'CREATE') AS database,
    (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = ${schema}) AS schema`));
  const { database = true, schema: inSchema = true } = rights ?? {};
  if (!database && inSchema === null) throw session.failure(denied(), { right: 'CREATE SCHEMA' });
  return inSchema;
}
/** Whether our staging can be made: what is missing is told before a row has moved. @throws EtlError `connection.permission-denied` with the GRANT */
async function mustStage(session: PostgresSession): Promise<void> {
  if (await mayMakeIn(session, '_etl') === false) throw session.failure(denied(), { right: 'LEDGER' });
}
/** Whether the target can be made as well. */
async function mustMake(session: PostgresSession, { schema, text }: Relation): Promise<void> {
  if (await mayMakeIn(session, schema) === false) throw session.failure(denied(), { relation: text, right: 'CREATE' });
  await mustStage(session);
}
async function missing(session: PostgresSession, relation: Relation, dataset: string): Promise<Profile> {
  await mustMake(session, relation);
  const [facts] = await session.run<{ version: string; wal: string }>(compile(sql`SELECT version() AS version, current_setting('wal_level') AS wal`));
  return {
    connection: session.context.connection, dataset, connector: 'postgres', system: systemOf(facts?.version ?? 'PostgreSQL'), exists: false, columns: [], primaryKey: null, uniqueKeys: [], indexes: [],
    rows: 0, rowsExact: true, bytes: 0, pages: null, walLevel: facts?.wal ?? null, dependents: { views: 0, foreignKeys: 0, policies: 0, grants: 0 }, columnStats: {}, options: {}, fingerprint: fingerprintOf([]),
  };
}

async function factsOf(session: PostgresSession, { schema, table, text }: Relation, right: TableRight): Promise<Facts> {
  const [asked] = await session.run<{ may: boolean }>(compile(sql`SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS may`));
  const system = asked?.may ? sql`(SELECT system_identifier FROM pg_control_system())` : sql`NULL`;
  const [facts] = await session.run<Facts>(compile(sql`
    SELECT c.relkind AS kind, concat_ws('/', ${system}, (SELECT oid FROM pg_database WHERE datname = current_database()), c.oid) AS origin, c.reltuples::float8 AS rows, version() AS version, current_setting('wal_level') AS wal, has_table_privilege(c.oid, 'SELECT') AS may_read, has_table_privilege(c.oid, 'INSERT') AS may_write,
      pg_relation_is_updatable(c.oid, true) & 8 <> 0 AS takes_rows, (SELECT coalesce(json_agg(name), '[]') FROM unnest(ARRAY['UPDATE', 'TRUNCATE', 'DELETE']) AS name WHERE NOT has_table_privilege(c.oid, name)) AS lacks, pg_has_role(c.relowner, 'USAGE') AS is_owner,
      CASE WHEN c.relkind IN ('r', 'm', 'p') THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END AS pages,
      (CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_table_size(i.inhrelid)), 0) FROM pg_inherits i WHERE i.inhparent = c.oid) WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE 0 END)::text AS bytes,
      (SELECT count(DISTINCT r.ev_class)::int FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.refobjid = c.oid AND d.classid = 'pg_rewrite'::regclass AND r.ev_class <> c.oid) AS views,
      (SELECT count(*)::int FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f') AS foreign_keys,
      (SELECT count(*)::int FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
      (SELECT count(*)::int FROM aclexplode(c.relacl) g WHERE g.grantee <> c.relowner) AS grants,
      (SELECT json_agg(json_build_object('columns', k.columns, 'is_primary', k.indisprimary, 'is_unique', k.indisunique, 'is_open', k.is_open, 'not_null', k.not_null)) FROM (
        SELECT i.indisprimary, i.indisunique AND i.indpred IS NULL AND i.indimmediate AS indisunique, i.indisunique AND i.indimmediate AND coalesce(pg_get_expr(i.indpred, i.indrelid) IN ('is_current', '(valid_to IS NULL)'), false) AS is_open, bool_and(a.attnotnull) AS not_null, array_agg(a.attname::text ORDER BY o.n) AS columns
        FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY o(attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.attnum
        WHERE i.indrelid = c.oid AND i.indisvalid AND i.indexprs IS NULL GROUP BY i.indexrelid, i.indrelid, i.indisprimary, i.indisunique, i.indpred, i.indimmediate) k) AS keys,
      (SELECT json_object_agg(s.attname, json_build_object('nullFraction', s.null_frac, 'distinct', CASE WHEN s.n_distinct >= 0 THEN s.n_distinct ELSE round((-s.n_distinct * greatest(c.reltuples, 0))::numeric) END))
        FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname) AS stats
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${table} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`), { relation: text, right });
  if (!facts) throw await notFound(session, { schema, table } as Relation);
  return facts;
}
/** Zero means empty, and is looked at: a plan asks other questions of a filled target. */
async function rowsOf(session: PostgresSession, { name, text }: Relation, { rows, bytes, may_read: mayRead, kind, right }: Facts & { right: TableRight }): Promise<{ rows: number; isExact: boolean }> {
  if (!mayRead) return { rows: Math.max(0, Math.round(rows)), isExact: false };
  if (kind === 'v' || kind === 'f') { // reading one row may cost as much as reading all: the planner's estimate is free
    const [plan] = await session.run<{ 'QUERY PLAN': { Plan: { 'Plan Rows': number } }[] }>(compile(sql`EXPLAIN (FORMAT JSON) SELECT * FROM ${name}`));
    return { rows: Math.round(plan?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 1), isExact: false };
  }
  if (rows <= 0 && Number(bytes) <= COUNT_BYTES) {
    const [row] = await session.run<{ n: string }>(compile(sql`SELECT count(*) AS n FROM ${name}`), { relation: text, right });
    return { rows: Number(row?.n ?? 0), isExact: true };
  }
  const [some] = await session.run(compile(sql`SELECT 1 FROM ${name} LIMIT 1`), { relation: text, right });
  if (!some) return { rows: 0, isExact: true };
  return { rows: Math.max(1, Math.round(rows > 0 ? rows : Number(bytes) / 100)), isExact: false };
}
