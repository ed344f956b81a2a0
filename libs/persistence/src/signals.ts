import { randomUUID } from 'node:crypto';
import { type Sql, sql } from './sql.ts';

/** Who listens on a channel of the state: in this process by a call, in others by NOTIFY. A word may be lost; whoever listens looks by itself now and then. */
export class Signals {
  readonly #here = new Map<string, Set<() => void>>();
  readonly #me = randomUUID();
  /** @param isShared whether other processes use this schema. Telling nobody costs a statement a transaction, and wakes every server process that listens. */
  constructor(readonly isShared: boolean) {}

  /** Adds a listener of this process. @returns what removes it */
  add(channel: string, wake: () => void): () => void {
    const listeners = this.#here.get(channel) ?? new Set();
    this.#here.set(channel, listeners.add(wake));
    return () => { listeners.delete(wake); };
  }
  /** Wakes the listeners of this process. */
  ring(channel: string): void { for (const wake of [...this.#here.get(channel) ?? []]) wake(); }
  /** What tells the other processes, to be selected in the transaction; null when there are none. */
  telling(channel: string): Sql | null { return this.isShared ? sql`pg_notify(${channel}, ${this.#me})` : null; }
  /** Whether a notification is this process's own: it has rung by itself. */
  isOwn(payload: string | undefined): boolean { return payload === this.#me; }
}
