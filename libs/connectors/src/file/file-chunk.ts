import { EtlError, type LoadTask } from '@agent-etl/contracts';
import { DuckChild, FifoFeed, makeFifo } from '@agent-etl/engines';
import { compile } from '@agent-etl/sql-safety';
import { mkdir, rm, stat } from 'node:fs/promises';
import type { ByteTarget, ChunkCounts, ChunkWriter, FileScan, Reached, ReadCount } from '../port.ts';
import { countedCopy, isCountedOnTheWay } from './counted-copy.ts';
import type { Duck } from './duck-sql.ts';
import type { FileFormat } from './file-format-rules.ts';
import { dialectOf, fromOptions, layoutOf } from './file-options.ts';
import { copyCsv, copyParquet, selectStream } from './file-sql.ts';
import { readColumns, selectRows } from './file-transform.ts';
import { copyJson } from './json-line-sql.ts';
import { writePartitions } from './partitioned-piece.ts';
import { withRow } from './refused-row.ts';

/** How the one piece of a file sink is written, and what happens when it is complete. */
export interface ChunkPlan {
  readonly task: LoadTask; readonly format: FileFormat; readonly path: string; readonly scratch: string;
  /** Puts the file on disk and the piece into the ledger. */
  keep(counts: ChunkCounts): Promise<'written' | 'redo'>;
}

/** Writes one whole file under a hidden name. The ledger row comes after the bytes are on disk; without it the file counts for nothing. */
export class FileChunk implements ChunkWriter {
  readonly to: ByteTarget;
  private readonly plan: ChunkPlan;
  private readonly stream: { readonly duck: DuckChild; readonly feed: FifoFeed; readonly engine: Promise<number> } | null;
  private rows: number | null = null;
  private constructor(plan: ChunkPlan, stream: FileChunk['stream']) {
    this.plan = plan;
    this.stream = stream;
    this.to = stream ? feeding(stream) : { write: () => { throw new Error('a file carrier takes no bytes'); }, drained: async () => undefined };
  }

  static async begin(plan: ChunkPlan): Promise<FileChunk> {
    await removeAll(plan);
    if (plan.task.partitionBy) await mkdir(plan.path, { recursive: true });
    if (plan.task.carrier === 'file') return new FileChunk(plan, null);
    const duck = await DuckChild.start({ about: plan.task.target.dataset, scratch: plan.scratch, ...allowed(plan) });
    try {
      const fifo = await makeFifo(duck.folder, 'in');
      const engine = copied(duck, plan, { from: selectStream(fifo, plan.task.columns) }).catch((error: unknown) => { throw named(error, plan.task); });
      engine.catch(() => undefined);                                             // heard by whoever feeds or commits
      return new FileChunk(plan, { duck, engine, feed: await FifoFeed.open(fifo, engine) });
    } catch (cause) {
      await duck.stop();
      await removeAll(plan);
      throw cause;
    }
  }

  async copyFile(scan: FileScan, signal: AbortSignal): Promise<ReadCount> {
    const { plan } = this;
    const { task: { source: { dataset } }, scratch } = plan;
    const read = fromOptions(scan.options);
    const duck = await DuckChild.start({ about: dataset, scratch, ...allowed(plan, scan.files.map(({ path }) => path)) });
    try {
      await scan.prepare?.(duck);
      const { transform } = plan.task;
      const isCounted = transform && !plan.task.partitionBy && scan.format !== 'parquet' && isCountedOnTheWay(transform) && !transform.inputs;
      let reached: Reached | null = null;
      const from = selectRows({ files: scan.files, plan: read }, plan.task);
      const written = await copied(duck, plan, { from, signal, ...(isCounted ? { run: async (copy) => { const counted = await countedCopy(duck, copy, { transform, signal }); reached = counted.reached; return counted.written; } } : {}) });
      this.rows = written;
      return { rows: written, bytes: await sizeOf(scan), digest: null, reached };
    } catch (error) {
      if (error instanceof EtlError && error.code === 'platform.disk-full') throw new EtlError(error.code, { what: plan.task.target.dataset }, { cause: error.cause });
      throw await withRow(error, { dataset, files: scan.files, plan: read, columns: readColumns(plan.task), scratch, transform: plan.task.transform, judging: plan.task.judging });
    } finally {
      await duck.stop();
    }
  }

  async commit(counts: ChunkCounts): Promise<'written' | 'redo'> {
    try {
      const rows = await this.finish();
      if (rows !== counts.rows - counts.rejected) throw new EtlError('sink.reconcile-mismatch', { difference: `${counts.rows} rows were read, ${rows} are in the file` });
      return await this.plan.keep(counts);
    } catch (cause) {
      await this.abort(cause);
      throw cause;
    } finally {
      await this.stream?.duck.stop();
    }
  }

  /** Kills the engine before the stream ends: it would take a cut for the end of its input. */
  async abort(_cause: unknown): Promise<void> {
    await this.stream?.duck.stop();
    this.stream?.feed.destroy();
    await removeAll(this.plan);
  }

  private async finish(): Promise<number> {
    if (!this.stream) return this.rows ?? 0;
    this.stream.feed.end();
    return this.stream.engine;
  }
}

const sizeOf = async ({ files }: FileScan): Promise<number> => (await Promise.all(files.map(async ({ path }) => (await stat(path)).size))).reduce((sum, size) => sum + size, 0);

const removeAll = ({ path }: ChunkPlan): Promise<void> => rm(path, { recursive: true, force: true });
/** What the engine of a piece may open: its file, or the folder of its partitions. */
const allowed = ({ task, path }: ChunkPlan, files: readonly string[] = []): { files: string[]; folders?: string[] } => (task.partitionBy ? { files: [...files], folders: [path] } : { files: [...files, path] });

interface Copying { readonly from: Duck; readonly signal?: AbortSignal; readonly run?: (copy: Duck) => Promise<number> }
/** Writes the rows of a piece into its one file, or into the files of its partitions. */
async function copied(duck: DuckChild, plan: ChunkPlan, { from, signal, run = (copy) => duck.copy(compile(copy), signal) }: Copying): Promise<number> {
  if (plan.task.partitionBy) return writePartitions(duck, plan, { from, signal, copyInto: (columns, rows, path) => copyInto(plan.format, columns, { from: rows, path }) });
  return run(copyInto(plan.format, plan.task.columns, { from, path: plan.path }));
}
function copyInto(format: FileFormat, columns: LoadTask['columns'], { from, path }: { readonly from: Duck; readonly path: string }): Duck {
  if (format.format === 'parquet') return copyParquet(from, columns, path);
  return format.format === 'csv' ? copyCsv(from, columns, { path, dialect: dialectOf(format) }) : copyJson(from, columns, { ...layoutOf(format), path });
}

/** The stream knows its columns by number; whoever reads the error knows them by name. */
function named(error: unknown, { columns }: LoadTask): unknown {
  if (!(error instanceof EtlError) || !error.cell) return error;
  const mapping = columns[Number(/^c(\d+)$/.exec(error.cell.column)?.[1] ?? -1)];
  if (!mapping) return error;
  const { target: column, targetNative: type } = mapping;
  return new EtlError(error.code, { ...error.details, column, type, next: 'leave the column out with select, or change it in a view at the source' }, { cause: error.cause, cell: { ...error.cell, column, target: type } });
}

/** An engine that fails closes its end of the FIFO: its own error says why. */
function feeding({ feed, engine }: { feed: FifoFeed; engine: Promise<number> }): ByteTarget {
  return {
    write: (bytes) => feed.write(bytes),
    drained: async () => {
      try {
        await feed.drained();
      } catch (cause) {
        await engine;
        throw cause;
      }
    },
  };
}
