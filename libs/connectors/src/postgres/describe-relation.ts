import { createHash } from 'node:crypto';
import { type Column, EtlError, canonicalJson } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { nearestNames } from '../file/nearest-names-rules.ts';
import { typeOfPostgres } from './postgres-types-rules.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, relationText } from './relation-name.ts';

const sql = sqlFor('postgres');
interface ColumnRow { name: string; native: string; base: string; nullable: boolean }

/** Columns in their order; empty when there is no such relation. A domain travels as the type below it. */
export async function describeColumns(session: PostgresSession, { schema, table }: Relation): Promise<Column[]> {
  const rows = await session.run<ColumnRow>(compile(sql`
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS native, NOT a.attnotnull AS nullable,
      CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END AS base
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
    WHERE n.nspname = ${schema} AND c.relname = ${table} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`));
  return rows.map(({ name, native, base, nullable }) => ({ name, native, nullable, type: typeOfPostgres(base) }));
}
/** Digest of names, types and nullability in their order. */
export const fingerprintOf = (columns: readonly Column[]): string =>
  createHash('sha256').update(canonicalJson(columns.map(({ name, native, nullable }) => [name, native, nullable]))).digest('hex');

/** What to say of a relation that is not there: the nearest names of those that are. */
export async function notFound(session: PostgresSession, relation: Relation): Promise<EtlError> {
  const rows = await session.run<{ schema: string; name: string }>(compile(sql`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_etl') AND n.nspname NOT LIKE 'pg_toast%' LIMIT 5000`));
  const near = nearestNames(relation.text, rows.map(({ schema, name }) => relationText(schema, name)));
  return new EtlError('source.not-found', { connection: session.context.connection, what: 'table', name: relation.text, nearest: near.length ? `did you mean ${near.join(' or ')}?` : `agent-etl datasets ${session.context.connection}` });
}
