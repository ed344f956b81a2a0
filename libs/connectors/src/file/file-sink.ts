import { type AsideReason, type Digest, EtlError, type LoadTask, type PublishTask, type QuarantineAsk, type QuarantinePage, addDigests } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { joinSql } from '@agent-etl/sql-safety';
import type { BucketSample, BucketSum, ChunkCounts, ChunkRange, ChunkWriter, ConnectorTools, HashAsk, HashedRows, LedgerRow, Published, Sink, SinkSession, Staged, Writer } from '../port.ts';
import { FileChunk } from './file-chunk.ts';
import { type Duck, sql } from './duck-sql.ts';
import { digestOf, hashedRowsOf, sampleOf } from './file-digest.ts';
import { folderFailure } from './file-folder.ts';
import { type FileFormat, requireFormat } from './file-format-rules.ts';
import type { FileGate } from './file-gate.ts';
import { dialectOf, layoutOf } from './file-options.ts';
import { openFiles } from './file-profile.ts';
import { alone, selectFile, selectObjects, selectStream } from './file-sql.ts';
import { type WrittenPart, selectParts } from './part-sql.ts';
import { folderTarget } from './folder-dataset-rules.ts';
import { FolderSinkSession, type FolderWork } from './folder-sink.ts';
import { StagedFile } from './staged-file.ts';
import { StagedFolder } from './staged-folder.ts';

/** Writes one file per target, staged under a hidden name beside it and published by a rename, or a folder of parts. */
export class FileSink implements Sink {
  readonly accepts = ['text', 'file'] as const;
  private readonly gate: FileGate;
  private readonly tools: ConnectorTools;
  constructor(gate: FileGate, tools: ConnectorTools) {
    this.gate = gate;
    this.tools = tools;
  }

  async begin(task: LoadTask, writer: Writer): Promise<SinkSession> {
    refuseTwinNames(task);
    const folder = folderTarget(task.target.dataset);
    if (folder) return this.beginFolder(task, writer, folder);
    const format = requireFormat(task.target.dataset);
    const path = await this.gate.writable(task.target.dataset);
    return new FileSinkSession({ task, writer, format, connection: this.gate.connection }, new StagedFile(path, writer.runId), this.tools);
  }
  private async beginFolder(task: LoadTask, writer: Writer, { folder, ending }: { folder: string; ending: string }): Promise<SinkSession> {
    const format = requireFormat(`x${ending}`);
    const readParts = (publish: PublishTask, parts: readonly WrittenPart[], signal: AbortSignal): Promise<Digest> => digestOfParts(publish, { parts, format, scratch: this.tools.scratch }, signal);
    const sampleParts: FolderWork['sample'] = (publish, parts, { sample, signal }) => sampleOfParts(publish, { parts, format, scratch: this.tools.scratch }, { sample, signal });
    return new FolderSinkSession({ task, writer, format, connection: this.gate.connection, readBack: readParts, sample: sampleParts }, new StagedFolder(await this.gate.writableFolder(folder), ending, writer.runId), this.tools);
  }
  async current(task: PublishTask, signal: AbortSignal): Promise<Digest> {
    return digestOfParts(task, await this.published(task), signal);
  }
  async quarantine(dataset: string, ask: QuarantineAsk): Promise<QuarantinePage> {
    const folder = folderTarget(dataset);
    return this.tools.fileLedger.quarantine(await (folder ? this.gate.writableFolder(folder.folder) : this.gate.writable(dataset)), ask);
  }
  hashed(task: PublishTask, ask: HashAsk): HashedRows {
    return hashedRowsOf({ columns: task.columns, ask, within: async (work) => readBack(task, await this.published(task), work) });
  }
  /** @throws EtlError `source.not-found` */
  private async published({ target: { dataset } }: PublishTask): Promise<Written> {
    const { files, format } = await openFiles(this.gate, dataset);
    return { parts: files, format, scratch: this.tools.scratch };
  }
}

interface Written { readonly parts: readonly WrittenPart[]; readonly format: FileFormat; readonly scratch: string }
/** Files that one statement names. */
const AT_ONCE = 500;
/** Has an engine read files that a load has written, staged or in their place. */
async function within<T>({ target: { dataset } }: PublishTask, { parts, scratch }: Written, work: (duck: DuckChild) => Promise<T>): Promise<T> {
  const duck = await DuckChild.start({ about: dataset, scratch, files: parts.map(({ path }) => path) });
  try {
    return await work(duck);
  } finally {
    await duck.stop();
  }
}
const readBack = <T>(task: PublishTask, written: Written, work: (duck: DuckChild, from: Duck) => Promise<T>): Promise<T> => within(task, written, (duck) => work(duck, selectAll(task, written.parts, written.format)));
/** Digest of all rows of files, however many: sums of some files after those of others. */
const digestOfParts = (task: PublishTask, written: Written, signal: AbortSignal): Promise<Digest> => within(task, written, async (duck) => {
  const digests: Digest[] = [];
  for (let at = 0; at < written.parts.length; at += AT_ONCE) digests.push(await digestOf(duck, selectAll(task, written.parts.slice(at, at + AT_ONCE), written.format), { columns: task.columns, signal }));
  return addDigests('text-md5', digests);
});
/** Sums of the sampled rows of files, a bucket each: there may be several of one, of some files and of others. */
const sampleOfParts = (task: PublishTask, written: Written, how: { sample: BucketSample; signal: AbortSignal }): Promise<BucketSum[]> => within(task, written, async (duck) => {
  const sums: BucketSum[] = [];
  for (let at = 0; at < written.parts.length; at += AT_ONCE) sums.push(...await sampleOf(duck, selectAll(task, written.parts.slice(at, at + AT_ONCE), written.format), { columns: task.columns, ...how }));
  return addedUp(sums);
});
const addedUp = (sums: readonly BucketSum[]): BucketSum[] => [...Map.groupBy(sums, ({ bucket }) => bucket)].map(([bucket, some]) => {
  const { rows, a, b } = addDigests('text-md5', some.map((each) => ({ ...each, kind: 'text-md5' as const })));
  return { bucket, rows, a, b };
});
function selectAll(task: PublishTask, parts: readonly WrittenPart[], format: FileFormat): Duck {
  const { columns, partitionBy: by } = task;
  return by ? selectParts(parts, { columns, by, format }) : joinSql(parts.map(({ path }) => selectWritten(task, path, format)), sql` UNION ALL `);
}
function selectWritten({ columns }: PublishTask, path: string, format: FileFormat): Duck {
  if (format.format === 'csv') return selectStream(path, columns, dialectOf(format));
  if (format.format !== 'parquet') return selectObjects(path, columns, layoutOf(format));
  const there = columns.map(({ target, targetNative }) => ({ name: target, duckType: targetNative }));
  return selectFile(alone(path), { format: 'parquet', columns: there }, columns.map(({ target, type }) => ({ source: target, type })));
}

/** A reader of files may not tell `a` from `A`, and DuckDB would rename one of them. */
function refuseTwinNames({ columns }: LoadTask): void {
  const seen = new Map<string, string>();
  for (const { target } of columns) {
    const twin = seen.get(target.toLowerCase());
    if (twin !== undefined) throw new EtlError('request.unsupported', { found: `a file with the columns ${twin} and ${target}`, allowed: 'names that differ in more than case' });
    seen.set(target.toLowerCase(), target);
  }
}

/** Keys of ledger rows that are no pieces. `publishing` is written before the rename, with the mark of the file that is renamed, and `publish` after it: a crash in between leaves the first. */
const PUBLISH = 'publish';
const PUBLISHING = 'publishing';
const keyOf = (mark: string): string => `${PUBLISHING} ${mark}`;
const isNote = ({ chunkKey }: LedgerRow): boolean => chunkKey.startsWith(PUBLISHING);
interface Work { readonly task: LoadTask; readonly writer: Writer; readonly format: FileFormat; readonly connection: string }

class FileSinkSession implements SinkSession {
  private readonly work: Work;
  private readonly staged: StagedFile;
  private readonly tools: ConnectorTools;
  private fence = 0;
  constructor(work: Work, staged: StagedFile, tools: ConnectorTools) {
    this.work = work;
    this.staged = staged;
    this.tools = tools;
  }

  async raise(): Promise<number> {
    this.fence = await this.tools.fileLedger.raise(`file:${this.staged.target}`, this.work.writer.holder);
    return this.fence;
  }

  /** A piece whose file is gone (another machine, a cleaned folder) was never written, unless it has been renamed already. */
  async ledger(): Promise<LedgerRow[]> {
    const all = await this.rows();
    const rows = all.filter((row) => !isNote(row));
    if (rows.some(({ chunkKey }) => chunkKey === PUBLISH) || await this.isRenamed(all)) return rows;
    const sizes = await Promise.all(rows.map(({ attempt }) => this.staged.sizeOf(attempt)));
    return rows.filter((_, index) => sizes[index] !== null);
  }

  async prepare({ fresh }: { fresh: 'keep' | 'start-over' }): Promise<void> {
    const [kept] = fresh === 'keep' ? await this.ledger() : [];
    try {
      await this.staged.clear(kept?.attempt ?? null);
      await this.staged.makeFolder();
    } catch (error) {
      throw folderFailure(error, { connection: this.work.connection, dataset: this.work.task.target.dataset, action: 'write' });
    }
    if (kept) return;
    await this.tools.fileLedger.forget(this.work.writer.runId, this.work.writer.task);
    if (this.work.task.judging?.bad === 'aside') await this.tools.fileLedger.forgetAside(this.work.writer.runId, this.work.writer.task);
  }

  async begin(range: ChunkRange): Promise<ChunkWriter | 'done'> {
    const rows = await this.ledger();
    if (rows.some(({ chunkKey }) => chunkKey === range.key)) return 'done';
    await this.mustHold();
    const { task, format, writer } = this.work;
    return FileChunk.begin({ task, format, path: this.staged.of(writer.attempt), scratch: this.tools.scratch, keep: (counts) => this.keep(range, counts) });
  }

  private async keep(range: ChunkRange, counts: ChunkCounts): Promise<'written' | 'redo'> {
    const { runId, task, attempt } = this.work.writer;
    try {
      await this.staged.flush(attempt);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') await this.mustHold(); // a later attempt takes away what this one has staged
      throw folderFailure(error, { connection: this.work.connection, dataset: this.work.task.target.dataset, action: 'write' });
    }
    await this.mustHold();
    const { rejected, bytes, digest, aside } = counts;
    const { judging } = this.work.task;
    const beside = aside?.rows && judging ? { pipeline: judging.pipeline, target: this.staged.target, rows: aside } : undefined;
    const isNew = await this.tools.fileLedger.add(runId, task, { chunkKey: range.key, attempt, fence: this.fence, rows: counts.rows - rejected, rejected, bytes, digest, aside: beside });
    if (!isNew) throw new EtlError('lease.lost');
    return 'written';
  }

  aside(): Promise<AsideReason[]> { return this.tools.fileLedger.aside(this.work.writer.runId, this.work.writer.task); }

  async stagedDigest(task: PublishTask, signal: AbortSignal): Promise<Digest> {
    return readBack(task, { parts: [{ path: await this.stagedPath(), values: [] }], format: this.work.format, scratch: this.tools.scratch }, (duck, from) => digestOf(duck, from, { columns: task.columns, signal }));
  }

  async stagedSample(task: PublishTask, sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> {
    return readBack(task, { parts: [{ path: await this.stagedPath(), values: [] }], format: this.work.format, scratch: this.tools.scratch }, (duck, from) => sampleOf(duck, from, { columns: task.columns, sample, signal }));
  }

  async publish(task: PublishTask, staged: Staged): Promise<Published> {
    if (task.how !== 'file') throw new EtlError('request.unsupported', { found: `${task.how} into a file`, allowed: 'load: replace, which renames a new file into its place' });
    const rows = await this.rows();
    const done = rows.find(({ chunkKey }) => chunkKey === PUBLISH);
    if (done) return { published: done.rows, inserted: null, updated: null };
    const piece = rows.find((row) => !isNote(row));
    if (!piece || piece.rows !== staged.rows) {
      throw new EtlError('sink.reconcile-mismatch', { difference: `${staged.rows} rows are staged, the ledger says ${piece ? piece.rows : 'nothing'}` });
    }
    await this.mustHold();
    const mark = await this.staged.markOf(piece.attempt);
    if (mark === null) await this.mustBeRenamed(rows); // before anything of others is taken away
    else await this.note(keyOf(mark), piece, staged.digest);
    const others = await this.staged.ofOtherRuns();
    await this.mustHold();
    staged.onStep?.('half-swap');
    await this.staged.remove(others);
    if (await this.staged.publish(piece.attempt) === 'gone') await this.mustBeRenamed(rows);
    await this.note(PUBLISH, piece, staged.digest);
    await this.staged.clear(null);
    return { published: staged.rows, inserted: null, updated: null };
  }

  /** Whether the target is the file that an earlier attempt was about to rename. Another one may be there, of an older run or a later one. */
  private async isRenamed(rows: readonly LedgerRow[]): Promise<boolean> {
    const mark = rows.some(isNote) ? await this.staged.targetMark() : null;
    return mark !== null && rows.some(({ chunkKey }) => chunkKey === keyOf(mark));
  }
  /** Says why there is nothing to rename: a later attempt has taken it away, or an earlier one has renamed it, or somebody has removed it.
   * @throws EtlError `lease.lost`, `sink.reconcile-mismatch` */
  private async mustBeRenamed(before: readonly LedgerRow[]): Promise<void> {
    await this.mustHold();
    if (!await this.isRenamed(before)) throw gone();
  }

  private async note(chunkKey: string, piece: LedgerRow, digest: Digest | null): Promise<void> {
    const { runId, task, attempt } = this.work.writer;
    await this.tools.fileLedger.add(runId, task, { chunkKey, attempt, fence: this.fence, rows: piece.rows, rejected: 0, bytes: piece.bytes, digest });
  }

  async discard(): Promise<void> {
    await this.staged.clear(null);
    const rows = await this.rows();
    if (!rows.some(({ chunkKey }) => chunkKey === PUBLISH)) await this.tools.fileLedger.forget(this.work.writer.runId, this.work.writer.task);
  }

  abandon(): Promise<void> { return this.discard(); }

  async close(): Promise<void> { /* each piece ends its own engine */ }

  private rows(): Promise<LedgerRow[]> { return this.tools.fileLedger.rows(this.work.writer.runId, this.work.writer.task); }

  /** The hidden file, or the target once the rename may have happened: its digest then says whether it did. */
  private async stagedPath(): Promise<string> {
    const rows = await this.rows();
    const piece = rows.find((row) => !isNote(row) && row.chunkKey !== PUBLISH);
    if (piece && await this.staged.sizeOf(piece.attempt) !== null) return this.staged.of(piece.attempt);
    await this.mustBeRenamed(rows);
    return this.staged.target;
  }

  private async mustHold(): Promise<void> {
    if (!await this.tools.fileLedger.holds(`file:${this.staged.target}`, this.fence)) throw new EtlError('lease.lost');
  }
}
const gone = (): EtlError => new EtlError('sink.reconcile-mismatch', { difference: 'the staged file is gone' });
