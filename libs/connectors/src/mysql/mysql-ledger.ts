import { Digest, EtlError } from '@agent-etl/contracts';
import { type SqlIdentifier, compile, identifier, sqlFor } from '@agent-etl/sql-safety';
import type { ChunkCounts, LedgerRow, Published, Writer } from '../port.ts';
import type { MysqlSession } from './mysql-session.ts';
import type { MysqlTable } from './mysql-table.ts';

const sql = sqlFor('mysql');
export const PUBLISH_KEY = 'publish';
interface Row { readonly chunk_key: string; readonly attempt: number; readonly fence: number | string; readonly n: number | string | null; readonly rejected: number | string | null; readonly bytes: number | string | null; readonly digest: string | null }
/** @property moves table whose going proves that the renames were done; null for rows that became visible with this one in their own transaction */
export interface PublishRow { readonly fence: number; readonly digest: Digest | null; readonly published: Published; readonly moves: string | null }

/** Fence and ledger in the database of the target, so that data and ledger commit together. */
export class MysqlLedger {
  private readonly fence: SqlIdentifier;
  private readonly table: SqlIdentifier;
  private readonly target: string;
  constructor({ database, name }: MysqlTable, private readonly writer: Writer) {
    this.fence = identifier(database, '_etl_fence');
    this.table = identifier(database, '_etl_ledger');
    this.target = name;
  }
  /** Outside a transaction: MySQL commits when it makes a table. */
  async install(session: MysqlSession): Promise<void> {
    await session.change(compile(sql`CREATE TABLE IF NOT EXISTS ${this.fence} (target VARCHAR(64) NOT NULL PRIMARY KEY, value BIGINT NOT NULL, holder VARCHAR(255) NOT NULL) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`));
    await session.change(compile(sql`CREATE TABLE IF NOT EXISTS ${this.table} (run_id CHAR(36) NOT NULL, task VARCHAR(64) NOT NULL, chunk_key VARCHAR(80) NOT NULL, attempt INT NOT NULL, fence BIGINT NOT NULL, row_count BIGINT NULL, rejected BIGINT NULL,
      byte_count BIGINT NULL, digest TEXT NULL, published TEXT NULL, moves VARCHAR(64) NULL, written_at DATETIME(6) NOT NULL, PRIMARY KEY (run_id, task, chunk_key)) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`));
  }
  /** Counts the fence of the target up and answers this attempt's number. The fence stays locked until the transaction ends. */
  async raise(session: MysqlSession): Promise<number> {
    await session.change(compile(sql`INSERT INTO ${this.fence} (target, value, holder) VALUES (${this.target}, 1, ${this.writer.holder.slice(0, 255)}) ON DUPLICATE KEY UPDATE value = value + 1, holder = VALUES(holder)`), this.target);
    const [row] = await session.run<{ value: number | string }>(compile(sql`SELECT value FROM ${this.fence} WHERE target = ${this.target} FOR UPDATE`));
    return Number(row?.value);
  }
  /** Holds the fence until the transaction ends, or looks at it where there is none. @throws EtlError `lease.lost` when somebody counted it up */
  async hold(session: MysqlSession, fence: number): Promise<void> {
    const rows = await session.run(compile(sql`SELECT 1 AS held FROM ${this.fence} WHERE target = ${this.target} AND value = ${fence} LOCK IN SHARE MODE`));
    if (rows.length === 0) throw new EtlError('lease.lost');
  }
  /** Claims a piece inside the transaction of its data: a twin waits here, before bytes move. Answers false when it is written. */
  async claim(session: MysqlSession, chunkKey: string, fence: number): Promise<boolean> {
    const { runId, task, attempt } = this.writer;
    try {
      await session.change(compile(sql`INSERT INTO ${this.table} (run_id, task, chunk_key, attempt, fence, written_at) VALUES (${runId}, ${task}, ${chunkKey}, ${attempt}, ${fence}, UTC_TIMESTAMP(6))`));
      return true;
    } catch (error) {
      if (error instanceof EtlError && error.code === 'sink.constraint-violated') return false;
      throw error;
    }
  }
  async fill(session: MysqlSession, chunkKey: string, { rows, rejected, bytes, digest }: ChunkCounts): Promise<void> {
    await session.change(compile(sql`UPDATE ${this.table} SET row_count = ${rows - rejected}, rejected = ${rejected}, byte_count = ${bytes}, digest = ${digest ? JSON.stringify(digest) : null}
      WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${chunkKey}`));
  }
  async has(session: MysqlSession, chunkKey: string): Promise<boolean> {
    return (await session.run(compile(sql`SELECT 1 AS there FROM ${this.table} WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${chunkKey}`))).length > 0;
  }
  /** Pieces, and what was published. Renames that nobody knows the end of are not told. */
  async rows(session: MysqlSession): Promise<LedgerRow[]> {
    const rows = await session.run<Row>(compile(sql`SELECT chunk_key, attempt, fence, row_count AS n, rejected, byte_count AS bytes, digest FROM ${this.table}
      WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND moves IS NULL ORDER BY written_at, chunk_key`));
    return rows.map(({ chunk_key: chunkKey, attempt, fence, n, rejected, bytes, digest }) =>
      ({ chunkKey, attempt, fence: Number(fence), rows: Number(n ?? 0), rejected: Number(rejected ?? 0), bytes: Number(bytes ?? 0), digest: digest === null ? null : Digest.parse(JSON.parse(digest)) }));
  }
  /** @throws EtlError `sink.reconcile-mismatch` */
  async mustSum(session: MysqlSession, staged: number): Promise<void> {
    const written = (await this.rows(session)).reduce((sum, { chunkKey, rows }) => sum + (chunkKey === PUBLISH_KEY ? 0 : rows), 0);
    if (written !== staged) throw new EtlError('sink.reconcile-mismatch', { difference: `the ledger has ${written} rows, staging ${staged}` });
  }
  async addPublished(session: MysqlSession, { fence, digest, published, moves }: PublishRow): Promise<void> {
    const { runId, task, attempt } = this.writer;
    await session.change(compile(sql`INSERT INTO ${this.table} (run_id, task, chunk_key, attempt, fence, row_count, rejected, byte_count, digest, published, moves, written_at)
      VALUES (${runId}, ${task}, ${PUBLISH_KEY}, ${attempt}, ${fence}, 0, 0, 0, ${digest ? JSON.stringify(digest) : null}, ${JSON.stringify(published)}, ${moves}, UTC_TIMESTAMP(6))`));
  }
  async published(session: MysqlSession): Promise<Published | null> {
    const [row] = await session.run<{ published: string | null }>(compile(sql`SELECT published FROM ${this.table} WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${PUBLISH_KEY} AND moves IS NULL`));
    return row?.published ? JSON.parse(row.published) as Published : null;
  }
  /** Table whose renames were begun and not yet told of, or null. */
  async moving(session: MysqlSession): Promise<string | null> {
    const [row] = await session.run<{ moves: string }>(compile(sql`SELECT moves FROM ${this.table} WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${PUBLISH_KEY} AND moves IS NOT NULL`));
    return row?.moves ?? null;
  }
  async settle(session: MysqlSession, came: 'moved' | 'stayed'): Promise<void> {
    const which = sql`WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${PUBLISH_KEY} AND moves IS NOT NULL`;
    await session.change(came === 'moved' ? compile(sql`UPDATE ${this.table} SET moves = NULL ${which}`) : compile(sql`DELETE FROM ${this.table} ${which}`));
  }
  async forget(session: MysqlSession): Promise<void> {
    await session.change(compile(sql`DELETE FROM ${this.table} WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key <> ${PUBLISH_KEY}`));
  }
}
