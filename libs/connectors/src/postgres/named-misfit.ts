import { type ColumnMapping, EtlError, type LoadTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, literal, readMisfit, sqlFor } from '@agent-etl/sql-safety';
import { STEP_MISFIT } from '../step-misfit.ts';
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
    const inStep = await misfitOfStep(session, failure, search);
    if (inStep) return inStep;
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
const SAID = /^invalid input syntax for type ([a-z ]+): "([\s\S]*)"$|^value "([\s\S]*)" is out of range for type ([a-z ]+)$|^date\/time field value out of range: "([\s\S]*)"$/;
/** A step could not cast a text: the server says the text, and the step says whose it is. The row is the first of the table, or of its part, that holds it there. */
async function misfitOfStep(session: PostgresSession, failure: EtlError, { relation, where, task: { transform } }: Search): Promise<EtlError | null> {
  const { message = '' } = failure.cause instanceof Error ? failure.cause : {};
  const [, syntax, bad, wide, range, day] = SAID.exec(message) ?? [];
  const text = bad ?? wide ?? day;
  if (!transform || text === undefined) return null;
  const { column: named, value } = readMisfit(text) ?? { column: null, value: text };
  const texts = transform.input.filter(({ name, type }) => type.kind === 'text' && (named === null || name === named));
  for (const { name } of texts) {
    const [found] = await session.run<{ n: string }>(compile(sql`SELECT n FROM (SELECT row_number() OVER () AS n, ${identifier(name)}::text AS value FROM ${relation.name}${where}) AS rows WHERE rtrim(value) = rtrim(${value}) LIMIT 1`));
    if (found) return misfitAt({ row: Number(found.n), column: name, value, target: syntax ?? range ?? 'date' }, failure);
  }
  return readMisfit(text) ? misfitAt({ row: null, column: named ?? 'unknown', value, target: syntax ?? 'its type' }, failure) : null;
}
const misfitAt = ({ row, column, value, target }: { row: number | null; column: string; value: string; target: string }, cause: EtlError): EtlError =>
  new EtlError('data.value-out-of-range', { column, type: target, next: STEP_MISFIT }, { cause, cell: { row, column, value: value.slice(0, 200), target } });

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
