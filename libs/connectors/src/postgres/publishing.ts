import type { PublishTask } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, identifier, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import type { Published, Staged } from '../port.ts';
import type { FailureContext } from './postgres-failure.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
export interface Publishing extends Staged { readonly session: PostgresSession; readonly task: PublishTask; readonly staging: SqlIdentifier; readonly stagingTable: string; readonly relation: Relation }
export type Visible = Published;

export const names = (columns: readonly string[]): Pg => joinSql(columns.map((column) => sql`${identifier(column)}`), sql`, `);
export const run = (publishing: Publishing, statement: Pg, right: FailureContext['right'] = 'INSERT') =>
  publishing.session.run<Record<string, unknown>>(compile(statement), { relation: publishing.relation.text, phase: 'publishing', right });

/** Rows byte for byte: an equality may call different values equal, such as 1.0 and 1.00, and some types have none. */
export const image = (of: Pg, columns: readonly string[]): Pg => sql`ROW(${joinSql(columns.map((column) => sql`${of}.${identifier(column)}`), sql`, `)})::record`;
/** Rows of `t` and `s` that have one key. */
export const sameKey = (key: readonly string[]): Pg => joinSql(key.map((column) => sql`t.${identifier(column)} = s.${identifier(column)}`), sql` AND `);

export async function tableExists({ session, relation }: Pick<Publishing, 'session' | 'relation'>): Promise<boolean> {
  return (await session.run<{ yes: boolean }>(compile(sql`SELECT to_regclass(${literal('postgres', quoted(relation))}) IS NOT NULL AS yes`)))[0]?.yes ?? false;
}
