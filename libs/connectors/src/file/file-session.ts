import { type Counted, type Digest, type LoadTask, type Measured, type Measuring, type RowCheck } from '@agent-etl/contracts';
import { DuckChild, FifoTap, makeFifo } from '@agent-etl/engines';
import { compile, identifier } from '@agent-etl/sql-safety';
import type { SecretStore } from '@agent-etl/secrets';
import { createHash } from 'node:crypto';
import type { BucketSample, BucketSum, ChunkRange, ConnectorTools, FileScan, HashAsk, HashedRows, Reached, ReadCount, ReadOptions, SourceSession } from '../port.ts';
import { countingSql, measuredOf } from '../judged/counting-sql.ts';
import { keysIntoDuck } from '../masks/mask-keys.ts';
import { type Duck, sql } from './duck-sql.ts';
import { countedCopy, isCountedOnTheWay } from './counted-copy.ts';
import { digestOf, hashedRowsOf, sampleOf } from './file-digest.ts';
import { withValue, writeFrames } from './file-frames.ts';
import { toOptions } from './file-options.ts';
import { copyCsv, copyJudged, isNumbered } from './file-sql.ts';
import { type OtherFiles, combiningOf, reachingOf, readColumns } from './file-transform.ts';
import { type JudgedFiles, breaks, selectJudged, selectKept } from './judged-file-sql.ts';
import type { OpenedSource } from './opened-source.ts';
import { withRow } from './refused-row.ts';
import { unreadLines } from './unread-lines.ts';

/** Files of a source, and those that its steps read beside them. */
export type SessionFiles = OpenedSource & { readonly others?: readonly OtherFiles[] };

/** One reading of files: one piece, always. */
export class FileSession implements SourceSession {
  readonly snapshot = null;
  private readonly task: LoadTask;
  private readonly file: SessionFiles;
  private readonly scratch: string;
  private readonly secrets: SecretStore;
  constructor(task: LoadTask, file: SessionFiles, { scratch, secrets }: Pick<ConnectorTools, 'scratch' | 'secrets'>) {
    this.task = task;
    this.file = file;
    this.scratch = scratch;
    this.secrets = secrets;
  }

  async cut(): Promise<ChunkRange[]> {
    const { source: { dataset }, sourceFingerprint } = this.task;
    return [{ key: createHash('sha256').update(JSON.stringify([dataset, sourceFingerprint, null, null])).digest('hex'), ordinal: 0, from: null, to: null }];
  }

  /** The end of the stream means that DuckDB has said it wrote everything: an engine that fails looks the same to a FIFO. */
  async read(_range: ChunkRange, options: ReadOptions): Promise<ReadCount> {
    const { carrier, transform } = this.task;
    // A Parquet file that nothing is computed of is read by one thread as fast as a table takes it, and for less.
    const duck = await this.start(carrier === 'frames' && !transform && this.file.plan.format === 'parquet' ? { threads: 1 } : {});
    try {
      const fifo = await makeFifo(duck.folder, 'out');
      const tap = new FifoTap(fifo);
      const progress = counted(options, carrier);
      const pumped = tap.pump(options.to, progress.add);
      const written = this.write(duck, fifo, { signal: options.signal, onRows: progress.at }).then((copied) => { tap.release(); return copied; }, (error: unknown) => { tap.destroy(); throw error; });
      const { written: rows, reached } = await bothOf(written, pumped);
      const unread = this.task.judging?.bad === 'aside' ? await unreadLines(duck, this.file) : [];
      progress.end(rows);
      return { rows: rows + unread.length, bytes: progress.bytes(), digest: null, unread, reached };
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  scan(): FileScan { return { files: this.file.files, format: this.file.plan.format, options: toOptions(this.file.plan), prepare: (duck) => this.prepare(duck) }; }

  async digest(_ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    const duck = await this.start();
    try {
      return await digestOf(duck, this.rows(), { columns: this.task.columns, signal });
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  async sampled(_ranges: readonly ChunkRange[], sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    const duck = await this.start();
    try {
      return await sampleOf(duck, this.rows(), { columns: this.task.columns, sample, signal });
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  async reached(_ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Reached> {
    const { transform, columns } = this.task;
    if (!transform) throw new TypeError('a task without steps');
    const duck = await this.start();
    try {
      const { files, plan, others } = this.file;
      const task = { transform, columns };
      const [found] = await duck.query(compile(reachingOf({ files, plan, others }, task)), signal);
      const combined: Counted[] = [];
      for (const { counted, read } of combiningOf({ files, plan, others }, task)) combined.push(read((await duck.query(compile(counted), signal))[0] ?? {}));
      return { seen: Number(found?.['seen']), kept: Number(found?.['kept']), ...(combined.length ? { combined } : {}) };
    } finally {
      await duck.stop();
    }
  }

  async measured(_ranges: readonly ChunkRange[], measuring: Measuring, signal: AbortSignal): Promise<Measured> {
    const { columns, judging } = this.task;
    const rows = judging ? selectJudged({ ...this.judged, judging }) : this.rows();
    const duck = await this.start();
    try {
      const counting = { from: sql`(${rows}) AS measured`, columns, value: (index: number) => sql`${identifier(`c${index}`)}`, breaks: (check: RowCheck) => breaks(check, columns) ?? sql`FALSE` };
      const [found] = await duck.query(compile(countingSql('duckdb', measuring, counting)), signal);
      return measuredOf(found, { columns, checks: measuring.checks });
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  hashed(ask: HashAsk): HashedRows {
    return hashedRowsOf({ columns: this.task.columns, ask, within: (work) => this.within(work) });
  }

  async explain(error: unknown): Promise<unknown> {
    return withRow(this.task.carrier === 'frames' ? await this.named(error) : error, { dataset: this.task.source.dataset, files: this.file.files, plan: this.file.plan, columns: readColumns(this.task), scratch: this.scratch, transform: this.task.transform, judging: this.task.judging });
  }
  close(): Promise<void> { return this.file.drop(); }

  private get judged(): JudgedFiles { return { files: this.file.files, plan: this.file.plan, columns: this.task.columns, judging: this.task.judging, transform: this.task.transform, others: this.file.others }; }
  /** The rows that go into the target, as c0, c1, … */
  private rows(): Duck { return selectKept(this.judged); }
  private copyTo(path: string): Duck {
    const { columns, judging } = this.task;
    return judging ? copyJudged(selectJudged({ ...this.judged, judging }), columns, path) : copyCsv(this.rows(), columns, { path });
  }
  private async write(duck: DuckChild, path: string, { signal, onRows }: { signal: AbortSignal; onRows: (rows: number) => void }): Promise<Copied> {
    const { columns, carrier, transform, judging } = this.task;
    if (carrier === 'frames') return { written: await writeFrames(duck, this.rows(), { columns, to: path, signal, onRows }), reached: null };
    const copy = this.copyTo(path);
    const isCounted = transform && !transform.inputs && !judging && this.file.plan.format !== 'parquet' && isCountedOnTheWay(transform);
    return isCounted ? countedCopy(duck, copy, { transform, signal }) : { written: await duck.copy(compile(copy), signal), reached: null };
  }
  /** With the value, where a server did not say it. A second look that fails says nothing: the error that led to it does. */
  private named(error: unknown): Promise<unknown> { return withValue(error, this.task.columns, (work) => this.within(work)).catch(() => error); }
  private async within<T>(work: (duck: DuckChild, from: Duck) => Promise<T>): Promise<T> {
    const duck = await this.start();
    try { return await work(duck, this.rows()); } finally { await duck.stop(); }
  }
  /** Rows of a text have numbers only where one thread reads them. A Parquet file says them itself, and rows of a folder have none. */
  private async start(how: { threads?: number } = {}): Promise<DuckChild> {
    const duck = await DuckChild.start({ about: this.task.source.dataset, scratch: this.scratch, files: [this.file, ...(this.file.others ?? [])].flatMap(({ files }) => files.map(({ path }) => path)), ...how, ...(this.task.judging && this.file.files.length === 1 && !isNumbered(this.file.files, this.file.plan) ? { threads: 1 } : {}) });
    try {
      await this.prepare(duck);
      return duck;
    } catch (error) {
      await duck.stop();
      throw error;
    }
  }
  private prepare(duck: DuckChild): Promise<void> { return keysIntoDuck(duck, this.task.transform, this.secrets); }
}

interface Copied { readonly written: number; readonly reached: Reached | null }
/** Waits for both and throws what failed first: what fails second fails because of it. */
async function bothOf(written: Promise<Copied>, pumped: Promise<number>): Promise<Copied> {
  const failures: unknown[] = [];
  const note = (error: unknown) => { failures.push(error); return null; };
  const [copied] = await Promise.all([written.catch(note), pumped.catch(note)]);
  if (failures.length || !copied) throw failures[0];
  return copied;
}

const REPORT_MS = 250;
const LINE_END = 10;
/** Counts what passes. Until the engine has said how many rows it wrote, line ends stand for rows, or what it says meanwhile. */
function counted({ onRead }: Pick<ReadOptions, 'onRead'>, carrier: LoadTask['carrier']): { add(bytes: Uint8Array): void; at(rows: number): void; end(rows: number): void; bytes(): number } {
  const hasLines = carrier === 'text';
  let bytes = 0;
  let lines = 0;
  let reportedAt = performance.now();
  return {
    add: (more) => {
      bytes += more.length;
      for (let at = hasLines ? more.indexOf(LINE_END) : -1; at >= 0; at = more.indexOf(LINE_END, at + 1)) lines += 1;
      if (performance.now() - reportedAt > REPORT_MS) { reportedAt = performance.now(); onRead(lines, bytes); }
    },
    at: (rows) => { lines = rows; onRead(rows, bytes); },
    end: (rows) => { onRead(rows, bytes); },
    bytes: () => bytes,
  };
}
