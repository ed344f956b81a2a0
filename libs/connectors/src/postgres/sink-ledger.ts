import { Digest, EtlError, MaskKeys } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { ChunkCounts, LedgerRow, Published, Writer } from '../port.ts';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
export const PUBLISH_KEY = 'publish';
export interface PublishedRow extends Published { readonly digest: Digest | null; readonly maskKeys?: MaskKeys | undefined }

/** Fence, ledger and positions in the target itself: the target counts, so two deployments cannot disagree, and data and ledger commit together. */
export class SinkLedger {
  constructor(private readonly target: string, private readonly writer: Writer) {}

  /** Makes the tables once. Twin creators wait for each other. @throws EtlError `connection.permission-denied` with the GRANT */
  async install(session: PostgresSession): Promise<void> {
    const [there] = await session.run<{ yes: boolean }>(compile(sql`SELECT to_regclass('_etl.ledger') IS NOT NULL AND to_regclass('_etl.fence') IS NOT NULL AND to_regclass('_etl.position') IS NOT NULL AS yes`), { right: 'LEDGER' });
    if (there?.yes) return;
    await session.run(compile(sql`BEGIN`));
    try {
      await session.run(compile(sql`SELECT pg_advisory_xact_lock(hashtextextended('agent-etl install', 0))`));
      await session.run(compile(sql`CREATE SCHEMA IF NOT EXISTS _etl`), { right: 'CREATE SCHEMA' });
      await session.run(compile(sql`CREATE TABLE IF NOT EXISTS _etl.fence (target text PRIMARY KEY, value bigint NOT NULL, holder text NOT NULL)`));
      await session.run(compile(sql`CREATE TABLE IF NOT EXISTS _etl.ledger (run_id uuid NOT NULL, task text NOT NULL, chunk_key text NOT NULL, attempt int NOT NULL, fence bigint NOT NULL, rows bigint, rejected bigint,
        bytes bigint, digest jsonb, published jsonb, written_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (run_id, task, chunk_key))`));
      await session.run(compile(sql`CREATE TABLE IF NOT EXISTS _etl.position (target text NOT NULL, pipeline text NOT NULL, scope text NOT NULL, relation oid NOT NULL, value text NOT NULL, run_id uuid NOT NULL,
        moved_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (target, pipeline))`));
      await session.run(compile(sql`COMMIT`));
    } catch (error) {
      session.destroy();
      throw error;
    }
  }
  /** Counts the fence of the target up and answers this attempt's number. Waits for commits in flight, then shuts older attempts out.
   * @throws EtlError `sink.busy` when somebody holds the fence for half a minute */
  async raise(session: PostgresSession): Promise<number> {
    // The timeout is that of this statement: it is read before the row is locked, and ends with the transaction that the statement is.
    const [row] = await session.run<{ value: string }>(compile(sql`WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '30s', true))
      INSERT INTO _etl.fence AS f (target, value, holder) SELECT ${this.target}, 1, ${this.writer.holder} FROM patience
      ON CONFLICT (target) DO UPDATE SET value = f.value + 1, holder = excluded.holder RETURNING value`), { relation: this.target, phase: 'raising the fence', right: 'LEDGER' });
    return Number(row?.value);
  }
  /** Ends our own server processes that keep a raise waiting: a worker that was stopped in mid-copy still holds the fence, and no timeout of the server
   * counts while it waits for bytes. What they had not committed is gone, which is what the raise is for. */
  async endHolders(session: PostgresSession, waiting: number): Promise<void> {
    await session.run(compile(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(${waiting}::int)) AND usename = current_user`));
  }
  /** Holds the fence until the transaction ends. @throws EtlError `lease.lost` when somebody counted it up */
  async hold(session: PostgresSession, fence: number): Promise<void> {
    const rows = await session.run(compile(sql`SELECT 1 FROM _etl.fence WHERE target = ${this.target} AND value = ${fence} FOR SHARE`));
    if (rows.length === 0) throw new EtlError('lease.lost');
  }
  /** Claims a piece inside the transaction of its data: a twin waits here, before bytes move. Answers false when it is written. */
  async claim(session: PostgresSession, chunkKey: string, fence: number): Promise<boolean> {
    const { runId, task, attempt } = this.writer;
    const rows = await session.run(compile(sql`INSERT INTO _etl.ledger (run_id, task, chunk_key, attempt, fence) VALUES (${runId}, ${task}, ${chunkKey}, ${attempt}, ${fence}) ON CONFLICT DO NOTHING RETURNING 1`));
    return rows.length > 0;
  }
  async fill(session: PostgresSession, chunkKey: string, { rows, rejected, bytes, digest }: ChunkCounts): Promise<void> {
    await session.run(compile(sql`UPDATE _etl.ledger SET rows = ${rows - rejected}, rejected = ${rejected}, bytes = ${bytes}, digest = ${digest ? JSON.stringify(digest) : null}::jsonb
      WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${chunkKey}`));
  }
  /** @param masked the table as it is now, and which keys its rows are masked under: those of this run, and of rows before that stayed. Null where this publish changes nothing of it */
  async fillPublished(session: PostgresSession, row: PublishedRow, masked: { readonly relation: Relation; readonly keys: MaskKeys } | null): Promise<void> {
    const into = masked === null ? sql`'{}'::jsonb` : sql`jsonb_build_object('into', jsonb_build_object('target', ${this.target}::text, 'relation', to_regclass(${quoted(masked.relation)})::oid::bigint, 'keys', ${JSON.stringify(masked.keys)}::jsonb))`;
    await session.run(compile(sql`UPDATE _etl.ledger SET rows = 0, rejected = 0, bytes = 0, published = ${JSON.stringify(row)}::jsonb || ${into}, digest = ${row.digest ? JSON.stringify(row.digest) : null}::jsonb
      WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${PUBLISH_KEY}`));
  }
  async published(session: PostgresSession): Promise<PublishedRow | null> {
    const [row] = await session.run<{ published: PublishedRow | null }>(compile(sql`SELECT published FROM _etl.ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${PUBLISH_KEY}`));
    return row?.published ?? null;
  }
  /** Which keys the rows of a table are masked under, as the last publish said that changed it. A look at the whole ledger: only who masks asks. Null of a table that was made anew since, and of one that no run of this release has published into. */
  async maskedUnder(session: PostgresSession, relation: Relation): Promise<MaskKeys | null> {
    const [row] = await session.run<{ keys: unknown }>(compile(sql`SELECT published -> 'into' -> 'keys' AS keys FROM _etl.ledger WHERE chunk_key = ${PUBLISH_KEY} AND published -> 'into' ->> 'target' = ${this.target}
      AND (published -> 'into' ->> 'relation')::bigint = to_regclass(${quoted(relation)})::oid::bigint ORDER BY fence DESC LIMIT 1`));
    return MaskKeys.nullable().parse(row?.keys ?? null);
  }
  async has(session: PostgresSession, chunkKey: string): Promise<boolean> {
    return (await session.run(compile(sql`SELECT 1 FROM _etl.ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key = ${chunkKey}`))).length > 0;
  }
  async rows(session: PostgresSession): Promise<LedgerRow[]> {
    const rows = await session.run<{ chunk_key: string; attempt: number; fence: string; rows: string | null; rejected: string | null; bytes: string | null; digest: unknown }>(compile(sql`
      SELECT chunk_key, attempt, fence, rows, rejected, bytes, digest FROM _etl.ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} ORDER BY written_at`));
    return rows.map((row) => ({
      chunkKey: row.chunk_key, attempt: row.attempt, fence: Number(row.fence), rows: Number(row.rows ?? 0), rejected: Number(row.rejected ?? 0), bytes: Number(row.bytes ?? 0), digest: row.digest === null ? null : Digest.parse(row.digest),
    }));
  }
  async forget(session: PostgresSession): Promise<void> {
    await session.run(compile(sql`DELETE FROM _etl.ledger WHERE run_id = ${this.writer.runId} AND task = ${this.writer.task} AND chunk_key <> ${PUBLISH_KEY}`));
  }
}
