import type { PublishTask } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';
import type { FailureContext } from './postgres-failure.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { Relation } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
export interface Publishing { readonly session: PostgresSession; readonly task: PublishTask; readonly staging: SqlIdentifier; readonly stagingTable: string; readonly relation: Relation; readonly rows: number }
export interface Visible { readonly published: number; readonly inserted: number | null; readonly updated: number | null; readonly extra?: number }

export const names = (columns: readonly string[]): Pg => joinSql(columns.map((column) => sql`${identifier(column)}`), sql`, `);
export const run = (publishing: Publishing, statement: Pg, right: FailureContext['right'] = 'INSERT') =>
  publishing.session.run<Record<string, unknown>>(compile(statement), { relation: publishing.relation.text, phase: 'publishing', right });
