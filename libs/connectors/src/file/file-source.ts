import { type Digest, EtlError, type LoadTask } from '@agent-etl/contracts';
import { DuckChild, FifoTap, makeFifo } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { createHash } from 'node:crypto';
import type { ChunkRange, ConnectorTools, FileScan, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { shapeOfCsv } from './csv-profile.ts';
import { digestOf } from './file-digest.ts';
import type { Ends } from './file-folder.ts';
import { requireFormat } from './file-format-rules.ts';
import type { FileGate } from './file-gate.ts';
import { type ReadPlan, compressionOf, fromOptions } from './file-options.ts';
import { columnsOf, fingerprintOf, openFile, readParquetShape } from './file-profile.ts';
import { copyCsv, selectFile } from './file-sql.ts';
import { keysOf } from './json-profile.ts';
import { checkPacked } from './packed-file.ts';
import { withRow } from './refused-row.ts';
import { readTextHead } from './text-head.ts';

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
  async begin(task: LoadTask): Promise<SourceSession> {
    const plan = fromOptions(task.options);
    const { path, ends } = await openFile(this.gate, task.source.dataset);
    await this.refuseDrift(task, plan, { path, ends });
    const compression = compressionOf(plan);
    if (compression !== 'none') await checkPacked(path, { dataset: task.source.dataset, compression, bytes: ends.bytes });
    return new FileSession(task, plan, { path, scratch: this.tools.scratch, bytes: ends.bytes });
  }

  private async refuseDrift(task: LoadTask, plan: ReadPlan, file: { path: string; ends: Ends }): Promise<void> {
    const { dataset } = task.source;
    const found = await this.shapeNow(dataset, plan, file);
    const planned = plan.columns.map(({ name, duckType }) => `${name} ${duckType}`);
    const isSame = fingerprintOf(columnsOf(plan.columns)) === task.sourceFingerprint && found.length === planned.length && found.every((column, index) => column === planned[index]);
    if (isSame) return;
    const gone = planned.filter((column) => !found.includes(column));
    const added = found.filter((column) => !planned.includes(column));
    const diff = [...gone.map((column) => `without ${column}`), ...added.map((column) => `with ${column.replace(/ unknown$/, '')}`)].join(', ') || 'the order of its columns';
    throw new EtlError('source.schema-drifted', { dataset, diff });
  }

  private async shapeNow(dataset: string, plan: ReadPlan, { path, ends }: { path: string; ends: Ends }): Promise<string[]> {
    if (plan.format === 'csv') {
      const { names } = shapeOfCsv(dataset, await readTextHead(dataset, { path, ends }, requireFormat(dataset)), { format: requireFormat(dataset), known: plan.dialect });
      return names.map((name, index) => `${name} ${plan.columns[index]?.duckType ?? 'unknown'}`);
    }
    const head = plan.format === 'parquet' ? null : await readTextHead(dataset, { path, ends }, requireFormat(dataset));
    const duck = await DuckChild.start({ about: dataset, scratch: this.tools.scratch, files: [path], ...(head ? { threads: 1 } : {}) });
    try {
      if (plan.format === 'parquet' || !head) return (await readParquetShape(duck, path)).columns.map(({ name, duckType }) => `${name} ${duckType}`);
      return inPlannedOrder(await keysOf(duck, { path, dataset, layout: plan, head }), plan);
    } finally {
      await duck.stop();
    }
  }
}

/** Keys have no order: those that were planned, then those that are new. */
function inPlannedOrder(names: readonly string[], { columns }: ReadPlan): string[] {
  const known = columns.filter(({ name }) => names.includes(name)).map(({ name, duckType }) => `${name} ${duckType}`);
  return [...known, ...names.filter((name) => !columns.some((column) => column.name === name)).map((name) => `${name} unknown`)];
}

class FileSession implements SourceSession {
  readonly snapshot = null;
  private readonly task: LoadTask;
  private readonly plan: ReadPlan;
  private readonly file: { readonly path: string; readonly scratch: string; readonly bytes: number };
  constructor(task: LoadTask, plan: ReadPlan, file: { path: string; scratch: string; bytes: number }) {
    this.task = task;
    this.plan = plan;
    this.file = file;
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
      const written = duck.copy(compile(copyCsv(selectFile(this.file.path, this.plan, this.task.columns), this.task.columns, { path: fifo })), options.signal)
        .then((rows) => { tap.release(); return rows; }, (error: unknown) => { tap.destroy(); throw error; });
      const rows = await bothOf(written, pumped);
      progress.end(rows);
      return { rows, bytes: progress.bytes(), digest: null };
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  scan(): FileScan { return { path: this.file.path, format: this.plan.format, options: this.task.options }; }

  async digest(_ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> {
    const duck = await this.start();
    try {
      return await digestOf(duck, selectFile(this.file.path, this.plan, this.task.columns), { columns: this.task.columns, signal });
    } catch (error) {
      throw await this.explain(error);
    } finally {
      await duck.stop();
    }
  }

  explain(error: unknown): Promise<unknown> {
    return withRow(error, { dataset: this.task.source.dataset, path: this.file.path, plan: this.plan, columns: this.task.columns, scratch: this.file.scratch });
  }
  async close(): Promise<void> { /* nothing is held between two reads */ }

  private start(): Promise<DuckChild> {
    return DuckChild.start({ about: this.task.source.dataset, scratch: this.file.scratch, files: [this.file.path] });
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
