import { createHash, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { type Digest, EtlError, type LoadTask } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import { Md5Lanes } from '../digest/md5-lanes.ts';
import { schemaDrifted } from '../drift-failure.ts';
import { keyRanges } from '../key-ranges-rules.ts';
import type { BucketSample, BucketSum, ChunkRange, FileScan, HashAsk, HashedRows, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { hashedRowsOf } from './hashed-rows.ts';
import { sampleOf } from './sampled-rows.ts';
import { ByteLender } from '../byte-lender.ts';
import { type TableFacts, columnsOf, fingerprintOf, lookAt, requireTable } from './describe-table.ts';
import { judgedLines, keptHashes, keptRows } from './judged-row-sql.ts';
import { namedText } from './refused-text.ts';
import { hashedSql, lineSql, withinSql } from './row-sql.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { type Place, openToRead } from './sqlite-profile.ts';
import { type Table, columnName, tableOf } from './table-name.ts';

const sql = sqlFor('sqlite');
/** Rows between two breaths of the worker while nothing else makes it wait. */
const BREATH = 2_000;

export class SqliteSource implements Source {
  readonly offers = ['text'] as const;
  constructor(private readonly place: Place) {}

  /** One read transaction over one connection is the picture; every piece is read in it. */
  async begin(task: LoadTask, snapshot: string | null): Promise<SourceSession> {
    const table = tableOf(task.source.dataset);
    const { database, path } = await openToRead(this.place, table.name);
    try {
      database.run(compile(sql`BEGIN`));
      const facts = requireTable(database, table, this.place.connection.name);
      if (fingerprintOf(facts.columns) !== task.sourceFingerprint) throw schemaDrifted(task, columnsOf(facts, lookAt(database, table, facts).seen));
      const picture = await pictureOf(database, path);
      if (snapshot !== null && snapshot !== picture) throw new EtlError('source.snapshot-lost');
      return new Reading(database, { task, table, facts, snapshot: picture });
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

/** What the file counts its changes by. A later attempt that finds the same number sees the same rows. With a write-ahead log the number stands still: then nobody can tell, and the id is never found again. */
async function pictureOf(database: SqliteDatabase, path: string): Promise<string> {
  const [mode] = database.run<{ journal_mode: string }>(compile(sql`PRAGMA journal_mode`));
  if (mode?.journal_mode === 'wal') return `wal:${randomUUID()}`;
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(28);
    await file.read(header, 0, header.length, 0);
    const { ino, dev, size } = await file.stat();
    return `changes:${dev}:${ino}:${size}:${header.readUInt32BE(24)}`;
  } finally {
    await file.close();
  }
}
interface Facts { readonly task: LoadTask; readonly table: Table; readonly facts: TableFacts; readonly snapshot: string }

class Reading implements SourceSession {
  readonly snapshot: string;
  constructor(private readonly database: SqliteDatabase, private readonly about: Facts) { this.snapshot = about.snapshot; }

  async cut(): Promise<ChunkRange[]> {
    const { task, facts: { rowid } } = this.about;
    const { low, high } = rowid === null || task.chunks.by !== 'key' ? { low: null, high: null } : this.#span(rowid);
    return keyRanges(low, high, task.chunks.count).map(({ from, to }, ordinal) => this.#piece(ordinal, from, to));
  }
  #span(rowid: string): { low: bigint | null; high: bigint | null } {
    const id = columnName(rowid);
    const from = sql`main.${this.about.table.quoted}`;
    const [row] = this.database.run<{ low: string | null; high: string | null }>(compile(sql`SELECT CAST((SELECT min(${id}) FROM ${from}) AS TEXT) AS low, CAST((SELECT max(${id}) FROM ${from}) AS TEXT) AS high`));
    const number = (text: string | null | undefined): bigint | null => (text === null || text === undefined ? null : BigInt(text));
    return { low: number(row?.low), high: number(row?.high) };
  }
  #piece(ordinal: number, from: string | null, to: string | null): ChunkRange {
    const { task: { source: { dataset } }, facts: { columns } } = this.about;
    return { ordinal, from, to, key: createHash('sha256').update(JSON.stringify([dataset, fingerprintOf(columns), from, to])).digest('hex') };
  }

  /** SQLite makes line and hashed text of each row; here bytes are joined and hashed. Only at level `full` rows are hashed on their way. */
  async read(range: ChunkRange, { to, onRead, signal }: ReadOptions): Promise<ReadCount> {
    const { task: { columns, level, judging }, table, facts: { rowid } } = this.about;
    const isHashed = level === undefined || level === 'full';
    const list = !isHashed ? sql`${lineSql(columns, rowid)}` : sql`${lineSql(columns, rowid)}, ${hashedSql(columns)}`;
    const plain = sql`SELECT ${list} FROM main.${table.quoted}${withinSql(rowid, range)}`;
    const statement = judging ? judgedLines({ table, rowid, range, columns, judging }, isHashed ? 'hashed' : 'not-hashed') : plain;
    const lanes = new Md5Lanes();
    const lender = new ByteLender(to, signal);
    let rows = 0;
    try {
      for (const [line, hashed] of this.database.rows(compile(statement))) {
        lender.append(line as Uint8Array);
        if (hashed !== undefined && hashed !== null) lanes.add(hashed as Uint8Array);
        rows += 1;
        if (lender.isFull) await lender.send();
        if (rows % BREATH === 0) { onRead(rows, lender.bytes); await breath(signal); }
      }
      await lender.send();
    } catch (error) {
      throw await this.explain(this.database.failure(error, table.name));
    }
    onRead(rows, lender.bytes);
    return { rows, bytes: lender.bytes, digest: isHashed ? lanes.digest() : null };
  }
  scan(): FileScan { throw new Error('a table of SQLite is no file of an engine'); }

  async digest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    const { task: { columns, judging }, table, facts: { rowid } } = this.about;
    const lanes = new Md5Lanes();
    for (const range of ranges) {
      const statement = judging?.bad === 'aside' ? keptHashes({ table, rowid, range, columns, judging }) : sql`SELECT ${hashedSql(columns)} FROM main.${table.quoted}${withinSql(rowid, range)}`;
      for (const [hashed] of this.database.rows(compile(statement))) {
        lanes.add(hashed as Uint8Array);
        if (lanes.rows % BREATH === 0) await breath(signal);
      }
    }
    return lanes.digest();
  }
  sampled(ranges: readonly ChunkRange[], sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    const { task: { columns, judging }, table, facts: { rowid } } = this.about;
    const froms = ranges.map((range) => (judging?.bad === 'aside' ? keptRows({ table, rowid, range, columns, judging }) : sql`main.${table.quoted}${withinSql(rowid, range)}`));
    return sampleOf(this.database, { columns, froms, sample, signal });
  }
  hashed(ask: HashAsk): HashedRows {
    return hashedRowsOf({ columns: this.about.task.columns, from: sql`main.${this.about.table.quoted}`, ask, within: (work) => work(this.database) });
  }
  async explain(refusal: unknown): Promise<unknown> {
    const { task: { columns }, table, facts: { rowid } } = this.about;
    return namedText(refusal, { database: this.database, table, rowid, columns });
  }
  async close(): Promise<void> { this.database.close(); }
}
async function breath(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await setImmediate();
}
