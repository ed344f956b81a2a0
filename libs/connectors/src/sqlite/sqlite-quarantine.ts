import { type AsideReason, type QuarantineAsk, QuarantinePage, type Replaying } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { rangesOf } from '../judged/id-ranges-rules.ts';
import { alreadyReplayed, ofNoGreenRun, pageOf } from '../judged/quarantine-page-rules.ts';
import { columnOf } from '../judged/reason-rules.ts';
import type { AsideRow, Writer } from '../port.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { PUBLISH_KEY } from './sqlite-ledger.ts';

const sql = sqlFor('sqlite');
const exists = (database: SqliteDatabase): boolean => database.run(compile(sql`SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = '_etl_quarantine'`)).length > 0;

/** Rows that were set aside, in the file of the rows that were not. Every call belongs into a transaction of the caller, or reads. */
export class SqliteQuarantine {
  constructor(private readonly target: string, private readonly writer: Writer) {}

  install(database: SqliteDatabase): void {
    database.run(compile(sql`CREATE TABLE IF NOT EXISTS main._etl_quarantine (id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, pipeline TEXT NOT NULL, run_id TEXT NOT NULL, task TEXT NOT NULL, chunk_key TEXT NOT NULL,
      "row" INTEGER, "column" TEXT, reason TEXT NOT NULL, raw TEXT NOT NULL, written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), replayed_by TEXT)`));
  }
  /** Keeps rows in the file of the piece, so that the target is not locked while they are read. */
  gather(database: SqliteDatabase, rows: readonly AsideRow[]): void {
    database.run(compile(sql`CREATE TABLE IF NOT EXISTS piece.aside ("row" INTEGER, "column" TEXT, reason TEXT NOT NULL, raw TEXT NOT NULL)`));
    const insert = database.inserter(compile(sql`INSERT INTO piece.aside VALUES (${null}, ${null}, ${null}, ${null})`));
    for (const { row, reason, raw } of rows) insert([row, columnOf(reason), reason, raw.replaceAll('\0', '\uFFFD')]);
  }
  take(database: SqliteDatabase, of: { readonly pipeline: string; readonly chunkKey: string }): void {
    database.run(compile(sql`INSERT INTO main._etl_quarantine (target, pipeline, run_id, task, chunk_key, "row", "column", reason, raw)
      SELECT ${this.target}, ${of.pipeline}, ${this.writer.runId}, ${this.writer.task}, ${of.chunkKey}, "row", "column", reason, raw FROM piece.aside ORDER BY rowid`));
  }
  forget(database: SqliteDatabase): void {
    database.run(compile(sql`DELETE FROM main._etl_quarantine WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task}`));
  }
  reasons(database: SqliteDatabase): AsideReason[] {
    return database.run<{ reason: string; rows: number; row: number | null }>(compile(sql`SELECT reason, count(*) AS rows, min("row") AS "row" FROM main._etl_quarantine
      WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} GROUP BY reason ORDER BY 2 DESC, 1 LIMIT 100`)).map((found) => ({ ...found }));
  }
  /** Says that rows have come back, each of them once. @throws EtlError `request.conflict`, also for one whose run has published nothing */
  markReplayed(database: SqliteDatabase, { pipeline, rows }: Replaying): void {
    let [marked, wanted] = [0, 0];
    for (const [low, high] of rangesOf(rows)) {
      wanted += high - low + 1;
      const early = exists(database) ? database.run(compile(sql`SELECT 1 FROM main._etl_quarantine AS q WHERE target = ${this.target} AND pipeline = ${pipeline} AND replayed_by IS NULL AND id BETWEEN ${low} AND ${high}
        AND NOT EXISTS (SELECT 1 FROM main._etl_ledger AS g WHERE g.run_id = q.run_id AND g.task = q.task AND g.chunk_key = ${PUBLISH_KEY} AND g.published IS NOT NULL)`)).length : 0;
      if (early > 0) throw ofNoGreenRun(pipeline, early);
      marked += exists(database) ? database.run(compile(sql`UPDATE main._etl_quarantine SET replayed_by = ${this.writer.runId}
        WHERE target = ${this.target} AND pipeline = ${pipeline} AND replayed_by IS NULL AND id BETWEEN ${low} AND ${high} RETURNING 1`)).length : 0;
    }
    if (marked !== wanted) throw alreadyReplayed(pipeline, wanted - marked);
  }
}

/** Reads what was set aside beside a target. */
export function readQuarantine(database: SqliteDatabase, target: string, { pipeline, runId, want, after, limit, waiting }: QuarantineAsk): QuarantinePage {
  if (!exists(database)) return { groups: [], rows: [], next: null };
  const of = sql`target = ${target} AND pipeline = ${pipeline}${runId === null ? sql`` : sql` AND run_id = ${runId}`}${waiting === 'only' ? sql` AND replayed_by IS NULL` : sql``}`;
  if (want === 'groups') {
    const groups = database.run(compile(sql`SELECT pipeline, run_id AS "runId", reason, count(*) AS rows, count(replayed_by) AS replayed, min("row") AS "row", min(written_at) AS at
      FROM main._etl_quarantine WHERE ${of} GROUP BY 1, 2, 3 ORDER BY max(id) DESC, 4 DESC, 3 LIMIT ${limit}`));
    return QuarantinePage.parse({ groups: groups.map((group) => ({ ...group })), rows: [], next: null });
  }
  const rows = database.run<{ id: number; raw: string }>(compile(sql`SELECT id, pipeline, run_id AS "runId", task, chunk_key AS chunk, "row", "column", reason, raw, written_at AS at, replayed_by AS "replayedBy"
    FROM main._etl_quarantine WHERE ${of} AND id > ${after} ORDER BY id LIMIT ${limit}`));
  return pageOf(rows.map((row) => ({ ...row })), limit);
}
