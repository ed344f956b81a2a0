import { EtlError, type LoadTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, sqlFor } from '@agent-etl/sql-safety';
import type { ByteTarget, ChunkCounts, ChunkRange, ChunkWriter, ReadCount } from '../port.ts';
import type { CopyIn } from './copy-in.ts';
import { isOutcomeUnknown } from './postgres-failure.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { QuarantineTable } from './quarantine-table.ts';
import type { SinkLedger } from './sink-ledger.ts';

const sql = sqlFor('postgres');
/** How long a commit may still be answered once the attempt has to stop: a line that went silent answers never. */
const PATIENCE_MS = 2_000;
export interface ChunkSetting {
  readonly session: PostgresSession; readonly signal: AbortSignal | undefined; readonly ledger: SinkLedger; readonly quarantine: QuarantineTable; readonly fence: number; readonly task: LoadTask; readonly copy: SqlFragment<'postgres'>; readonly relation: string;
  /** Takes the connection back after a commit. */
  release(session: PostgresSession): void;
  /** Opens another connection, to ask the ledger after a lost answer. */
  another(): Promise<PostgresSession>;
}

/** One piece in one transaction: fence, ledger row, data. The COPY is open when this exists. */
export class PostgresChunk implements ChunkWriter {
  readonly to: ByteTarget;
  private constructor(private readonly range: ChunkRange, private readonly setting: ChunkSetting, private readonly copy: CopyIn) {
    const bytes = setting.task.carrier === 'frames' ? copy.frames : copy.bytes;
    // Whoever reads hears why the target takes no more, in words about the target.
    const said = (error: unknown): never => { throw setting.session.failure(error, { phase: 'staging', relation: setting.relation }); };
    this.to = { write: (more) => bytes.write(more), drained: () => bytes.drained().catch(said) };
  }
  static async begin(range: ChunkRange, setting: ChunkSetting): Promise<PostgresChunk | 'done'> {
    const { session, signal, ledger, fence, copy, relation } = setting;
    const giveUp = (): void => { session.destroy(); }; // nothing of it is committed
    if (signal?.aborted) giveUp(); else signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await session.run(compile(sql`BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'`));
      await ledger.hold(session, fence);
      if (!(await ledger.claim(session, range.key, fence))) {
        await session.run(compile(sql`ROLLBACK`));
        setting.release(session);
        return 'done';
      }
      return new PostgresChunk(range, setting, await session.copyIn(compile(copy)));
    } catch (error) {
      session.destroy();
      throw signal?.aborted ? signal.reason : session.failure(error, { phase: 'staging', relation });
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }
  copyFile(): Promise<ReadCount> { throw new Error('a Postgres sink takes frames or text'); }

  async commit(counts: ChunkCounts, signal?: AbortSignal): Promise<'written' | 'redo'> {
    const giveUp = (): void => { cutting = setTimeout(() => { this.setting.session.destroy(); }, PATIENCE_MS); };
    let cutting: NodeJS.Timeout | undefined;
    if (signal?.aborted) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await this.#commit(counts);
    } finally {
      signal?.removeEventListener('abort', giveUp);
      clearTimeout(cutting);
    }
  }
  async #commit(counts: ChunkCounts): Promise<'written' | 'redo'> {
    const { session, ledger, relation } = this.setting;
    try {
      const staged = await this.copy.done();
      if (staged !== counts.rows - counts.rejected) throw new EtlError('sink.reconcile-mismatch', { difference: `${counts.rows} rows were read, the target took ${staged}` });
      await this.#setAside(counts);
      await ledger.fill(session, this.range.key, counts);
    } catch (error) {
      session.destroy();
      throw session.failure(error, { phase: 'staging', relation });
    }
    return this.#end();
  }
  /** What does not go into the target goes in beside it. */
  async #setAside({ aside, rejected }: ChunkCounts): Promise<void> {
    const { session, quarantine, task: { judging } } = this.setting;
    const added = aside?.rows && judging ? await quarantine.add(session, { pipeline: judging.pipeline, chunkKey: this.range.key }, aside) : 0;
    if (added !== rejected) throw new EtlError('sink.reconcile-mismatch', { difference: `${rejected} rows are rejected, ${added} are in quarantine` });
  }
  /** The server said yes, said no, or never answered: then its ledger is asked on another connection. */
  async #end(): Promise<'written' | 'redo'> {
    const { session, ledger } = this.setting;
    try {
      await session.run(compile(sql`COMMIT`), { phase: 'committing' });
    } catch (error) {
      session.destroy();
      if (!isOutcomeUnknown(error)) throw error;
      const asking = await this.setting.another();
      try { return await ledger.has(asking, this.range.key) ? 'written' : 'redo'; } finally { await asking.end(); }
    }
    this.setting.release(session);
    return 'written';
  }
  async abort(): Promise<void> { this.setting.session.destroy(); }
}
