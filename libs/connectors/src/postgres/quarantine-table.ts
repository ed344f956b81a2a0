import { type AsideReason, type QuarantineAsk, QuarantinePage, type Replaying } from '@agent-etl/contracts';
import { type SqlFragment, compile, sqlFor } from '@agent-etl/sql-safety';
import { columnOf } from '../judged/reason-rules.ts';
import { rangesOf } from '../judged/id-ranges-rules.ts';
import { alreadyReplayed, ofNoGreenRun, pageOf } from '../judged/quarantine-page-rules.ts';
import type { AsideRows, Writer } from '../port.ts';
import type { PostgresSession } from './postgres-session.ts';
import { PUBLISH_KEY } from './sink-ledger.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
const exists = async (session: PostgresSession): Promise<boolean> =>
  (await session.run<{ yes: boolean }>(compile(sql`SELECT to_regclass('_etl.quarantine') IS NOT NULL AS yes`)))[0]?.yes ?? false;

/** Rows that were set aside, with the rows that were not: the same database, the same transaction. */
export class QuarantineTable {
  constructor(private readonly target: string, private readonly writer: Writer) {}

  /** Makes the table once. @throws EtlError `connection.permission-denied` with the GRANT */
  async install(session: PostgresSession): Promise<void> {
    if (await exists(session)) return;
    await session.run(compile(sql`BEGIN`));
    try {
      await session.run(compile(sql`SELECT pg_advisory_xact_lock(hashtextextended('agent-etl install', 0))`));
      await session.run(compile(sql`CREATE TABLE IF NOT EXISTS _etl.quarantine (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, target text NOT NULL, pipeline text NOT NULL, run_id uuid NOT NULL, task text NOT NULL,
        chunk_key text NOT NULL, "row" bigint, "column" text, reason text NOT NULL, raw text NOT NULL, written_at timestamptz NOT NULL DEFAULT clock_timestamp(), replayed_by uuid)`), { right: 'LEDGER' });
      await session.run(compile(sql`CREATE INDEX IF NOT EXISTS quarantine_of_run ON _etl.quarantine (run_id, task)`));
      await session.run(compile(sql`CREATE INDEX IF NOT EXISTS quarantine_of_pipeline ON _etl.quarantine (target, pipeline, id)`));
      await session.run(compile(sql`COMMIT`));
    } catch (error) {
      session.destroy();
      throw error;
    }
  }
  /** Inside the transaction of a piece. @returns rows that went in */
  async add(session: PostgresSession, of: { readonly pipeline: string; readonly chunkKey: string }, aside: AsideRows): Promise<number> {
    const { runId, task } = this.writer;
    let added = 0;
    for await (const batch of aside.batches()) {
      const rows = JSON.stringify(batch.map(({ row, reason, raw }) => ({ n: row, c: columnOf(reason), r: reason, t: raw.replaceAll('\0', '\uFFFD') })));
      added += await session.count(compile(sql`INSERT INTO _etl.quarantine (target, pipeline, run_id, task, chunk_key, "row", "column", reason, raw)
        SELECT ${this.target}, ${of.pipeline}, ${runId}::uuid, ${task}, ${of.chunkKey}, n, c, r, t FROM json_to_recordset(${rows}::json) AS rows(n bigint, c text, r text, t text)`), { right: 'LEDGER' });
    }
    return added;
  }
  /** A run that starts over sets aside again. */
  async forget(session: PostgresSession): Promise<void> {
    await session.run(compile(sql`DELETE FROM _etl.quarantine WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task}`));
  }
  async reasons(session: PostgresSession): Promise<AsideReason[]> {
    const rows = await session.run<{ reason: string; rows: string; row: string | null }>(compile(sql`SELECT reason, count(*) AS rows, min("row") AS "row" FROM _etl.quarantine
      WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} GROUP BY reason ORDER BY 2 DESC, 1 LIMIT 100`));
    return rows.map(({ reason, rows: count, row }) => ({ reason, rows: Number(count), row: row === null ? null : Number(row) }));
  }
  /** Inside the transaction that makes them visible: says that rows have come back, each of them once.
   * @throws EtlError `request.conflict` when one of them has, or is not there, or its run has published nothing */
  async markReplayed(session: PostgresSession, { pipeline, rows }: Replaying): Promise<void> {
    const [lows, highs] = [rangesOf(rows).map(([low]) => low), rangesOf(rows).map(([, high]) => high)];
    const ranges = sql`json_array_elements_text(${JSON.stringify(lows)}::json) WITH ORDINALITY AS l(low, n) JOIN json_array_elements_text(${JSON.stringify(highs)}::json) WITH ORDINALITY AS h(high, n) USING (n)`;
    const asked = sql`q.target = ${this.target} AND q.pipeline = ${pipeline} AND q.replayed_by IS NULL AND q.id BETWEEN l.low::bigint AND h.high::bigint`;
    const place = { relation: this.target, phase: 'publishing', right: 'LEDGER' } as const;
    const [early] = await session.run<{ n: number }>(compile(sql`SELECT count(*)::int AS n FROM _etl.quarantine AS q JOIN ${ranges} ON true WHERE ${asked}
      AND NOT EXISTS (SELECT 1 FROM _etl.ledger AS g WHERE g.run_id = q.run_id AND g.task = q.task AND g.chunk_key = ${PUBLISH_KEY} AND g.published IS NOT NULL)`), place);
    if (early && early.n > 0) throw ofNoGreenRun(pipeline, early.n);
    const marked = await session.count(compile(sql`UPDATE _etl.quarantine AS q SET replayed_by = ${this.writer.runId} FROM ${ranges} WHERE ${asked}`), place);
    const wanted = rangesOf(rows).reduce((sum, [low, high]) => sum + high - low + 1, 0);
    if (marked !== wanted) throw alreadyReplayed(pipeline, wanted - marked);
  }
}
interface GroupRow { readonly pipeline: string; readonly runId: string; readonly reason: string; readonly rows: number; readonly replayed: number; readonly row: number | null; readonly at: string }
/** Reads what was set aside beside a target. */
export async function readQuarantine(session: PostgresSession, target: string, ask: QuarantineAsk): Promise<QuarantinePage> {
  const { pipeline, runId, want, after, limit, waiting } = ask;
  if (!await exists(session)) return { groups: [], rows: [], next: null };
  const of = sql`target = ${target} AND pipeline = ${pipeline}${runId === null ? sql`` : sql` AND run_id = ${runId}`}${waiting === 'only' ? sql` AND replayed_by IS NULL` : sql``}`;
  const instant = (value: Pg): Pg => sql`to_char(${value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  if (want === 'groups') {
    const groups = await session.run<GroupRow>(compile(sql`SELECT pipeline, run_id AS "runId", reason, count(*)::float8 AS rows, count(replayed_by)::float8 AS replayed, min("row")::float8 AS "row", ${instant(sql`min(written_at)`)} AS at
      FROM _etl.quarantine WHERE ${of} GROUP BY 1, 2, 3 ORDER BY max(id) DESC, 4 DESC, 3 LIMIT ${limit}`), { right: 'LEDGER' });
    return QuarantinePage.parse({ groups, rows: [], next: null });
  }
  const rows = await session.run(compile(sql`SELECT id::float8 AS id, pipeline, run_id AS "runId", task, chunk_key AS chunk, "row"::float8 AS "row", "column", reason, raw, ${instant(sql`written_at`)} AS at, replayed_by AS "replayedBy"
    FROM _etl.quarantine WHERE ${of} AND id > ${after} ORDER BY _etl.quarantine.id LIMIT ${limit}`), { right: 'LEDGER' });
  return pageOf(rows as { id: number; raw: string }[], limit);
}
