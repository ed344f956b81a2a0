import { createHash } from 'node:crypto';
import { type Column, EtlError, canonicalJson, nearestNames } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { typeOfPostgres } from './postgres-types-rules.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, relationText } from './relation-name.ts';

const sql = sqlFor('postgres');
interface ColumnRow { name: string; native: string; base: string; nullable: boolean; filled: Column['filled'] | null; labels: string[] | null }

/** Longer enumerations are types that nothing is known of. */
const MOST_LABELS = 1000;
/** Columns in their order; empty when there is no such relation. A domain travels as the type below it. */
export async function describeColumns(session: PostgresSession, { schema, table }: Relation): Promise<Column[]> {
  const rows = await session.run<ColumnRow>(compile(sql`
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS native, NOT a.attnotnull AS nullable,
      CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END AS base,
      CASE WHEN a.attgenerated <> '' THEN 'always' WHEN a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL THEN 'default' END AS filled,
      (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END) AS labels
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
    WHERE n.nspname = ${schema} AND c.relname = ${table} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`));
  return rows.map(({ name, native, base, nullable, filled, labels }) => ({ name, native, nullable, type: labels && labels.length <= MOST_LABELS ? { ...typeOfPostgres(base), labels } : typeOfPostgres(base), ...(filled ? { filled } : {}) }));
}
/** Digest of names, types and nullability in their order. */
export const fingerprintOf = (columns: readonly Column[]): string =>
  createHash('sha256').update(canonicalJson(columns.map(({ name, native, nullable }) => [name, native, nullable]))).digest('hex');

/** What to say of a relation that is not there: the nearest names of those that are. */
export async function notFound(session: PostgresSession, relation: Relation): Promise<EtlError> {
  const rows = await session.run<{ schema: string; name: string }>(compile(sql`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_etl') AND n.nspname NOT LIKE 'pg_toast%' LIMIT 5000`));
  // A schema that is spelled right says nothing about the table: `public` alone makes any two names alike.
  const beside = rows.filter(({ schema }) => schema === relation.schema).map(({ name }) => name);
  const elsewhere = rows.filter(({ name }) => name === relation.table).slice(0, 3).map(({ schema, name }) => relationText(schema, name));
  const near = beside.length ? nearestNames(relation.table, beside).map((name) => relationText(relation.schema, name)) : nearestNames(relation.text, rows.map(({ schema, name }) => relationText(schema, name)));
  const meant = near.length ? near : elsewhere;
  const { connection } = session.context;
  return new EtlError('source.not-found', { connection, what: 'table', name: relation.text, nearest: meant.length ? `did you mean ${meant.join(' or ')}?` : `agent-etl datasets ${connection}` });
}

const NOUNS: Readonly<Record<string, string>> = { r: 'a table', p: 'a table', v: 'a view', m: 'a materialized view', f: 'a foreign table', S: 'a sequence', i: 'an index', I: 'an index', c: 'a type', t: 'a storage table' };
/** Kind of a relation as the catalogue spells it, or null when there is none of this name. */
export async function kindOf(session: PostgresSession, { schema, table }: Relation): Promise<string | null> {
  const [row] = await session.run<{ kind: string }>(compile(sql`SELECT c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${table}`));
  return row?.kind ?? null;
}
/** What to say of something that bears the name and cannot do the work. */
export const noTable = ({ text }: Relation, kind: string, as: 'source' | 'target'): EtlError =>
  new EtlError('request.invalid', { pointer: text, problem: `is ${NOUNS[kind] ?? 'no table'}: nothing can be ${as === 'source' ? 'read from' : 'written into'} it`, next: as === 'source' ? 'name a table or a view' : 'name a table, or a new name' });

