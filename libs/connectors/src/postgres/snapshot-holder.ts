import { EtlError } from '@agent-etl/contracts';
import { type SqlFragment, compile, literal, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import type { Relation } from './relation-name.ts';

const sql = sqlFor('postgres');
/** Three leases of a worker: a killed worker's picture lives long enough for the next attempt, and not much longer. */
const HOLD_SECONDS = 45;
export const HOLDER_SETTINGS = ['client_connection_check_interval=0', 'statement_timeout=0', 'idle_in_transaction_session_timeout=0', 'idle_session_timeout=0'];
const beginReading = sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`;
const useSnapshot = (id: string): SqlFragment<'postgres'> => sql`SET TRANSACTION SNAPSHOT ${literal('postgres', id)}`;

/** Opens a reading transaction on a picture that somebody holds. @throws EtlError `source.snapshot-lost` */
export async function beginOn(session: PostgresSession, snapshot: string): Promise<void> {
  await session.run(compile(beginReading));
  try {
    await session.run(compile(useSnapshot(snapshot)));
  } catch (cause) {
    if (cause instanceof EtlError && cause.code.startsWith('connection.')) throw cause;
    throw new EtlError('source.snapshot-lost', {}, { cause });
  }
}

/** Holds one picture of a source. Its server process sleeps in a statement, so it does not notice that we were killed: the next attempt finds the picture
 * and holds it in turn. The table is locked against changes of its shape, as a dump does it. */
export class SnapshotHolder {
  #closing = false;
  #sleeping: Promise<void> = Promise.resolve();
  #lost: EtlError | undefined;
  private constructor(readonly session: PostgresSession, readonly snapshot: string) {}

  static async open(session: PostgresSession, relation: Relation, given: string | null): Promise<SnapshotHolder> {
    if (given === null) await session.run(compile(beginReading)); else await beginOn(session, given);
    await session.run(compile(sql`LOCK TABLE ${relation.name} IN ACCESS SHARE MODE`), { relation: relation.text, right: 'SELECT', phase: 'locking' });
    const [row] = await session.run<{ id: string }>(compile(sql`SELECT pg_export_snapshot() AS id`));
    return new SnapshotHolder(session, row?.id ?? '');
  }
  /** Called when nothing else is to be asked on this connection. */
  hold(): void { this.#sleeping = this.#sleep(); }
  async #sleep(): Promise<void> {
    while (!this.#closing) {
      try { await this.session.run(compile(sql`SELECT pg_sleep(${HOLD_SECONDS})`)); } catch (cause) {
        if (!this.#closing) this.#lost = new EtlError('source.snapshot-lost', {}, { cause });
        return;
      }
    }
  }
  /** @throws EtlError `source.snapshot-lost` when the server ended the picture */
  check(): void { if (this.#lost) throw this.#lost; }
  async close(): Promise<void> {
    this.#closing = true;
    await this.session.cancel();
    await this.#sleeping;
    await this.session.end();
  }
}
