import { createHash } from 'node:crypto';
import { type Digest, EtlError, type LoadTask, type MysqlConnection, type PublishTask } from '@agent-etl/contracts';
import { type SqlFragment, compile, joinSql, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { BucketSample, BucketSum, ChunkRange, ChunkWriter, ConnectorTools, HashAsk, HashedRows, LedgerRow, Published, Sink, SinkSession, Staged, Writer } from '../port.ts';
import type { Place } from './infile-text-rules.ts';
import { MysqlChunk } from './mysql-chunk.ts';
import { MysqlLedger } from './mysql-ledger.ts';
import { type RunTables, publishRows } from './mysql-publish.ts';
import { MysqlSession } from './mysql-session.ts';
import { MysqlSlots } from './mysql-slots.ts';
import { type MysqlTable, asName, findMysql, mysqlTable } from './mysql-table.ts';
import { digestOfWritten, hashedOf, sampleOfWritten, writtenRows } from './mysql-values.ts';

const sql = sqlFor('mysql');
/** Commits in flight of older attempts are waited for this often, ten seconds each. */
const MOST_WAITS = 3;

export class MysqlSink implements Sink {
  readonly accepts = ['text'] as const;
  constructor(private readonly connection: MysqlConnection, private readonly tools: ConnectorTools) {}

  begin(task: LoadTask, writer: Writer, signal?: AbortSignal): Promise<SinkSession> { return whileOpening(signal, (cut) => this.#begin(task, writer, cut)); }
  async #begin(task: LoadTask, writer: Writer, cut: AbortSignal): Promise<SinkSession> {
    const control = await this.#connect(cut);
    try {
      const table = mysqlTable(task.target.dataset, control.context.database);
      const slots = new MysqlSlots(table);
      const ledger = new MysqlLedger(table, writer);
      await ledger.install(control);
      const run = createHash('sha256').update(`${writer.runId}/${writer.task}`).digest('hex').slice(0, 32);
      const named = (letter: string) => asName(table.database, `_etl_${letter}_${run}`);
      const connect = async (cut?: AbortSignal): Promise<MysqlSession> => slotted(await this.#connect(cut), slots);
      return new Writing(connect, await slotted(control, slots), { task, table, ledger, slots, tables: { staging: named('s'), next: named('n'), old: named('o') } });
    } catch (error) {
      control.destroy();
      throw error;
    }
  }
  async current({ target: { dataset, connection }, columns }: PublishTask, signal: AbortSignal): Promise<Digest> {
    const session = await MysqlSession.connect(this.connection, this.tools);
    try {
      const table = mysqlTable(dataset, session.context.database);
      if (!await findMysql(session, table)) throw new EtlError('source.not-found', { connection, what: 'table', name: table.name, nearest: 'run the pipeline first' });
      return await digestOfWritten(session, { columns, table: table.quoted, said: table.name, signal });
    } finally {
      await session.end();
    }
  }
  hashed({ target: { dataset }, columns }: PublishTask, ask: HashAsk): HashedRows {
    const hashed = columns.map(({ type }, index) => ({ name: `c${index}`, type }));
    const from = (session: MysqlSession): SqlFragment<'mysql'> => writtenRows(columns, mysqlTable(dataset, session.context.database).quoted);
    return hashedOf({ columns: hashed, from, said: dataset, ask, open: () => MysqlSession.connect(this.connection, this.tools), done: (session) => session.end() });
  }
  #connect(cut?: AbortSignal): Promise<MysqlSession> { return MysqlSession.connect(this.connection, this.tools, { use: 'write', signal: cut }); }
}
/** What a signal cuts until it is open. From then on whoever uses the connection says when it is given up: a commit has its own patience. */
async function whileOpening<T>(signal: AbortSignal | undefined, open: (cut: AbortSignal) => Promise<T>): Promise<T> {
  const opening = new AbortController();
  const giveUp = (): void => { opening.abort(); };
  if (signal?.aborted) giveUp(); else signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await open(opening.signal);
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}
async function slotted(session: MysqlSession, slots: MysqlSlots): Promise<MysqlSession> {
  try { await slots.take(session); } catch (error) { session.destroy(); throw error; }
  return session;
}
interface Facts { readonly task: LoadTask; readonly table: MysqlTable; readonly ledger: MysqlLedger; readonly slots: MysqlSlots; readonly tables: RunTables }

/** Staging, fence and ledger of one run on one table. */
class Writing implements SinkSession {
  readonly #idle: MysqlSession[] = [];
  readonly #lookFor = new Map<string, Place>();
  #fence = 0;
  constructor(private readonly connect: (cut?: AbortSignal) => Promise<MysqlSession>, private control: MysqlSession, private readonly facts: Facts) {}

  async raise(): Promise<number> {
    for (let waits = 0; ; waits += 1) {
      try {
        return this.#fence = await this.#raise();
      } catch (error) {
        if (waits === MOST_WAITS || !(error instanceof EtlError) || error.code !== 'sink.busy') throw error;
        await this.facts.slots.endOthers(await this.#controlled()); // whoever sleeps in the middle of a commit
      }
    }
  }
  /** While the fence is locked nobody can raise it again: all other connections to the table are of older attempts, or about to see that they are. */
  async #raise(): Promise<number> {
    const { ledger, slots } = this.facts;
    const session = await this.#controlled();
    await Promise.all(this.#idle.splice(0).map((idle) => idle.end()));
    try {
      await session.change(compile(sql`START TRANSACTION`));
      const fence = await ledger.raise(session);
      await slots.endOthers(session);
      await this.#settle(session);
      await session.change(compile(sql`COMMIT`));
      return fence;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }
  /** What the renames of an attempt came to that could not say so: its connection is gone, so they are done or will never be. */
  async #settle(session: MysqlSession): Promise<void> {
    const { ledger, table } = this.facts;
    const moving = await ledger.moving(session);
    if (moving !== null) await ledger.settle(session, await findMysql(session, { database: table.database, name: moving, quoted: asName(table.database, moving) }) ? 'stayed' : 'moved');
  }
  async ledger(): Promise<LedgerRow[]> { return this.facts.ledger.rows(await this.#controlled()); }

  async prepare({ fresh }: { fresh: 'keep' | 'start-over' }): Promise<void> {
    const { ledger, tables: { staging } } = this.facts;
    const session = await this.#controlled();
    await ledger.hold(session, this.#fence);
    if (fresh === 'start-over') await this.#drop(session);
    await session.change(compile(sql`CREATE TABLE IF NOT EXISTS ${staging} ${await this.#shape(session)}`), this.facts.table.name);
  }
  /** A target that is there decides what its columns make of a value: so staging has its types, letters and order, and the proof sees the same values. */
  async #shape(session: MysqlSession): Promise<SqlFragment<'mysql'>> {
    const { task, table } = this.facts;
    const list = (each: (column: LoadTask['columns'][number]) => SqlFragment<'mysql'>): SqlFragment<'mysql'> => joinSql(task.columns.map(each), sql`, `);
    if (await findMysql(session, table)) return sql`ENGINE=InnoDB SELECT ${list(({ target }) => sql`${asName(target)}`)} FROM ${table.quoted} LIMIT 0`;
    return sql`(${list(({ target, targetNative, nullable }) => sql`${asName(target)} ${typeName('mysql', targetNative)}${nullable ? sql` NULL` : sql` NOT NULL`}`)}) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4`;
  }
  async begin(range: ChunkRange, signal?: AbortSignal): Promise<ChunkWriter | 'done'> {
    const { task: { columns }, ledger, tables: { staging }, table } = this.facts;
    const session = this.#idle.pop() ?? await whileOpening(signal, (cut) => this.connect(cut));
    return MysqlChunk.begin(range, { session, signal, ledger, fence: this.#fence, staging, table: table.name, columns, lookFor: this.#lookFor, another: this.connect, release: (one) => { this.#idle.push(one); } });
  }
  async stagedDigest({ columns }: PublishTask, signal: AbortSignal): Promise<Digest> {
    return digestOfWritten(await this.#controlled(), { columns, table: this.facts.tables.staging, said: this.facts.table.name, signal });
  }
  async stagedSample({ columns }: PublishTask, sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    return sampleOfWritten(await this.#controlled(), { columns, table: this.facts.tables.staging, said: this.facts.table.name, signal }, sample);
  }

  async publish(task: PublishTask, { rows, digest, onStep }: Staged): Promise<Published> {
    const { ledger, table, tables } = this.facts;
    const before = await ledger.published(await this.#controlled());
    const published = before ?? await this.#published({ session: await this.#controlled(), ledger, fence: this.#fence, task, table, tables, rows, digest, onStep });
    await this.#dropTables(await this.#controlled());
    return published;
  }
  /** A lost answer is asked for; never guessed. */
  async #published(publishing: Parameters<typeof publishRows>[0]): Promise<Published> {
    try {
      return await publishRows(publishing);
    } catch (error) {
      if (!(error instanceof EtlError) || error.code !== 'connection.interrupted') throw error;
      publishing.session.destroy();
      const session = await this.#controlled();
      await this.facts.ledger.hold(session, this.#fence);
      await this.#settle(session);
      const published = await this.facts.ledger.published(session);
      if (published) return published;
      throw new EtlError('sink.commit-unknown', {}, { cause: error });
    }
  }
  /** Only while the fence is ours: a later attempt may be using staging. */
  async discard(): Promise<void> {
    const session = await this.#controlled();
    try {
      await this.facts.ledger.hold(session, this.#fence);
    } catch (error) {
      if (error instanceof EtlError && error.code === 'lease.lost') return;
      throw error;
    }
    await this.#drop(session);
  }
  async abandon(): Promise<void> { await this.#drop(await this.#controlled()); }
  async close(): Promise<void> {
    await Promise.all([...this.#idle.splice(0), this.control].map((session) => session.end()));
  }

  /** The ledger rows go first: staging without them is never published. */
  async #drop(session: MysqlSession): Promise<void> {
    await this.#settle(session);
    await this.facts.ledger.forget(session);
    await this.#dropTables(session);
  }
  async #dropTables(session: MysqlSession): Promise<void> {
    const { staging, next, old } = this.facts.tables;
    await session.change(compile(sql`DROP TABLE IF EXISTS ${staging}, ${next}, ${old}`), this.facts.table.name);
  }
  async #controlled(): Promise<MysqlSession> {
    if (this.control.isCut) this.control = await this.connect();
    return this.control;
  }
}
