import { type Digest, EtlError, type LoadTask, type Measured, type Measuring } from '@agent-etl/contracts';
import { createHash } from 'node:crypto';
import { FileSession } from '../file/file-session.ts';
import type { ChunkRange, ConnectorTools, FileScan, HashAsk, HashedRows, Reached, ReadCount, ReadOptions, Source, SourceSession } from '../port.ts';
import { ComputedRows, type SparkIds, idsOf, idsText, newIds } from './computed-rows.ts';
import { computedTask, stagedType } from './staged-types-rules.ts';

/** A source whose steps are computed on Spark: its rows are staged as Parquet, Spark writes what the steps come to as Parquet, and from there on it is read as a file. Ledger, proof and publish
 * see one more source and are what they are.
 * @param open the source behind a connection: datasets that the steps join or unite are staged beside it
 * @throws EtlError `request.unsupported` when no Spark is configured */
export function sparkSource(source: Source, tools: ConnectorTools, open: (connection: string) => Promise<Source>): Source {
  const { spark: place } = tools;
  if (!place) throw new EtlError('request.unsupported', { found: 'engine: spark', allowed: 'another engine: this worker knows no Spark', next: 'set ETL_ENGINES_SPARK_URL and ETL_ENGINES_SPARK_FOLDER for the workers, or leave engine out' });
  return {
    offers: ['text'],
    async begin(task: LoadTask, snapshot: string | null): Promise<SourceSession> {
      const ids = snapshot === null ? newIds() : idsOf(snapshot);
      if (!ids) throw new EtlError('source.snapshot-lost');
      return new SparkSourceSession(task, ids, { rows: new ComputedRows({ source, open, task, tools, place, ids, isTakenUp: snapshot !== null }), tools });
    },
  };
}

class SparkSourceSession implements SourceSession {
  readonly snapshot: string;
  private readonly task: LoadTask;
  private readonly rows: ComputedRows;
  private readonly tools: ConnectorTools;
  constructor(task: LoadTask, ids: SparkIds, { rows, tools }: { readonly rows: ComputedRows; readonly tools: ConnectorTools }) {
    this.snapshot = idsText(ids);
    this.task = task;
    this.rows = rows;
    this.tools = tools;
  }

  async cut(): Promise<ChunkRange[]> {
    const { source: { dataset }, sourceFingerprint } = this.task;
    return [{ key: createHash('sha256').update(JSON.stringify([dataset, sourceFingerprint, 'spark'])).digest('hex'), ordinal: 0, from: null, to: null }];
  }
  async ready(signal: AbortSignal): Promise<void> { await this.rows.files(signal); }
  async read(range: ChunkRange, options: ReadOptions): Promise<ReadCount> { return (await this.computed(options.signal)).read(range, options); }
  scan(): FileScan { throw new TypeError('what Spark computed travels as text'); }
  async digest(ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Digest> { return (await this.computed(signal)).digest(ranges, signal); }
  async reached(_ranges: readonly ChunkRange[], signal: AbortSignal): Promise<Reached> {
    await this.rows.files(signal);
    return this.rows.reached(signal);
  }
  async measured(ranges: readonly ChunkRange[], measuring: Measuring, signal: AbortSignal): Promise<Measured> { return (await this.computed(signal)).measured(ranges, measuring, signal); }
  hashed(ask: HashAsk): HashedRows {
    const within = async (): Promise<HashedRows> => (await this.computed(ask.signal)).hashed(ask);
    return { buckets: async () => (await within()).buckets(), rows: async (buckets, limit) => (await within()).rows(buckets, limit) };
  }
  close(): Promise<void> { return this.rows.drop(); }
  async leave(): Promise<void> { this.rows.leave(); }

  private async computed(signal: AbortSignal): Promise<FileSession> {
    const paths = await this.rows.files(signal);
    const task = computedTask(this.task);
    const plan = { format: 'parquet' as const, columns: task.columns.map(({ source, type }) => ({ name: source, duckType: stagedType(type) })) };
    return new FileSession(task, { files: paths.map((path) => ({ name: this.task.source.dataset, path, values: [], bytes: 0 })), plan, drop: async () => undefined }, this.tools);
  }
}
