import { type ColumnMapping, EtlError, type LoadTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, literal, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import type { Relation } from './relation-name.ts';

const sql = sqlFor('postgres');
interface Search { open(): Promise<PostgresSession>; readonly relation: Relation; readonly task: LoadTask; readonly where: SqlFragment<'postgres'> }

/** A cast in the source's SELECT fails without saying where. This looks for the value, column by column, and names row, column and value.
 * Answers the failure as it was when it is of another kind, or when the server is too old to test a value (before PostgreSQL 16). */
export async function namedMisfit(failure: unknown, search: Search): Promise<unknown> {
  if (!(failure instanceof EtlError) || failure.code !== 'data.value-out-of-range' || failure.cell) return failure;
  const session = await search.open().catch(() => null); // the source went away as well: what is known is said
  if (!session) return failure;
  try {
    for (const column of search.task.columns) {
      if (column.sourceNative === column.targetNative) continue;
      const named = await firstMisfit(session, search, column);
      if (named) return new EtlError('data.value-out-of-range', { column: column.target, type: column.targetNative }, { cause: failure, cell: { ...named, column: column.target, target: column.targetNative } });
    }
  } catch {
    return failure; // pg_input_is_valid is missing there
  } finally {
    session.destroy();
  }
  return failure;
}
async function firstMisfit(session: PostgresSession, { relation, where }: Search, { source, targetNative }: ColumnMapping): Promise<{ row: number; value: string } | null> {
  const [found] = await session.run<{ n: string; v: string }>(compile(sql`SELECT n, left(v, 200) AS v FROM (SELECT row_number() OVER () AS n, ${identifier(source)}::text AS v FROM ${relation.name}${where}) AS rows
    WHERE v IS NOT NULL AND NOT pg_input_is_valid(v, ${literal('postgres', targetNative)}) LIMIT 1`));
  return found ? { row: Number(found.n), value: found.v } : null;
}
