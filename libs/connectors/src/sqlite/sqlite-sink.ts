import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type AsideReason, type Digest, EtlError, type LoadTask, type PublishTask, type QuarantineAsk, type QuarantinePage } from '@agent-etl/contracts';
import { type SqlFragment, type SqlIdentifier, compile, joinSql, sqlFor, typeName } from '@agent-etl/sql-safety';
import { Md5Lanes } from '../digest/md5-lanes.ts';
import { folderFailure } from '../file/file-folder.ts';
import type { BucketSample, BucketSum, ChunkRange, ChunkWriter, ConnectorTools, HashAsk, HashedRows, LedgerRow, Published, Sink, SinkSession, Staged, Writer } from '../port.ts';
import { affinityOf } from './cell-value-rules.ts';
import { describeTable } from './describe-table.ts';
import { hashedRowsOf } from './hashed-rows.ts';
import { sampleOf } from './sampled-rows.ts';
import { hashedSql } from './row-sql.ts';
import { SqliteChunk, stagingName } from './sqlite-chunk.ts';
import { SqliteDatabase, databaseFile } from './sqlite-database.ts';
import { PUBLISH_KEY, SqliteLedger } from './sqlite-ledger.ts';
import { SqliteQuarantine, readQuarantine } from './sqlite-quarantine.ts';
import type { Place } from './sqlite-profile.ts';
import { makeVisible } from './sqlite-publish.ts';
import { type Table, columnName, tableOf } from './table-name.ts';

const sql = sqlFor('sqlite');
const BREATH = 2_000;

export class SqliteSink implements Sink {
  readonly accepts = ['text'] as const;
  constructor(private readonly place: Place, private readonly tools: ConnectorTools) {}

  /** Opens the file, or makes it. @throws EtlError `request.unsupported` for a copy inside one file that cannot be read while it is written */
  async begin(task: LoadTask, writer: Writer): Promise<SinkSession> {
    const { connection, gate } = this.place;
    const table = tableOf(task.target.dataset);
    const path = await databaseFile(gate, connection.file) ?? await made(this.place);
    const open = (): SqliteDatabase => SqliteDatabase.open(path, { connection: connection.name, file: connection.file, action: 'write', table: table.name });
    const control = open();
    try {
      if (task.source.connection === task.target.connection) mustReadWhileWritten(control);
      const ledger = new SqliteLedger(table.name, writer);
      ledger.install(control);
      const quarantine = new SqliteQuarantine(table.name, writer);
      if (task.judging?.bad === 'aside') quarantine.install(control);
      const staging = stagingName(createHash('sha256').update(`${writer.runId}/${writer.task}`).digest('hex'));
      return new Writing(open, control, { task, table, ledger, quarantine, staging, scratch: this.tools.scratch });
    } catch (error) {
      control.close();
      throw error;
    }
  }
  async quarantine(dataset: string, ask: QuarantineAsk): Promise<QuarantinePage> {
    const { connection, gate } = this.place;
    const table = tableOf(dataset);
    const path = await databaseFile(gate, connection.file);
    if (path === null) return { groups: [], rows: [], next: null };
    const database = SqliteDatabase.open(path, { connection: connection.name, file: connection.file, action: 'read', table: table.name });
    try { return readQuarantine(database, table.name, ask); } finally { database.close(); }
  }
  current(task: PublishTask, signal: AbortSignal): Promise<Digest> {
    return this.#read(task, (database, from) => hashRows(database, { columns: task.columns, from, signal }));
  }
  hashed(task: PublishTask, ask: HashAsk): HashedRows {
    const columns = task.columns.map(({ target, type }) => ({ source: target, type }));
    return hashedRowsOf({ columns, from: sql`main.${tableOf(task.target.dataset).quoted}`, ask, within: (work) => this.#read(task, work) });
  }
  async #read<T>({ target: { dataset } }: PublishTask, work: (database: SqliteDatabase, from: SqlFragment<'sqlite'>) => Promise<T>): Promise<T> {
    const { connection, gate } = this.place;
    const table = tableOf(dataset);
    const path = await databaseFile(gate, connection.file);
    if (path === null) throw new EtlError('source.not-found', { connection: connection.name, what: 'file', name: connection.file, nearest: 'run the pipeline first' });
    const database = SqliteDatabase.open(path, { connection: connection.name, file: connection.file, action: 'read', table: table.name });
    try {
      if (!describeTable(database, table)) throw new EtlError('source.not-found', { connection: connection.name, what: 'table', name: table.name, nearest: 'run the pipeline first' });
      return await work(database, sql`main.${table.quoted}`);
    } finally {
      database.close();
    }
  }
}
interface Rows { readonly columns: PublishTask['columns']; readonly from: SqlFragment<'sqlite'>; readonly signal: AbortSignal }
async function hashRows(database: SqliteDatabase, { columns, from, signal }: Rows): Promise<Digest> {
  const lanes = new Md5Lanes();
  const read = columns.map(({ target, type }) => ({ source: target, type }));
  for (const [hashed] of database.rows(compile(sql`SELECT ${hashedSql(read)} FROM ${from}`))) {
    lanes.add(hashed as Uint8Array);
    if (lanes.rows % BREATH === 0) { signal.throwIfAborted(); await setImmediate(); }
  }
  return lanes.digest();
}
async function made({ connection, gate }: Place): Promise<string> {
  const path = await gate.writable(connection.file);
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw folderFailure(error, { connection: connection.name, dataset: connection.file, action: 'write' });
  }
  return path;
}
function mustReadWhileWritten(database: SqliteDatabase): void {
  const [mode] = database.run<{ journal_mode: string }>(compile(sql`PRAGMA journal_mode`));
  if (mode?.journal_mode !== 'wal') throw new EtlError('request.unsupported', { found: 'a copy inside one SQLite file without a write-ahead log', allowed: 'another file, or run PRAGMA journal_mode = WAL on this one first' });
}
interface Facts { readonly task: LoadTask; readonly table: Table; readonly ledger: SqliteLedger; readonly quarantine: SqliteQuarantine; readonly staging: SqlIdentifier; readonly scratch: string }

/** Staging, fence and ledger of one run on one table. */
class Writing implements SinkSession {
  #fence = 0;
  constructor(private readonly open: () => SqliteDatabase, private readonly control: SqliteDatabase, private readonly facts: Facts) {}

  async raise(): Promise<number> {
    this.#fence = this.facts.ledger.raise(this.control);
    return this.#fence;
  }
  async ledger(): Promise<LedgerRow[]> { return this.facts.ledger.rows(this.control); }

  async prepare({ fresh }: { fresh: 'keep' | 'start-over' }): Promise<void> {
    this.#fenced(() => {
      if (fresh === 'start-over') this.#drop();
      if (fresh === 'start-over' && this.facts.task.judging?.bad === 'aside') this.facts.quarantine.forget(this.control);
      this.control.run(compile(sql`CREATE TABLE IF NOT EXISTS main.${this.facts.staging} (${this.#shape()})`));
    });
  }
  /** A target that is there decides what its columns make of a value: so staging has the same affinities, and the proof sees the same values. */
  #shape(): SqlFragment<'sqlite'> {
    const { task, table } = this.facts;
    const there = describeTable(this.control, table);
    return joinSql(task.columns.map(({ target, targetNative, nullable }) => {
      const column = there?.columns.find(({ name }) => name === target);
      if (!there || !column) return sql`${columnName(target)} ${typeName('sqlite', targetNative)}${nullable ? sql`` : sql` NOT NULL`}`;
      const affinity = affinityOf(column.type);
      return affinity === '' ? sql`${columnName(target)}` : sql`${columnName(target)} ${typeName('sqlite', affinity)}`;
    }), sql`, `);
  }
  async begin(range: ChunkRange): Promise<ChunkWriter | 'done'> {
    const { task: { columns, judging }, ledger, quarantine, staging, scratch } = this.facts;
    const database = this.open();
    try {
      return SqliteChunk.begin(range, { database, ledger, quarantine, pipeline: judging?.bad === 'aside' ? judging.pipeline : null, fence: this.#fence, staging, scratch, columns, shape: this.#shape() });
    } catch (error) {
      database.close();
      throw error;
    }
  }
  async aside(): Promise<AsideReason[]> { return this.facts.task.judging?.bad === 'aside' ? this.facts.quarantine.reasons(this.control) : []; }
  stagedDigest({ columns }: PublishTask, signal: AbortSignal): Promise<Digest> {
    return hashRows(this.control, { columns, from: sql`main.${this.facts.staging}`, signal });
  }
  stagedSample({ columns }: PublishTask, sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    return sampleOf(this.control, { columns: columns.map(({ target, type }) => ({ source: target, type })), froms: [sql`main.${this.facts.staging}`], sample, signal });
  }

  async publish(task: PublishTask, { rows, digest, onStep }: Staged): Promise<Published> {
    const { ledger, staging, table } = this.facts;
    const before = ledger.published(this.control);
    if (before) return before;
    this.control.run(compile(sql`BEGIN IMMEDIATE`));
    try {
      ledger.hold(this.control, this.#fence);
      const written = ledger.rows(this.control).reduce((sum, { chunkKey, rows }) => sum + (chunkKey === PUBLISH_KEY ? 0 : rows), 0);
      if (written !== rows) throw new EtlError('sink.reconcile-mismatch', { difference: `the ledger has ${written} rows, staging ${rows}` });
      const hash = (): Promise<Digest> => hashRows(this.control, { columns: task.columns, from: sql`main.${table.quoted}`, signal: new AbortController().signal });
      const visible = await makeVisible({ database: this.control, task, table, staging, rows, digest, onStep, hash });
      if (task.replays) this.facts.quarantine.markReplayed(this.control, task.replays);
      ledger.add(this.control, { chunkKey: PUBLISH_KEY, fence: this.#fence, counts: { rows: 0, rejected: 0, bytes: 0, digest }, published: visible });
      onStep?.('applied');
      this.control.run(compile(sql`COMMIT`));
      return visible;
    } catch (error) {
      this.control.rollback();
      throw error;
    }
  }
  /** Only while the fence is ours: a later attempt may be using staging. */
  async discard(): Promise<void> {
    try {
      this.#fenced(() => { this.#drop(); });
    } catch (error) {
      if (!(error instanceof EtlError) || error.code !== 'lease.lost') throw error;
    }
  }
  async abandon(): Promise<void> { this.control.inTransaction(() => { this.#drop(); }); }
  async close(): Promise<void> { this.control.close(); }

  #drop(): void {
    this.control.run(compile(sql`DROP TABLE IF EXISTS main.${this.facts.staging}`));
    this.facts.ledger.forget(this.control);
  }
  #fenced<T>(work: () => T): T {
    return this.control.inTransaction(() => {
      this.facts.ledger.hold(this.control, this.#fence);
      return work();
    });
  }
}
