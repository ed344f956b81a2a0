import type { EngineRow, QueryEngine } from '@agent-etl/engines';
import type { SafeSql } from '@agent-etl/sql-safety';
import type { PostgresSession } from '../postgres-session.ts';

/** A PostgreSQL as a query engine: what steps that are computed beside their table run on. */
export class PostgresEngine implements QueryEngine<'postgres'> {
  readonly dialect = 'postgres';
  private readonly session: PostgresSession;
  constructor(session: PostgresSession) { this.session = session; }

  async query(statement: SafeSql<'postgres'>, signal?: AbortSignal): Promise<readonly EngineRow[]> {
    signal?.throwIfAborted();
    const cancel = (): void => { void this.session.cancel(); };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await this.session.run<EngineRow>(statement);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }
  stop(): Promise<void> { return this.session.end(); }
}
