import type { EntityManager } from 'typeorm';
import type { Sql } from './sql.ts';

const clock = `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at`;

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
    const runner = this.manager.queryRunner;
    if (!runner) throw new TypeError('this transaction has ended');
    const { records } = await runner.query(clock, [], true);
    return (records as { at: string }[])[0]!.at;
  }
}

/** One transaction in which row security shows one tenant's rows and no others. */
export class TenantTx extends Tx {
  readonly tenantId: string;
  readonly #held = new Set<string>();
  readonly #effects: (() => void)[] = [];
  constructor(tenantId: string, manager: EntityManager) {
    super(manager);
    this.tenantId = tenantId;
  }

  /** Says that this transaction has locked, or has just inserted, the row whose id is `key`. Messages under that key are then in commit order. */
  hold(key: string): void { this.#held.add(key); }
  holds(key: string): boolean { return this.#held.has(key); }

  /** Has `effect` called once the commit is answered; never after a rollback. It may be lost in a crash, so it only wakes, it never decides. */
  afterCommit(effect: () => void): void { this.#effects.push(effect); }

  /** Called by StateDatabase when the commit was answered. Effects run on their own: a throwing one cannot make a kept change look failed. */
  committed(): void { for (const effect of this.#effects.splice(0)) queueMicrotask(effect); }
}

/** One transaction of the relay login: outbox, parked messages, tasks and schedules of all tenants. */
export class RelayTx extends Tx {}
