import { createHash } from 'node:crypto';
import { type Carrier, type ColumnMapping, type Counted, type Digest, EtlError, type Judging, type LoadTask, type Measured, type Measuring, type PostgresConnection } from '@agent-etl/contracts';
import { type SqlFragment, compile, identifier, joinSql, literal, sqlFor, typeName } from '@agent-etl/sql-safety';
import { schemaDrifted } from '../drift-failure.ts';
import { otherTask } from '../hand-off/part-tasks-rules.ts';
import type { BucketSample, BucketSum, ChunkRange, ConnectorTools, FileScan, HashAsk, HashedRows, Reached, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { cutBackfill, cutSlice, reachOf, withinSlice } from './cursor-slice.ts';
import { describeColumns, fingerprintOf } from './describe-relation.ts';
import { countingSql, measuredOf } from '../judged/counting-sql.ts';
import { type JudgedRelation, breaks, judgedCell, judgedRows, judgedValue, keptRows } from './judged-source-sql.ts';
import { namedMisfit } from './named-misfit.ts';
import { PostgresSession } from './postgres-session.ts';
import { type Relation, quoted, relationOf } from './relation-name.ts';
import { SnapshotHolder, beginOn } from './snapshot-holder.ts';
import { keysIntoPostgres } from '../masks/mask-keys.ts';
import { combiningOf, reachingOf, readAgain, rowsOf } from './source-rows.ts';
import { type DigestInput, hashedRows, sourceValue, textDigest, textSample } from './text-digest.ts';

const sql = sqlFor('postgres');
type Pg = SqlFragment<'postgres'>;
const PAGE_BYTES = 8_192;

/** A column as it travels. In frames it has the type of the target, so that equal frames mean equal rows; as text it keeps its own, and the target says which
 * value does not fit. The blanks that char(n) adds are no part of a text. */
const travelling = ({ source, sourceNative, targetNative }: ColumnMapping, carrier: Carrier, value = sql`${identifier(source)}`): Pg => {
  if (sourceNative === targetNative) return value;
  if (carrier === 'frames') return sql`${value}::${typeName('postgres', targetNative)}`;
  return sourceNative.startsWith('character(') ? sql`${value}::text` : value;
};
const within = ({ from, to }: Pick<ChunkRange, 'from' | 'to'>, { chunks, cursor, slice }: LoadTask): Pg => {
  if (slice) return withinSlice({ from: from ?? slice.from, to: to ?? slice.to }, slice);
  if (chunks.by === 'cursor' && cursor) return withinSlice({ from, to }, cursor);
  const edge = (page: string): Pg => sql`${literal('postgres', `(${Number(page)},0)`)}::tid`;
  const parts = [...(from === null ? [] : [sql`ctid >= ${edge(from)}`]), ...(to === null ? [] : [sql`ctid < ${edge(to)}`])];
  return parts.length ? sql` WHERE ${joinSql(parts, sql` AND `)}` : sql``;
};

/** All of the given pieces, which lie one behind the other. */
const whole = (ranges: readonly ChunkRange[], task: LoadTask): Pg => within({ from: ranges[0]?.from ?? null, to: ranges.at(-1)?.to ?? null }, task);

export class PostgresSource implements Source {
  readonly offers = ['frames', 'text'] as const;
  constructor(private readonly connection: PostgresConnection, private readonly tools: ConnectorTools) {}

  async begin(task: LoadTask, snapshot: string | null): Promise<SourceSession> {
    const relation = relationOf(task.source.dataset);
    await readAgain(task.transform, relation);
    const session = await PostgresSession.connect(this.connection, { tools: this.tools });
    try {
      const others = (task.transform?.inputs ?? []).map((input) => ({ task: otherTask(task, input), relation: relationOf(input.source.dataset) }));
      const holder = await SnapshotHolder.open(session, eachOnce([relation, ...others.map((other) => other.relation)]), snapshot);
      const fingerprint = await unchanged(session, relation, task);
      for (const other of others) await unchanged(session, other.relation, other.task);
      await keysIntoPostgres(session, task.transform, this.tools.secrets);
      const [size] = await session.run<{ pages: string; lies: boolean }>(compile(sql`SELECT pg_relation_size(c.oid) / current_setting('block_size')::int AS pages, c.relkind IN ('r', 'p', 'm') AS lies FROM pg_class c WHERE c.oid = to_regclass(${quoted(relation)})`));
      if (snapshot !== null) holder.hold();
      return new Reading(this.connection, this.tools, { task, relation, holder, fingerprint, pages: Number(size?.pages ?? 0), hasPlace: size?.lies ?? false });
    } catch (error) {
      await session.end();
      throw error;
    }
  }
}

const eachOnce = (relations: readonly Relation[]): Relation[] => relations.filter(({ text }, index) => relations.findIndex((other) => other.text === text) === index);
async function unchanged(session: PostgresSession, relation: Relation, task: LoadTask): Promise<string> {
  const now = await describeColumns(session, relation);
  const fingerprint = fingerprintOf(now);
  if (fingerprint !== task.sourceFingerprint) throw schemaDrifted(task, now);
  return fingerprint;
}

/** A lock that does not come means that somebody waits to change the table, and waits for us: the picture is given up, then both go on. */
const brokenRing = (failure: unknown): unknown => (failure instanceof EtlError && (failure.code === 'sink.busy' || failure.code === 'source.busy') ? new EtlError('source.snapshot-lost', {}, { cause: failure }) : failure);

interface Facts { readonly task: LoadTask; readonly relation: Relation; readonly holder: SnapshotHolder; readonly fingerprint: string; readonly pages: number; readonly hasPlace: boolean }

/** One picture, read over connections that come and go. */
class Reading implements SourceSession {
  readonly snapshot: string;
  readonly #idle: PostgresSession[] = [];
  constructor(private readonly connection: PostgresConnection, private readonly tools: ConnectorTools, private readonly facts: Facts) { this.snapshot = facts.holder.snapshot; }

  /** Of several pieces an attempt may find some done, and needs this picture for the others. One piece that may be done needs it for its digest and its counts: without it a join is
   * computed again. Where the picture's own connection reads the piece it cannot sleep beside that. */
  async cut(part?: { since: string; signal: AbortSignal }): Promise<ChunkRange[]> {
    const ranges = await this.#cut(part);
    if (ranges.length > 1 || !this.#cannotMisfit()) this.facts.holder.hold();
    return ranges;
  }
  async #cut(part?: { since: string; signal: AbortSignal }): Promise<ChunkRange[]> {
    const { task, relation, pages, fingerprint } = this.facts;
    const { cursor, slice } = task;
    if (slice) return this.#asking(part?.signal ?? new AbortController().signal, (session) => cutBackfill({ session, relation, task }, slice, fingerprint));
    if (part && cursor) return this.#asking(part.signal, (session) => cutSlice({ session, relation, task, cursor }, { since: part.since, fingerprint }));
    const perChunk = Math.max(1, Math.ceil(task.chunks.targetBytes / PAGE_BYTES));
    const count = task.chunks.by === 'whole' ? 1 : Math.max(1, Math.ceil(pages / perChunk));
    return Array.from({ length: count }, (_, ordinal): ChunkRange => {
      const from = ordinal === 0 ? null : String(ordinal * perChunk);
      const to = ordinal === count - 1 ? null : String((ordinal + 1) * perChunk); // the last is open: pages may have been added since
      return { ordinal, from, to, key: createHash('sha256').update(JSON.stringify([task.source.dataset, fingerprint, from, to])).digest('hex') };
    });
  }
  async reach(signal: AbortSignal): Promise<string | null> {
    const { task, relation } = this.facts;
    const { cursor } = task;
    return cursor ? this.#asking(signal, (session) => reachOf({ session, relation, task, cursor })) : null;
  }
  /** Asks what the load cannot do without: where the picture's own connection is free, on that. */
  #asking<T>(signal: AbortSignal, work: (session: PostgresSession) => Promise<T>): Promise<T> { return this.#reading(signal, work, () => this.#borrowed()); }
  /** Asks something on the picture. */
  async #reading<T>(signal: AbortSignal, work: (session: PostgresSession) => Promise<T>, open = () => this.#reader()): Promise<T> {
    const session = await open();
    const stop = (): void => { void session.cancel(); };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const answer = await work(session);
      await this.#release(session);
      return answer;
    } catch (error) {
      session.destroy();
      throw signal.aborted ? signal.reason : brokenRing(error);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
  async read(range: ChunkRange, { to, onRead, signal }: ReadOptions): Promise<ReadCount> {
    const { task, relation, holder } = this.facts;
    holder.check();
    const session = await (this.#cannotMisfit() ? this.#borrowed() : this.#reader());
    try {
      const isFrames = task.carrier === 'frames';
      const mode = !isFrames ? 'payload' : task.digest === 'pg-frame' && task.level !== 'sampled' ? 'hash' : 'count';
      const copy = await session.copyOut(compile(this.#copyOut(range)), mode);
      const { rows, bytes, lanes } = await copy.pump({ to, onRead, signal, stop: () => { void session.cancel().finally(() => { session.destroy(); }); } });
      await this.#release(session);
      return { rows, bytes, digest: mode === 'hash' ? { kind: 'pg-frame', rows, ...lanes } : null };
    } catch (error) {
      session.destroy();
      if (signal.aborted) throw signal.reason;
      holder.check();
      throw await namedMisfit(brokenRing(session.failure(error, { phase: 'reading', relation: relation.text, right: 'SELECT' })), { open: () => this.#reader(), relation, task, where: within(range, task) });
    }
  }
  scan(): FileScan { throw new Error('a Postgres source is no file'); }

  async digest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    return this.facts.task.digest === 'pg-frame' ? this.#frameDigest(ranges, signal) : this.#hashing(ranges, signal, textDigest);
  }
  sampled(ranges: readonly ChunkRange[], sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    return this.#hashing(ranges, signal, (session, input) => textSample(session, input, sample));
  }
  /** Hashes rows where they lie. */
  async #hashing<T>(ranges: readonly ChunkRange[], signal: AbortSignal, hash: (session: PostgresSession, input: DigestInput) => Promise<T>): Promise<T> {
    const { task, relation } = this.facts;
    const where = whole(ranges, task);
    try {
      const values = task.columns.map((column) => ({ value: sourceValue(column, task.engine), type: column.type }));
      return await this.#reading(signal, (session) => hash(session, { values, from: this.#kept(where), phase: 'hashing' }));
    } catch (error) {
      throw signal.aborted ? error : await namedMisfit(error, { open: () => this.#reader(), relation, task, where });
    }
  }
  async #frameDigest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    const nowhere = { write: () => true, drained: async () => undefined };
    let [rows, a, b] = [0, 0n, 0n];
    for (const range of ranges) {
      const { digest } = await this.read(range, { to: nowhere, onRead: () => undefined, signal });
      if (digest) { rows += digest.rows; a += BigInt(digest.a); b += BigInt(digest.b); }
    }
    return { kind: 'pg-frame', rows, a: String(a), b: String(b) };
  }
  async reached(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Reached> {
    const { task: { transform }, task, relation } = this.facts;
    if (!transform) throw new TypeError('a task without steps');
    const part = { relation, where: whole(ranges, task) };
    const about = { relation: relation.text, phase: 'counting', right: 'SELECT' } as const;
    return this.#reading(signal, async (session) => {
      const [found] = await session.run<{ seen: string; kept: string }>(compile(reachingOf(transform, part)), about);
      const combined: Counted[] = [];
      for (const { counted, read } of combiningOf(transform, part)) combined.push(read((await session.run<Record<string, unknown>>(compile(counted), about))[0] ?? {}));
      return { seen: Number(found?.seen), kept: Number(found?.kept), ...(combined.length ? { combined } : {}) };
    });
  }
  async measured(ranges: readonly ChunkRange[], measuring: Measuring, signal: AbortSignal): Promise<Measured> {
    const { task: { columns }, task, relation } = this.facts;
    const counting = { from: sql`(SELECT * FROM ${rowsOf(task, { relation, where: whole(ranges, task) })}) AS "agent-etl: row"`, columns, value: (index: number) => judgedValue(columns[index]!.source), breaks: (check: Parameters<typeof breaks>[0]) => breaks(check, columns) };
    const [found] = await this.#reading(signal, (session) => session.run<Record<string, string>>(compile(countingSql('postgres', measuring, counting)), { relation: relation.text, phase: 'counting', right: 'SELECT' }));
    return measuredOf(found, { columns, checks: measuring.checks });
  }
  hashed(ask: HashAsk): HashedRows {
    const { task } = this.facts;
    const values = task.columns.map((column) => ({ value: sourceValue(column, task.engine), type: column.type }));
    return hashedRows({ open: () => this.#reader(), done: (session) => this.#release(session), values, from: this.#kept(sql``), ask });
  }
  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((session) => session.end()));
    await this.facts.holder.close();
  }
  async leave(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((session) => session.end()));
    await this.facts.holder.leave();
  }

  #copyOut(range: ChunkRange): Pg {
    const { task, relation } = this.facts;
    if (task.judging) return this.#judgedOut(range, task.judging);
    const list = joinSql(task.columns.map((column) => travelling(column, task.carrier)), sql`, `);
    const how = task.carrier === 'frames' ? sql`FORMAT binary` : sql`FORMAT csv, FORCE_QUOTE *`;
    return sql`COPY (SELECT ${list} FROM ${rowsOf(task, { relation, where: within(range, task) })}) TO STDOUT (${how})`;
  }
  #judgedOut(range: ChunkRange, judging: Judging): Pg {
    const { task } = this.facts;
    const list = joinSql([judgedCell, ...task.columns.map((column) => travelling(column, task.carrier, judgedValue(column.source)))], sql`, `);
    return sql`COPY (SELECT ${list} FROM (${judgedRows(this.#judged(judging, within(range, task)))}) AS judged) TO STDOUT (FORMAT csv, FORCE_QUOTE *)`;
  }
  #judged(judging: Judging, where: Pg): JudgedRelation {
    const { task, relation, hasPlace } = this.facts;
    // Behind steps a row lies nowhere.
    return { from: rowsOf(task, { relation, where }), hasPlace: hasPlace && !task.transform, columns: task.columns, judging };
  }
  /** The rows that go into the target. */
  #kept(where: Pg): Pg {
    const { task, relation } = this.facts;
    return task.judging?.bad === 'aside' ? keptRows(this.#judged(task.judging, where)) : rowsOf(task, { relation, where });
  }
  async #reader(): Promise<PostgresSession> {
    const idle = this.#idle.pop();
    const session = idle && !idle.isBroken ? idle : await PostgresSession.connect(this.connection, { tools: this.tools });
    try { await beginOn(session, this.snapshot); await keysIntoPostgres(session, this.facts.task.transform, this.tools.secrets); } catch (error) { session.destroy(); throw error; }
    return session;
  }
  async #borrowed(): Promise<PostgresSession> { return this.facts.holder.borrow() ?? this.#reader(); }
  /** Nothing is asked of the values on their way: no other reader will have to look for one that does not fit. */
  #cannotMisfit(): boolean {
    const { task: { carrier, columns, transform, judging } } = this.facts;
    return carrier === 'frames' && !transform && !judging && columns.every(({ sourceNative, targetNative }) => sourceNative === targetNative);
  }
  async #release(session: PostgresSession): Promise<void> {
    if (session === this.facts.holder.session) { this.facts.holder.giveBack(); return; }
    await session.run(compile(sql`COMMIT`));
    this.#idle.push(session);
  }
}
