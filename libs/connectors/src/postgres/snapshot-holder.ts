import { EtlError } from '@agent-etl/contracts';
import { type SqlFragment, compile, literal, sqlFor } from '@agent-etl/sql-safety';
import type { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted } from './relation-name.ts';

const sql = sqlFor('postgres');
/** Three leases of a worker: a killed worker's picture lives long enough for the next attempt, and not much longer. */
const HOLD_SECONDS = 45;
/** What could end the holder before its sleep does. Not every version knows all of them. */
const nothingEndsIt = sql`SELECT set_config(name, '0', false) FROM pg_settings
  WHERE name IN ('client_connection_check_interval', 'statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')`;
const useSnapshot = (id: string): SqlFragment<'postgres'> => sql`SET TRANSACTION SNAPSHOT ${literal('postgres', id)}`;

/** Seconds that a reader waits for a lock. Who changes the table's shape waits for the holder, and whoever comes later waits behind that change: a ring
 * that no server sees. The reader breaks it. */
const LOCK_SECONDS = 5;
/** In one message: each would cost its way there and back. */
const beginReading = sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = ${literal('postgres', `${LOCK_SECONDS}s`)}; SET LOCAL idle_in_transaction_session_timeout = 0`;

/** Opens a reading transaction on a picture that somebody holds. @throws EtlError `source.snapshot-lost` */
export async function beginOn(session: PostgresSession, snapshot: string): Promise<void> {
  try {
    await session.run(compile(sql`${beginReading}; ${useSnapshot(snapshot)}`));
  } catch (cause) {
    if (cause instanceof EtlError && cause.code.startsWith('connection.')) throw cause;
    throw new EtlError('source.snapshot-lost', {}, { cause });
  }
}

/** Holds one picture of a source. Its server process sleeps in a statement, so it does not notice that we were killed: the next attempt finds the picture
 * and holds it in turn. Until then, and where there is nothing to resume, whoever reads may use the connection itself. The table is locked against changes of its
 * shape, as a dump does it. */
export class SnapshotHolder {
  #closing = false;
  #isLent = false;
  #sleeping: Promise<void> | null = null;
  #lost: EtlError | undefined;
  private constructor(readonly session: PostgresSession, readonly snapshot: string) {}

  /** @param relations what is read under the picture, each once */
  static async open(session: PostgresSession, relations: readonly Relation[], given: string | null): Promise<SnapshotHolder> {
    const before: (Storage | undefined)[] = [];
    for (const relation of relations) before.push(await storageOf(session, relation));
    if (given === null) await session.run(compile(beginReading));
    else await beginOn(session, given);
    // What LOCK TABLE can lock comes first: a SELECT takes the picture.
    const inOrder = relations.map((relation, index) => ({ relation, before: before[index] })).sort((a, b) => Number(!isLockable(a.before)) - Number(!isLockable(b.before)));
    for (const each of inOrder) await lock(session, each.relation, { before: each.before, given });
    if (given !== null && !await isHeld(session, given)) throw new EtlError('source.snapshot-lost');
    const [row] = await session.run<{ id: string }>(compile(sql`SELECT pg_export_snapshot() AS id`));
    return new SnapshotHolder(session, row?.id ?? '');
  }
  /** The connection, inside the picture's transaction, or null while somebody uses it or it sleeps. An error of whoever borrows it loses the picture. */
  borrow(): PostgresSession | null {
    if (this.#sleeping || this.#isLent || this.session.isBroken) return null;
    this.#isLent = true;
    return this.session;
  }
  giveBack(): void { this.#isLent = false; }
  /** Called when nothing else is to be asked on this connection. */
  hold(): void { this.#sleeping ??= this.#sleep(); }
  async #sleep(): Promise<void> {
    for (let statement = nothingEndsIt; !this.#closing; statement = sql`SELECT pg_sleep(${HOLD_SECONDS})`) {
      try { await this.session.run(compile(statement)); } catch (cause) {
        if (!this.#closing) this.#lost = new EtlError('source.snapshot-lost', {}, { cause });
        return;
      }
    }
  }
  /** @throws EtlError `source.snapshot-lost` when the server ended the picture */
  check(): void { if (this.#lost) throw this.#lost; }
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#sleeping) await this.session.cancel();
    else void this.session.run(compile(sql`ROLLBACK`)).catch(() => { this.session.destroy(); }); // goes before the goodbye, and nobody waits for its answer
    await this.#sleeping;
    await this.session.end();
  }
  /** Cuts the connection, as a kill would: the server goes on sleeping, and the picture lives until it wakes. */
  async leave(): Promise<void> {
    this.#closing = true;
    this.session.destroy();
    await this.#sleeping;
  }
}

interface Storage { readonly kind: string; readonly node: string | null }
async function storageOf(session: PostgresSession, { schema, table }: Relation): Promise<Storage | undefined> {
  const [found] = await session.run<Storage>(compile(sql`SELECT c.relkind AS kind, pg_relation_filenode(c.oid)::text AS node
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${schema} AND c.relname = ${table}`));
  return found;
}
const isLockable = (before: Storage | undefined): boolean => before?.kind !== 'm' && before?.kind !== 'f';
/** Takes the lock before the picture is taken, where LOCK TABLE can: a TRUNCATE or rewrite in between would show an empty table. A materialized view or a
 * foreign table is locked by a SELECT, which takes the picture first; then its storage must be what it was.
 * @throws EtlError `source.busy`, or `source.snapshot-lost` when somebody waits to change a table whose picture we wanted to take over */
async function lock(session: PostgresSession, relation: Relation, { before, given }: { before: Storage | undefined; given: string | null }): Promise<void> {
  const about = { relation: relation.text, right: 'SELECT', phase: 'locking' } as const;
  try {
    await session.run(compile(isLockable(before) ? sql`LOCK TABLE ${relation.name} IN ACCESS SHARE MODE` : sql`SELECT FROM ${relation.name} LIMIT 0`), about);
  } catch (cause) {
    if (!(cause instanceof EtlError) || cause.code !== 'source.busy') throw cause;
    throw given === null ? new EtlError('source.busy', { dataset: relation.text, seconds: LOCK_SECONDS }, { cause }) : new EtlError('source.snapshot-lost', {}, { cause });
  }
  if (isLockable(before)) return;
  const [now] = await session.run<{ node: string | null }>(compile(sql`SELECT pg_relation_filenode(to_regclass(${quoted(relation)}))::text AS node`));
  if (now?.node !== before?.node) throw new EtlError('source.snapshot-lost');
}
/** Whether the transaction that exported a picture still runs. Its lock passed to ours without a gap, or somebody may have changed the table in between. */
async function isHeld(session: PostgresSession, snapshot: string): Promise<boolean> {
  const [process, transaction] = snapshot.split('-').map((part) => Number.parseInt(part, 16));
  const rows = await session.run(compile(sql`SELECT 1 FROM pg_locks WHERE locktype = 'virtualxid' AND granted AND virtualxid = ${`${process ?? 0}/${transaction ?? 0}`}`));
  return rows.length > 0;
}
