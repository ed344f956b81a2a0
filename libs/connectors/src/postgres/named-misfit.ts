import { type ColumnMapping, EtlError, type LoadTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, literal, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import type { Relation } from './relation-name.ts';
import { rowsOf } from './source-rows.ts';

const sql = sqlFor('postgres');
interface Search { open(): Promise<PostgresSession>; readonly relation: Relation; readonly task: LoadTask; readonly where: SqlFragment<'postgres'> }

/** A cast or a digest in the source's SELECT fails without saying where. This looks for the value, column by column, and names row, column and value.
 * Answers the failure as it was when it is of another kind, or when the server is too old to test a value (before PostgreSQL 16). */
export async function namedMisfit(failure: unknown, search: Search): Promise<unknown> {
  if (!(failure instanceof EtlError) || failure.code !== 'data.value-out-of-range' || failure.cell) return failure;
  const session = await search.open().catch(() => null); // the source went away as well: what is known is said
  if (!session) return failure;
  try {
    for (const column of search.task.columns) {
      const misfits = misfitsOf(column, search.task.engine);
      const named = misfits && await firstMisfit(session, search, { column, misfits });
      if (named) return new EtlError('data.value-out-of-range', { column: column.target, type: column.targetNative }, { cause: failure, cell: { ...named, column: column.target, target: column.targetNative } });
    }
  } catch {
    return failure; // pg_input_is_valid is missing there
  } finally {
    session.destroy();
  }
  return failure;
}
/** Which values a target does not hold, or null where it holds all. Engines of files count microseconds in 64 bits, which end before the years of Postgres do; types of other
 * engines are nothing that Postgres can try a value on. */
function misfitsOf({ sourceNative, targetNative, type: { kind } }: ColumnMapping, engine: LoadTask['engine']): SqlFragment<'postgres'> | null {
  if (engine === 'duckdb') return kind === 'ts' || kind === 'tstz' ? sql`isfinite(value) AND abs(extract(epoch FROM value)) > 9223372036854` : null;
  return engine === 'stream' || sourceNative === targetNative ? null : sql`NOT pg_input_is_valid(value::text, ${literal('postgres', targetNative)})`;
}
async function firstMisfit(session: PostgresSession, { relation, where, task }: Search, { column, misfits }: { column: ColumnMapping; misfits: SqlFragment<'postgres'> }): Promise<{ row: number; value: string } | null> {
  const [found] = await session.run<{ n: string; v: string }>(compile(sql`SELECT n, left(value::text, 200) AS v FROM (SELECT row_number() OVER () AS n, ${identifier(column.source)} AS value FROM ${rowsOf(task, { relation, where })}) AS rows
    WHERE value IS NOT NULL AND ${misfits} LIMIT 1`));
  return found ? { row: Number(found.n), value: found.v } : null;
}
