import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type AsideReason, type Digest, EtlError, type LoadTask, type MaskKeys, type PostgresConnection, type PublishTask, type QuarantineAsk, type QuarantinePage } from '@agent-etl/contracts';
import { type SqlIdentifier, compile, identifier, joinSql, sqlFor, typeName } from '@agent-etl/sql-safety';
import type { BucketSample, BucketSum, ChunkRange, ChunkWriter, ConnectorTools, HashAsk, HashedRows, LedgerRow, Published, Sink, SinkSession, Staged, Writer } from '../port.ts';
import { PostgresChunk } from './postgres-chunk.ts';
import { CURRENT } from './postgres-history.ts';
import { finishStaging, makeVisible } from './postgres-publish.ts';
import type { Publishing } from './publishing.ts';
import { PostgresSession } from './postgres-session.ts';
import { type Relation, relationOf } from './relation-name.ts';
import { QuarantineTable, readQuarantine } from './quarantine-table.ts';
import { PUBLISH_KEY, SinkLedger } from './sink-ledger.ts';
import { SinkPosition } from './sink-position.ts';
import { type TableOf, digestOfTable, sampleOfTable } from './table-digest.ts';
import { hashedRows, stagedValue } from './text-digest.ts';

const sql = sqlFor('postgres');
/** How long a raise waits for commits in flight before it ends what holds it up. */
const PATIENCE_MS = 3_000;
const MOST_WAITS = 5;
/** Ways to publish behind which no row of before is left. */
const REPLACING: readonly PublishTask['how'][] = ['rename', 'swap', 'truncate-insert'];
/** Connections that read a table back when nothing says otherwise. */
const PROVING = 2;
async function isSlow(work: Promise<unknown>): Promise<boolean> {
  const waited = new AbortController();
  try {
    return await Promise.race([work.then(() => false, () => false), setTimeout(PATIENCE_MS, true, { signal: waited.signal })]);
  } finally {
    waited.abort();
  }
}

export class PostgresSink implements Sink {
  readonly accepts = ['frames', 'text'] as const;
  constructor(private readonly connection: PostgresConnection, private readonly tools: ConnectorTools) {}
  async begin(task: LoadTask, writer: Writer): Promise<SinkSession> {
    const relation = relationOf(task.target.dataset);
    const connect = (): Promise<PostgresSession> => this.#connect();
    const control = await connect();
    try {
      const ledger = new SinkLedger(relation.text, writer);
      await ledger.install(control);
      const quarantine = new QuarantineTable(relation.text, writer);
      if (task.judging?.bad === 'aside') await quarantine.install(control);
      const stagingTable = `s_${createHash('sha256').update(`${writer.runId}/${writer.task}`).digest('hex').slice(0, 32)}`;
      return new Writing(connect, control, { task, relation, ledger, quarantine, runId: writer.runId, position: new SinkPosition(relation), stagingTable, staging: identifier('_etl', stagingTable), lanes: this.tools.lanes ?? PROVING });
    } catch (error) {
      await control.end();
      throw error;
    }
  }
  current(task: PublishTask, signal: AbortSignal): Promise<Digest> {
    const relation = relationOf(task.target.dataset);
    return digestOfTable(task, { table: relation.name, schema: relation.schema, name: relation.table, said: relation.text, connect: () => this.#connect(), done: (session) => session.end(), signal, lanes: this.tools.lanes ?? PROVING, only: task.how === 'scd2' ? CURRENT : undefined });
  }
  async quarantine(dataset: string, ask: QuarantineAsk): Promise<QuarantinePage> {
    const session = await this.#connect();
    try { return await readQuarantine(session, relationOf(dataset).text, ask); } finally { await session.end(); }
  }
  hashed({ target, columns, engine, how }: PublishTask, ask: HashAsk): HashedRows {
    const values = columns.map((column) => ({ value: stagedValue(column, engine), type: column.type }));
    return hashedRows({ open: () => this.#connect(), done: (session) => session.end(), values, from: sql`${relationOf(target.dataset).name}${how === 'scd2' ? sql` WHERE ${CURRENT}` : sql``}`, ask });
  }
  #connect(): Promise<PostgresSession> { return PostgresSession.connect(this.connection, { tools: this.tools }); }
}
interface Facts { readonly task: LoadTask; readonly relation: Relation; readonly ledger: SinkLedger; readonly quarantine: QuarantineTable; readonly runId: string; readonly position: SinkPosition; readonly stagingTable: string; readonly staging: SqlIdentifier; readonly lanes: number }

/** Staging, fence and ledger of one run on one table. */
class Writing implements SinkSession {
  readonly #idle: PostgresSession[] = [];
  #lent: PostgresSession | null = null;
  #fence = 0;
  constructor(private readonly connect: () => Promise<PostgresSession>, private control: PostgresSession, private readonly facts: Facts) {}

  async raise(): Promise<number> {
    const { ledger } = this.facts;
    const session = await this.#controlled();
    const raising = ledger.raise(session);
    for (let patience = 0; patience < MOST_WAITS && await isSlow(raising); patience += 1) await this.#endHolders(session.pid);
    this.#fence = await raising;
    return this.#fence;
  }
  async #endHolders(waiting: number): Promise<void> {
    const session = await this.connect();
    try { await this.facts.ledger.endHolders(session, waiting); } finally { await session.end(); }
  }
  async ledger(): Promise<LedgerRow[]> { return this.facts.ledger.rows(await this.#controlled()); }

  async position(): Promise<string | null> {
    const { task: { cursor }, position } = this.facts;
    return cursor ? position.find(await this.#controlled(), cursor) : null;
  }
  async maskedUnder(): Promise<MaskKeys | null> {
    const { task: { cursor, id }, position, ledger, relation } = this.facts;
    const session = await this.#controlled();
    return (cursor ? await position.maskedUnder(session, cursor, id) : null) ?? ledger.maskedUnder(session, relation);
  }
  async prepare({ fresh }: { fresh: 'keep' | 'start-over' }): Promise<void> {
    const { staging, task } = this.facts;
    const columns = joinSql(task.columns.map(({ target, targetNative, nullable }) => sql`${identifier(target)} ${typeName('postgres', targetNative)}${nullable ? sql`` : sql` NOT NULL`}`), sql`, `);
    await this.#fenced(async (session) => {
      if (fresh === 'start-over') await this.#drop(session);
      if (fresh === 'start-over' && task.judging?.bad === 'aside') await this.facts.quarantine.forget(session);
      await session.run(compile(sql`CREATE TABLE IF NOT EXISTS ${staging} (${columns})`), { right: 'LEDGER' });
    });
  }
  async begin(range: ChunkRange, signal?: AbortSignal): Promise<ChunkWriter | 'done'> {
    const { task, ledger, quarantine, staging, relation } = this.facts;
    const session = await this.#lane();
    const how = task.carrier === 'frames' ? sql`FORMAT binary` : sql`FORMAT csv`;
    const copy = sql`COPY ${staging} (${joinSql(task.columns.map(({ target }) => sql`${identifier(target)}`), sql`, `)}) FROM STDIN (${how})`;
    return PostgresChunk.begin(range, { session, signal, ledger, quarantine, fence: this.#fence, task, copy, relation: relation.text, another: this.connect, release: (one) => { this.#takeBack(one); } });
  }
  /** A connection that moves rows. The first is the one that asks, which has nothing to ask meanwhile. */
  async #lane(): Promise<PostgresSession> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#lent || this.control.isBroken) return this.connect();
    return this.#lent = this.control;
  }
  #takeBack(session: PostgresSession): void {
    const isControl = session === this.control;
    if (session === this.#lent) this.#lent = null;
    if (!isControl && !session.isBroken) this.#idle.push(session);
  }

  async aside(): Promise<AsideReason[]> { return this.facts.task.judging?.bad === 'aside' ? this.facts.quarantine.reasons(await this.#controlled()) : []; }

  /** Nothing writes there while the fence is ours. */
  stagedDigest(task: PublishTask, signal: AbortSignal): Promise<Digest> {
    return digestOfTable(task, this.#staged(signal));
  }

  stagedSample(task: PublishTask, sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    return sampleOfTable(task, this.#staged(signal), sample);
  }
  #staged(signal: AbortSignal): TableOf {
    const { staging, stagingTable, relation, lanes } = this.facts;
    return { table: staging, schema: '_etl', name: stagingTable, said: relation.text, connect: () => this.#lane(), done: async (session) => { this.#takeBack(session); }, signal, lanes };
  }

  async publish(task: PublishTask, staged: Staged): Promise<Published> {
    const { ledger, staging, stagingTable, relation } = this.facts;
    const before = await ledger.published(await this.#controlled());
    if (before) return before;
    const publishing = { task, staging, stagingTable, relation, ...staged };
    await finishStaging({ ...publishing, session: await this.#controlled() });
    return this.#fenced(async (session) => {
      if (!(await ledger.claim(session, PUBLISH_KEY, this.#fence))) {
        const done = await ledger.published(session);
        if (done) return done;
        throw new EtlError('sink.commit-unknown');
      }
      const written = (await ledger.rows(session)).reduce((sum, { chunkKey, rows }) => sum + (chunkKey === PUBLISH_KEY ? 0 : rows), 0);
      if (written !== staged.rows) throw new EtlError('sink.reconcile-mismatch', { difference: `the ledger has ${written} rows, staging ${staged.rows}` });
      const keys = await this.#maskedBehind(session, task, staged.maskKeys);
      const visible = await this.#makeVisible({ ...publishing, session }, staged.span);
      await ledger.fillPublished(session, { ...visible, digest: staged.digest, maskKeys: staged.maskKeys }, keys && { relation, keys });
      staged.onStep?.('applied');
      return visible;
    });
  }
  /** Which keys the rows will be masked under that are there behind a publish; null where they stay what they are. */
  async #maskedBehind(session: PostgresSession, { how }: PublishTask, own: MaskKeys | undefined): Promise<MaskKeys | null> {
    if (REPLACING.includes(how)) return own ?? {};
    return own ? { ...await this.facts.ledger.maskedUnder(session, this.facts.relation), ...own } : null;
  }
  /** Rows and the position that they reach, in one transaction. */
  async #makeVisible(publishing: Publishing, span: Staged['span']): Promise<Published> {
    const { position, runId } = this.facts;
    const { session, task: { how, cursor } } = publishing;
    if (cursor?.read === 'since') await position.mustBe(session, cursor, span?.from ?? null);
    const visible = await makeVisible(publishing);
    if (publishing.task.replays) await this.facts.quarantine.markReplayed(session, publishing.task.replays);
    if (REPLACING.includes(how)) await position.forgetAll(session);
    if (cursor) await position.move(session, cursor, { to: span?.to ?? null, runId });
    return visible;
  }
  /** Only while the fence is ours: a later attempt may be using staging. */
  async discard(): Promise<void> {
    try {
      await this.#fenced((session) => this.#drop(session));
    } catch (error) {
      if (!(error instanceof EtlError) || error.code !== 'lease.lost') throw error;
    }
  }
  async abandon(): Promise<void> {
    await this.#inTransaction(async (session) => {
      await session.run(compile(sql`SET LOCAL lock_timeout = '5s'`));
      await this.#drop(session);
    });
  }
  async #drop(session: PostgresSession): Promise<void> {
    const { staging, ledger } = this.facts;
    await session.run(compile(sql`DROP TABLE IF EXISTS ${staging}`));
    await ledger.forget(session);
  }
  async close(): Promise<void> {
    const all = new Set([...this.#idle.splice(0), this.control, ...(this.#lent ? [this.#lent] : [])]);
    await Promise.all([...all].map((session) => session.end()));
  }

  async #controlled(): Promise<PostgresSession> {
    if (this.control.isBroken || this.control === this.#lent) this.control = await this.connect();
    return this.control;
  }
  #fenced<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    return this.#inTransaction(async (session) => {
      await this.facts.ledger.hold(session, this.#fence);
      return work(session);
    });
  }
  async #inTransaction<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    const session = await this.#controlled();
    try {
      await session.run(compile(sql`BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'`));
      const answer = await work(session);
      await session.run(compile(sql`COMMIT`), { phase: 'committing' });
      return answer;
    } catch (error) {
      session.destroy(); // the server rolls back; the next call dials again
      throw error;
    }
  }
}
