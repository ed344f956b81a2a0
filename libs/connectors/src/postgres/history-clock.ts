import { EtlError } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { type Publishing, run } from './publishing.ts';
import { quoted } from './relation-name.ts';

const sql = sqlFor('postgres');

/** When the run began, which all its tasks and attempts agree on. */
export function beganOf({ began }: Publishing): string {
  if (began === undefined) throw new EtlError('request.invalid', { pointer: '/began', problem: 'versions of a history need the time at which their run began' });
  return began;
}
/** The instant at which versions of this run begin: when the run began, but always after what the history says already, whatever clocks do. So the rows that were
 * current at the instant of a run are what that run has left. */
export async function nextInstant(publishing: Publishing): Promise<string> {
  const { session, relation } = publishing;
  const known = await lastKnown(publishing);
  const last = known === undefined ? sql`(SELECT greatest(max(valid_from), max(valid_to)) FROM ${relation.name})` : sql`${known}::timestamptz`;
  const [row] = await session.run<{ instant: string }>(compile(sql`SELECT ${iso(sql`greatest(${beganOf(publishing)}::timestamptz, ${last} + interval '1 microsecond')`)} AS instant`), { relation: relation.text, right: 'SELECT' });
  return row!.instant;
}
const iso = (time: ReturnType<typeof sql>) => sql`to_char(${time}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

async function lastKnown({ session, relation }: Publishing): Promise<string | undefined> {
  const [there] = await session.run<{ yes: boolean | null }>(compile(sql`SELECT to_regclass('_etl.history') IS NOT NULL AS yes`));
  if (!there?.yes) return undefined;
  const [row] = await session.run<{ as_of: string }>(compile(sql`SELECT as_of::text FROM _etl.history WHERE target = ${relation.text} AND relation = to_regclass(${quoted(relation)})`));
  return row?.as_of;
}
/** Keeps the instant beside the rows, in their transaction: the next run need not look for it. */
export async function remember(publishing: Publishing, instant: string): Promise<void> {
  const { relation } = publishing;
  await run(publishing, sql`SELECT pg_advisory_xact_lock(hashtextextended('agent-etl history', 0)) WHERE to_regclass('_etl.history') IS NULL`, 'LEDGER');
  await run(publishing, sql`CREATE TABLE IF NOT EXISTS _etl.history (target text PRIMARY KEY, relation oid NOT NULL, as_of timestamptz NOT NULL)`, 'LEDGER');
  await run(publishing, sql`INSERT INTO _etl.history AS h (target, relation, as_of) SELECT ${relation.text}, to_regclass(${quoted(relation)}), ${instant}::timestamptz
    ON CONFLICT (target) DO UPDATE SET relation = excluded.relation, as_of = excluded.as_of`, 'LEDGER');
}
