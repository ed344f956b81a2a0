import type { Digest, LoadTask } from '@agent-etl/contracts';
import { DuckChild, FifoTap, makeFifo } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { createHash } from 'node:crypto';
import type { ChunkRange, ConnectorTools, FileScan, HashAsk, HashedRows, Reached, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { digestOf, hashedRowsOf } from './file-digest.ts';
import type { FileGate } from './file-gate.ts';
import { toOptions } from './file-options.ts';
import { copyCsv, copyJudged } from './file-sql.ts';
import { reachingOf, readColumns, selectRows } from './file-transform.ts';
import { type JudgedFiles, selectJudged, selectKept } from './judged-file-sql.ts';
import { type OpenedSource, openSource } from './opened-source.ts';
import { withRow } from './refused-row.ts';
import { unreadLines } from './unread-lines.ts';
import type { Duck } from './duck-sql.ts';

/** Reads one file: one piece, always. */
export class FileSource implements Source {
  readonly offers = ['text', 'file'] as const;
  private readonly gate: FileGate;
  private readonly tools: ConnectorTools;
  constructor(gate: FileGate, tools: ConnectorTools) {
    this.gate = gate;
    this.tools = tools;
  }

  /** A file has no snapshots, so a new attempt reads it as it is now, if it still has its shape. */
  async begin(task: LoadTask): Promise<SourceSession> { return new FileSession(task, await openSource(this.gate, task, this.tools.scratch), this.tools.scratch); }
}

/** The rows of opened files. */
export class FileSession implements SourceSession {
  readonly snapshot = null;
  private readonly task: LoadTask;
  private readonly file: OpenedSource;
  private readonly scratch: string;
  constructor(task: LoadTask, file: OpenedSource, scratch: string) {
    this.task = task;
    this.file = file;
    this.scratch = scratch;
  }

  async cut(): Promise<ChunkRange[]> {
    const { source: { dataset }, sourceFingerprint } = this.task;
    return [{ key: createHash('sha256').update(JSON.stringify([dataset, sourceFingerprint, null, null])).digest('hex'), ordinal: 0, from: null, to: null }];
  }

  /** The end of the stream means that DuckDB has said it wrote everything: an engine that fails looks the same to a FIFO. */
  async read(_range: ChunkRange, options: ReadOptions): Promise<ReadCount> {
    const duck = await this.start();
    try {
      const fifo = await makeFifo(duck.folder, 'out');
      const tap = new FifoTap(fifo);
      const progress = counted(options);
      const pumped = tap.pump(options.to, progress.add);
      const written = duck.copy(compile(this.copyTo(fifo)), options.signal)
        .then((rows) => { tap.release(); return rows; }, (error: unknown) => { tap.destroy(); throw error; });
      const rows = await bothOf(written, pumped);
      const unread = this.task.judging?.bad === 'aside' ? await unreadLines(duck, this.file) : [];
      progress.end(rows);
      return { rows: rows + unread.length, bytes: progress.bytes(), digest: null, unread };
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  scan(): FileScan { return { files: this.file.files, format: this.file.plan.format, options: toOptions(this.file.plan) }; }

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

  async reached(_ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Reached> {
    const { transform, columns } = this.task;
    if (!transform) throw new TypeError('a task without steps');
    const duck = await this.start();
    try {
      const [found] = await duck.query(compile(reachingOf(this.file.files, this.file.plan, { transform, columns })), signal);
      return { seen: Number(found?.['seen']), kept: Number(found?.['kept']) };
    } finally {
      await duck.stop();
    }
  }

  hashed(ask: HashAsk): HashedRows {
    return hashedRowsOf({ columns: this.task.columns, ask, within: async (work) => {
      const duck = await this.start();
      try { return await work(duck, this.rows()); } finally { await duck.stop(); }
    } });
  }

  explain(error: unknown): Promise<unknown> {
    return withRow(error, { dataset: this.task.source.dataset, files: this.file.files, plan: this.file.plan, columns: readColumns(this.task), scratch: this.scratch });
  }
  close(): Promise<void> { return this.file.drop(); }

  private get judged(): JudgedFiles { return { files: this.file.files, plan: this.file.plan, columns: this.task.columns, judging: this.task.judging, transform: this.task.transform }; }
  /** The rows that go into the target, as c0, c1, … */
  private rows(): Duck { return selectKept(this.judged); }
  private copyTo(path: string): Duck {
    const { columns, judging } = this.task;
    return judging ? copyJudged(selectJudged({ ...this.judged, judging }), columns, path) : copyCsv(this.rows(), columns, { path });
  }
  /** Rows have numbers only where one thread reads them. */
  private start(): Promise<DuckChild> {
    return DuckChild.start({ about: this.task.source.dataset, scratch: this.scratch, files: this.file.files.map(({ path }) => path), ...(this.task.judging ? { threads: 1 } : {}) });
  }
}

/** Waits for both and throws what failed first: what fails second fails because of it. */
async function bothOf(written: Promise<number>, pumped: Promise<number>): Promise<number> {
  const failures: unknown[] = [];
  const note = (error: unknown) => { failures.push(error); return 0; };
  const [rows] = await Promise.all([written.catch(note), pumped.catch(note)]);
  if (failures.length) throw failures[0];
  return rows;
}

const REPORT_MS = 250;
const LINE_END = 10;
/** Counts what passes. Until the engine has said how many rows it wrote, line ends stand for rows. */
function counted({ onRead }: Pick<ReadOptions, 'onRead'>): { add(bytes: Uint8Array): void; end(rows: number): void; bytes(): number } {
  let bytes = 0;
  let lines = 0;
  let reportedAt = performance.now();
  return {
    add: (more) => {
      bytes += more.length;
      for (let at = more.indexOf(LINE_END); at >= 0; at = more.indexOf(LINE_END, at + 1)) lines += 1;
      if (performance.now() - reportedAt > REPORT_MS) { reportedAt = performance.now(); onRead(lines, bytes); }
    },
    end: (rows) => { onRead(rows, bytes); },
    bytes: () => bytes,
  };
}
