import type { EntityManager } from 'typeorm';
import type { Signals } from './signals.ts';
import { type Sql, sql } from './sql.ts';

/** The database clock as text, to be written by the statement that needs it. */
export const clockText = sql`to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Rows of a statement, whatever its kind, and the clock of the database. */
export class Tx {
  readonly manager: EntityManager;
  constructor(manager: EntityManager) { this.manager = manager; }

  /** Runs one statement and answers its rows (those of RETURNING for a change). */
  async run<T>(query: Sql): Promise<T[]> {
    const runner = this.manager.queryRunner;
    if (!runner) throw new TypeError('this transaction has ended');
    const { records } = await runner.query(query.text, [...query.values], true); // unstructured, an UPDATE answers [rows, count]
    return (records ?? []) as T[];
  }

  /** The database clock, ISO 8601 in UTC with milliseconds: the only time that leases, deadlines and events know. */
  async now(): Promise<string> {
    const [row] = await this.run<{ at: string }>(sql`select ${clockText} as at`);
    return row!.at;
  }
}

/** One transaction in which row security shows one tenant's rows and no others. */
export class TenantTx extends Tx {
  readonly tenantId: string;
  readonly #held = new Set<string>();
  readonly #effects: (() => void)[] = [];
  readonly #signals: Signals;
  readonly #begun: { readonly at: number; readonly seen: number } | null;
  /** @param begunAt the database clock when the transaction began, just answered; asked for each time when left out */
  constructor(tenantId: string, manager: EntityManager, { signals, begunAt }: { signals: Signals; begunAt?: string | null }) {
    super(manager);
    this.tenantId = tenantId;
    this.#signals = signals;
    this.#begun = begunAt ? { at: Date.parse(begunAt), seen: performance.now() } : null;
  }

  /** The clock that it began with, and what has passed here since: whatever the clock of this machine says, it says how long a moment is. */
  override now(): Promise<string> {
    if (!this.#begun) return super.now();
    return Promise.resolve(new Date(this.#begun.at + Math.floor(performance.now() - this.#begun.seen)).toISOString());
  }

  /** Says that this transaction has locked, or has just inserted, the row whose id is `key`. Messages under that key are then in commit order. */
  hold(key: string): void { this.#held.add(key); }
  holds(key: string): boolean { return this.#held.has(key); }

  /** Has `effect` called once the commit is answered; never after a rollback. It may be lost in a crash, so it only wakes, it never decides. */
  afterCommit(effect: () => void): void { this.#effects.push(effect); }

  /** Wakes whoever listens on the channel once this transaction is committed. `write` goes to the server with it, in one statement. */
  async notify(channel: string, write?: Sql): Promise<void> {
    this.afterCommit(() => { this.#signals.ring(channel); });
    await this.tellOthers(channel, write);
  }
  /** As `notify`, for other processes only: this one is told in another way. */
  async tellOthers(channel: string, write?: Sql): Promise<void> {
    const telling = this.#signals.telling(channel);
    if (telling) await this.run(write ? sql`with written as (${write}) select ${telling}` : sql`select ${telling}`);
    else if (write) await this.run(write);
  }

  /** Called by StateDatabase when the commit was answered. Effects run on their own: a throwing one cannot make a kept change look failed. */
  committed(): void { for (const effect of this.#effects.splice(0)) queueMicrotask(effect); }
}

/** One transaction of the relay login: outbox, parked messages, tasks and schedules of all tenants. */
export class RelayTx extends Tx {}
