import { createHash, randomUUID } from 'node:crypto';
import { type ColumnMapping, type Digest, EtlError, type LoadTask, type MysqlConnection } from '@agent-etl/contracts';
import { type SqlFragment, compile, joinSql, literal, mysqlDigest, mysqlText, sqlFor } from '@agent-etl/sql-safety';
import { ByteLender } from '../byte-lender.ts';
import { schemaDrifted } from '../drift-failure.ts';
import { keyRanges } from '../key-ranges-rules.ts';
import type { BucketSample, BucketSum, ChunkRange, ConnectorTools, FileScan, HashAsk, HashedRows, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { judgedCell, judgedRows, keptRows } from './judged-line-sql.ts';
import { MysqlSession } from './mysql-session.ts';
import { DIGEST_KEY, hashedOf, sampleOfRows } from './mysql-values.ts';
import { type MysqlFacts, type MysqlTable, asName, describeMysql, fingerprintOf, mysqlTable } from './mysql-table.ts';

const sql = sqlFor('mysql');
type My = SqlFragment<'mysql'>;
const REPORT_ROWS = 10_000;

/** A value as a cell of the text carrier, NULL as nothing. The server makes the text, so that no value is an object here. */
function cell({ source, type: { kind } }: Pick<ColumnMapping, 'source' | 'type'>): My {
  const c = sql`${asName(source)}`;
  const quoted = (text: My): My => sql`coalesce(concat('"', ${text}, '"'), '')`;
  switch (kind) {
    case 'bytes': return quoted(sql`'\\x', lower(hex(${c}))`);
    case 'f32': return quoted(sql`CAST(${c} AS DOUBLE)`); // as a float it would be printed with six digits
    case 'dec': return quoted(sql`${c} + 0`);
    case 'ts': case 'date': case 'time': case 'i16': case 'i32': case 'i64': case 'f64': case 'bool': case 'uuid': return quoted(sql`CAST(${c} AS CHAR)`);
    case 'tstz': return quoted(sql`CAST(${c} AS CHAR), '+00'`);
    case 'text': case 'json': case 'other': return quoted(sql`replace(${mysqlText(c)}, '"', '""')`);
  }
}
const line = (columns: readonly ColumnMapping[], judged?: My): My => sql`CAST(concat(${joinSql([...(judged ? [judged] : []), ...columns.map(cell)], sql`, ',', `)}, '\n') AS BINARY)`;

export class MysqlSource implements Source {
  readonly offers = ['text'] as const;
  constructor(private readonly connection: MysqlConnection, private readonly tools: ConnectorTools) {}

  /** One connection holds the snapshot, and MySQL lends it to no other: a later attempt takes a new one and starts over. */
  async begin(task: LoadTask, snapshot: string | null): Promise<SourceSession> {
    if (snapshot !== null) throw new EtlError('source.snapshot-lost');
    const session = await MysqlSession.connect(this.connection, this.tools);
    try {
      const table = mysqlTable(task.source.dataset, session.context.database);
      await session.run(compile(sql`START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY`));
      const facts = await describeMysql(session, table);
      if (fingerprintOf(facts.columns) !== task.sourceFingerprint) throw schemaDrifted(task, facts.columns);
      return new Reading(session, { task, table, facts }, this.connection, this.tools);
    } catch (error) {
      await session.end();
      throw error;
    }
  }
}
interface About { readonly task: LoadTask; readonly table: MysqlTable; readonly facts: MysqlFacts }
class Reading implements SourceSession {
  readonly snapshot = `mysql:${randomUUID()}`;
  constructor(private readonly session: MysqlSession, private readonly about: About, private readonly connection: MysqlConnection, private readonly tools: ConnectorTools) {}

  async cut(): Promise<ChunkRange[]> {
    const { task, table, facts: { range, columns } } = this.about;
    const isCut = range !== null && task.chunks.by === 'key';
    const [span] = isCut ? await this.session.run<{ low: string | null; high: string | null }>(compile(sql`SELECT CAST(min(${asName(range)}) AS CHAR) AS low, CAST(max(${asName(range)}) AS CHAR) AS high FROM ${table.quoted}`), table.name) : [];
    const number = (text: string | null | undefined): bigint | null => (text === null || text === undefined ? null : BigInt(text));
    return keyRanges(number(span?.low), number(span?.high), task.chunks.count).map(({ from, to }, ordinal) =>
      ({ ordinal, from, to, key: createHash('sha256').update(JSON.stringify([task.source.dataset, fingerprintOf(columns), from, to])).digest('hex') }));
  }
  #within({ from, to }: ChunkRange): My {
    const { range } = this.about.facts;
    if (range === null) return sql``;
    const parts = [...(from === null ? [] : [sql`${asName(range)} >= ${literal('mysql', BigInt(from))}`]), ...(to === null ? [] : [sql`${asName(range)} < ${literal('mysql', BigInt(to))}`])];
    return parts.length ? sql` WHERE ${joinSql(parts, sql` AND `)}` : sql``;
  }
  #lines(range: ChunkRange): My {
    const { task: { columns, judging }, table } = this.about;
    const from = sql`${table.quoted}${this.#within(range)}`;
    return judging ? sql`SELECT ${line(columns, judgedCell(columns))} FROM (${judgedRows({ from, columns, judging })}) AS judged` : sql`SELECT ${line(columns)} FROM ${from}`;
  }
  /** The server pauses while the target is full; one line is one buffer of the driver, which is copied and forgotten. */
  async read(range: ChunkRange, { to, onRead, signal }: ReadOptions): Promise<ReadCount> {
    const { task, table } = this.about;
    signal.throwIfAborted();
    const lender = new ByteLender(to, signal);
    let rows = 0;
    let sending: Promise<void> = Promise.resolve();
    let stopped: unknown;
    const stop = (error: unknown): void => { stopped ??= error; this.session.destroy(error); };
    const aborted = (): void => { stop(signal.reason); };
    signal.addEventListener('abort', aborted, { once: true });
    const take = (bytes: Buffer | null): 'go-on' | 'pause' => {
      rows += 1;
      if (bytes === null) throw new EtlError('data.row-too-large', { row: rows, size: 'larger than the server may send', limit: 'its max_allowed_packet' });
      lender.append(bytes);
      if (rows % REPORT_ROWS === 0) onRead(rows, lender.bytes);
      if (!lender.isFull) return 'go-on';
      sending = lender.send().then(() => { this.session.resume(); }, stop);
      return 'pause';
    };
    try {
      await this.session.each(compile(this.#lines(range)), take, table.name);
      await sending;
      await lender.send();
    } catch (error) {
      throw stopped ?? await this.#whatChanged(error);
    } finally {
      signal.removeEventListener('abort', aborted);
    }
    if (stopped !== undefined) throw stopped as Error;
    onRead(rows, lender.bytes);
    return { rows, bytes: lender.bytes, digest: null };
  }
  /** The server says only that the table is not what the snapshot shows. What it is now is looked at beside the snapshot. */
  async #whatChanged(error: unknown): Promise<unknown> {
    if (!(error instanceof EtlError) || error.code !== 'source.schema-drifted') return error;
    const { task, table } = this.about;
    const session = await MysqlSession.connect(this.connection, this.tools);
    try {
      const { columns } = await describeMysql(session, table);
      return fingerprintOf(columns) === task.sourceFingerprint ? error : schemaDrifted(task, columns);
    } catch {
      return error; // what is known is said
    } finally {
      await session.end();
    }
  }
  scan(): FileScan { throw new Error('a table of MySQL is no file'); }

  async digest(_ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    const { task, table } = this.about;
    const stop = (): void => { this.session.destroy(signal.reason); };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const columns = task.columns.map(({ source, type }) => ({ name: source, type }));
      const [sums] = await this.session.run<{ n: number | string; a: string; b: string }>(compile(mysqlDigest(columns, DIGEST_KEY, this.#kept())), table.name);
      return { kind: 'text-md5', rows: Number(sums?.n ?? 0), a: sums?.a ?? '0', b: sums?.b ?? '0' };
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
  async sampled(_ranges: readonly ChunkRange[], sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    const { task, table } = this.about;
    try {
      return await sampleOfRows(this.session, { columns: task.columns.map(({ source, type }) => ({ name: source, type })), from: this.#kept(), said: table.name, signal }, sample);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }
  /** The rows that are not set aside. */
  #kept(): My {
    const { task: { columns, judging }, table } = this.about;
    return judging?.bad === 'aside' ? keptRows({ from: sql`${table.quoted}`, columns, judging }) : sql`${table.quoted}`;
  }
  /** On the connection of the snapshot: one question after the other. */
  hashed(ask: HashAsk): HashedRows {
    const { task, table } = this.about;
    return hashedOf({ columns: task.columns.map(({ source, type }) => ({ name: source, type })), from: () => sql`${table.quoted}`, said: table.name, ask, open: async () => this.session, done: async () => undefined });
  }
  async close(): Promise<void> { await this.session.end(); }
}
