import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtlError } from '@agent-etl/contracts';
import { compile, identifier, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import type { MysqlSession } from './mysql-session.ts';
import type { MysqlTable } from './mysql-table.ts';

const sql = sqlFor('mysql');
/** More than one attempt ever has connections; the rest is for those that are about to go. */
const SLOTS = 16;
const [LONGEST_MS, LOOK_MS] = [30_000, 25];

/** The connections that write to one table, each with a lock of the server that lives as long as it does. A statement that changes a table commits by itself, so no fence row in its
 * transaction can hold it back. Instead whoever raises the fence ends the connections of everybody before: take a slot, read the fence, act. */
export class MysqlSlots {
  private readonly names: readonly string[];
  constructor({ database, name }: MysqlTable) {
    const place = createHash('sha256').update(JSON.stringify([database, name])).digest('hex').slice(0, 40);
    this.names = Array.from({ length: SLOTS }, (_, slot) => `_etl:${place}:${slot}`);
  }
  /** @throws EtlError `sink.busy` */
  async take(session: MysqlSession): Promise<void> {
    for (const name of this.names) {
      const [got] = await session.run<{ got: number | string | null }>(compile(sql`SELECT GET_LOCK(${name}, 0) AS got`));
      if (Number(got?.got) === 1) return;
    }
    throw new EtlError('sink.busy', { target: session.context.database, seconds: 0 });
  }
  /** Ends every other connection that holds a slot, and waits until it is gone with all that it was doing. @throws EtlError `request.conflict` for those of another login */
  async endOthers(session: MysqlSession): Promise<void> {
    for (const until = Date.now() + LONGEST_MS; ; await sleep(LOOK_MS)) {
      const others = await this.#others(session);
      if (others.length === 0) return;
      if (Date.now() > until) throw new EtlError('sink.busy', { target: session.context.database, seconds: LONGEST_MS / 1_000 });
      for (const id of others) await this.#end(session, id);
    }
  }
  async #others(session: MysqlSession): Promise<bigint[]> {
    const holders = joinSql(this.names.map((name, slot) => sql`IS_USED_LOCK(${name}) AS ${identifier(`s${slot}`)}`), sql`, `);
    const [row] = await session.run<Record<string, number | string | null>>(compile(sql`SELECT CONNECTION_ID() AS me, ${holders}`));
    return this.names.flatMap((_, slot) => {
      const id = row?.[`s${slot}`];
      return id === null || id === undefined || String(id) === String(row?.['me']) ? [] : [BigInt(id)];
    });
  }
  async #end(session: MysqlSession, id: bigint): Promise<void> {
    try {
      await session.change(compile(sql`KILL ${literal('mysql', id)}`));
    } catch (error) {
      const { errno } = ((error as Error).cause ?? error) as { errno?: number };
      if (errno === 1094) return; // it went by itself
      if (errno === 1095) throw new EtlError('request.conflict', { what: `a table of ${session.context.database}`, state: 'being written by another login', action: 'taking it over', next: 'let one login write to it, or wait until the other is done' }, { cause: error });
      throw error;
    }
  }
}
