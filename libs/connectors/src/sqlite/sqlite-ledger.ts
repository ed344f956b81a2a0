import { Digest, EtlError } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { ChunkCounts, LedgerRow, Published, Writer } from '../port.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const sql = sqlFor('sqlite');
export const PUBLISH_KEY = 'publish';
interface Row { readonly chunk_key: string; readonly attempt: number; readonly fence: number; readonly rows: number | null; readonly rejected: number | null; readonly bytes: number | null; readonly digest: string | null }

/** Fence and ledger in the file itself, so that data and ledger commit together. Every call belongs into a transaction of the caller, or reads. */
export class SqliteLedger {
  constructor(private readonly target: string, private readonly writer: Writer) {}

  install(database: SqliteDatabase): void {
    database.inTransaction(() => {
      database.run(compile(sql`CREATE TABLE IF NOT EXISTS main._etl_fence (target TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL, holder TEXT NOT NULL)`));
      database.run(compile(sql`CREATE TABLE IF NOT EXISTS main._etl_ledger (run_id TEXT NOT NULL, task TEXT NOT NULL, chunk_key TEXT NOT NULL, attempt INTEGER NOT NULL, fence INTEGER NOT NULL, rows INTEGER, rejected INTEGER,
        bytes INTEGER, digest TEXT, published TEXT, written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), PRIMARY KEY (run_id, task, chunk_key))`));
    });
  }
  /** Counts the fence of the target up and answers this attempt's number. What is being committed comes first; everything older is shut out. */
  raise(database: SqliteDatabase): number {
    return database.inTransaction(() => {
      const [row] = database.run<{ value: number }>(compile(sql`INSERT INTO main._etl_fence AS f (target, value, holder) VALUES (${this.target}, 1, ${this.writer.holder})
        ON CONFLICT (target) DO UPDATE SET value = f.value + 1, holder = excluded.holder RETURNING value`));
      return row?.value ?? 0;
    });
  }
  /** @throws EtlError `lease.lost` when somebody counted it up. In a transaction that writes nobody can, until it ends. */
  hold(database: SqliteDatabase, fence: number): void {
    const rows = database.run(compile(sql`SELECT 1 FROM main._etl_fence WHERE target = ${this.target} AND value = ${fence}`));
    if (rows.length === 0) throw new EtlError('lease.lost');
  }
  has(database: SqliteDatabase, chunkKey: string): boolean {
    return database.run(compile(sql`SELECT 1 FROM main._etl_ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${chunkKey}`)).length > 0;
  }
  /** Writes the row of a piece, or of what was published. Answers false when it is there. */
  add(database: SqliteDatabase, row: { chunkKey: string; fence: number; counts: ChunkCounts; published?: Published }): boolean {
    const { runId, task, attempt } = this.writer;
    const { rows, rejected, bytes, digest } = row.counts;
    return database.run(compile(sql`INSERT INTO main._etl_ledger (run_id, task, chunk_key, attempt, fence, rows, rejected, bytes, digest, published) VALUES (${runId}, ${task}, ${row.chunkKey}, ${attempt}, ${row.fence},
      ${rows - rejected}, ${rejected}, ${bytes}, ${digest ? JSON.stringify(digest) : null}, ${row.published ? JSON.stringify(row.published) : null}) ON CONFLICT DO NOTHING RETURNING 1`)).length > 0;
  }
  published(database: SqliteDatabase): Published | null {
    const [row] = database.run<{ published: string | null }>(compile(sql`SELECT published FROM main._etl_ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${PUBLISH_KEY}`));
    return row?.published ? JSON.parse(row.published) as Published : null;
  }
  rows(database: SqliteDatabase): LedgerRow[] {
    return database.run<Row>(compile(sql`SELECT chunk_key, attempt, fence, rows, rejected, bytes, digest FROM main._etl_ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} ORDER BY rowid`))
      .map(({ chunk_key: chunkKey, attempt, fence, rows, rejected, bytes, digest }) => ({ chunkKey, attempt, fence, rows: rows ?? 0, rejected: rejected ?? 0, bytes: bytes ?? 0, digest: digest === null ? null : Digest.parse(JSON.parse(digest)) }));
  }
  forget(database: SqliteDatabase): void {
    database.run(compile(sql`DELETE FROM main._etl_ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key <> ${PUBLISH_KEY}`));
  }
}
