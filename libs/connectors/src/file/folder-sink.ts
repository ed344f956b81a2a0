import { type AsideReason, type Digest, EtlError, type LoadTask, type PublishTask, digestText } from '@agent-etl/contracts';
import { join } from 'node:path';
import type { BucketSample, BucketSum, ChunkCounts, ChunkRange, ChunkWriter, ConnectorTools, LedgerRow, Published, SinkSession, Staged, Writer } from '../port.ts';
import { FileChunk } from './file-chunk.ts';
import { folderFailure } from './file-folder.ts';
import type { FileFormat } from './file-format-rules.ts';
import { partitionsOf } from './folder-dataset-rules.ts';
import type { FolderManifest } from './folder-manifest.ts';
import type { WrittenPart } from './part-sql.ts';
import { MOST_PARTITIONS, partitionFolder } from './partition-names-rules.ts';
import { tooMany } from './partitioned-piece.ts';
import type { StagedFolder, StagedPiece } from './staged-folder.ts';

/** Keys of ledger rows that are no pieces: `publishing` is written before the first rename, `publish` after the last. */
const PUBLISH = 'publish';
const PUBLISHING = 'publishing';
/** @property readBack digest of files that a load has written */
export interface FolderWork {
  readonly task: LoadTask; readonly writer: Writer; readonly format: FileFormat; readonly connection: string;
  readonly readBack: (task: PublishTask, parts: readonly WrittenPart[], signal: AbortSignal) => Promise<Digest>;
  readonly sample: (task: PublishTask, parts: readonly WrittenPart[], how: { readonly sample: BucketSample; readonly signal: AbortSignal }) => Promise<BucketSum[]>;
}

/** Writes the pieces of a load as parts of a folder, several at once, and publishes them by renaming a manifest. */
export class FolderSinkSession implements SinkSession {
  private fence = 0;
  constructor(private readonly work: FolderWork, private readonly staged: StagedFolder, private readonly tools: ConnectorTools) {}

  private get target(): string { return `file:${this.staged.folder}`; }
  async raise(): Promise<number> {
    this.fence = await this.tools.fileLedger.raise(this.target, this.work.writer.holder);
    return this.fence;
  }
  /** A piece whose file is gone (another machine, a cleaned folder) was never written, unless its rename may have been begun. */
  async ledger(): Promise<LedgerRow[]> {
    const rows = await this.rows();
    if (rows.some(({ chunkKey }) => chunkKey === PUBLISHING)) return rows.filter(({ chunkKey }) => chunkKey !== PUBLISHING);
    const staged = await this.staged.staged();
    return rows.filter((row) => pieceOf(row, staged) !== undefined);
  }
  async prepare({ fresh }: { fresh: 'keep' | 'start-over' }): Promise<void> {
    const { runId, task } = this.work.writer;
    const kept = fresh === 'keep' ? await this.ledger() : [];
    await this.told(async () => {
      await this.staged.clear(kept.map(({ chunkKey }) => chunkKey));
      await this.staged.make();
    });
    if (kept.length > 0) return;
    await this.tools.fileLedger.forget(runId, task);
    if (this.work.task.judging?.bad === 'aside') await this.tools.fileLedger.forgetAside(runId, task);
  }
  async begin(range: ChunkRange): Promise<ChunkWriter | 'done'> {
    if ((await this.ledger()).some(({ chunkKey }) => chunkKey === range.key)) return 'done';
    await this.mustHold();
    const { task, format, writer } = this.work;
    return FileChunk.begin({ task, format, path: this.staged.open(range.key, writer.attempt), scratch: this.tools.scratch, keep: (counts) => this.keep(range, counts) });
  }
  private async keep({ key }: ChunkRange, { rows, rejected, bytes, digest, aside }: ChunkCounts): Promise<'written' | 'redo'> {
    const { runId, task, attempt } = this.work.writer;
    await this.mustHold();
    await this.told(() => this.staged.keep(key, attempt));
    await this.mustHold();
    const { judging } = this.work.task;
    const beside = aside?.rows && judging ? { pipeline: judging.pipeline, target: this.staged.folder, rows: aside } : undefined;
    if (!await this.tools.fileLedger.add(runId, task, { chunkKey: key, attempt, fence: this.fence, rows: rows - rejected, rejected, bytes, digest, aside: beside })) throw new EtlError('lease.lost');
    return 'written';
  }
  aside(): Promise<AsideReason[]> { return this.tools.fileLedger.aside(this.work.writer.runId, this.work.writer.task); }
  async stagedDigest(task: PublishTask, signal: AbortSignal): Promise<Digest> {
    return this.work.readBack(task, await this.written(), signal);
  }

  async stagedSample(task: PublishTask, sample: BucketSample, signal: AbortSignal): Promise<BucketSum[]> { return this.work.sample(task, await this.written(), { sample, signal }); }
  /** The files of this run: those of its pieces, or, where an earlier attempt has begun to name them, what its plan says of them. */
  private async written(): Promise<WrittenPart[]> {
    const isBegun = (await this.rows()).some(({ chunkKey }) => chunkKey === PUBLISHING);
    const manifest = isBegun ? await this.staged.planned() ?? await this.staged.manifest() : null;
    if (!isBegun) return (await this.pieces()).flatMap(({ piece }) => piece.parts);
    if (manifest?.runId !== this.work.writer.runId) throw gone();
    return (await this.staged.whereabouts(manifest)).map(({ name, from }) => ({ path: from ?? join(this.staged.folder, name), values: partitionsOf(name).values }));
  }

  async publish(task: PublishTask, staged: Staged): Promise<Published> {
    if (task.how !== 'file') throw new EtlError('request.unsupported', { found: `${task.how} into a folder`, allowed: 'load: replace, which lets new parts take the place of the old ones' });
    const rows = await this.rows();
    const done = rows.find(({ chunkKey }) => chunkKey === PUBLISH);
    if (done) return { published: done.rows, inserted: null, updated: null };
    const sum = rows.reduce((all, { chunkKey, rows: written }) => all + (chunkKey === PUBLISHING ? 0 : written), 0);
    if (sum !== staged.rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${staged.rows} rows are staged, the ledger says ${sum}` });
    await this.mustHold();
    await this.told(() => this.makeVisible(rows, staged));
    await this.note(PUBLISH, staged);
    await this.staged.sweep();
    return { published: staged.rows, inserted: null, updated: null };
  }
  /** An earlier attempt may have come anywhere: its plan is still there until the manifest has taken its name. */
  private async makeVisible(rows: readonly LedgerRow[], staged: Staged): Promise<void> {
    const isBegun = rows.some(({ chunkKey }) => chunkKey === PUBLISHING);
    const planned = isBegun ? await this.staged.planned() : null;
    if (isBegun && !planned) {
      if ((await this.staged.manifest())?.runId !== this.work.writer.runId) throw gone();
      return;
    }
    const manifest = planned ?? await this.manifestOf(staged);
    if (!planned) await this.staged.announce(manifest);
    await this.note(PUBLISHING, staged);
    const others = await this.staged.ofOtherRuns();
    await this.mustHold();
    staged.onStep?.('half-swap');
    await this.staged.remove(others);
    await this.staged.publish(manifest);
  }
  private async manifestOf({ rows, digest }: { rows: number; digest: Digest | null }): Promise<FolderManifest> {
    const { task, format, writer } = this.work;
    const { partitionBy } = task;
    const list: FolderManifest['parts'] = [];
    const seen = new Map<string, number>();
    const partitions = new Set<string>();
    const isEmpty = rows === 0;
    for (const { row, piece } of await this.pieces()) {
      for (const { path, sha256, values, rows: counted } of piece.parts) {
        if (partitionBy && counted === 0 && !isEmpty) continue; // a piece without rows beside others is no partition
        const below = partitionBy ? `${partitionFolder(partitionBy, values)}/` : '';
        const twins = seen.get(sha256) ?? 0;
        if (twins > 0 && (counted ?? row.rows) === 0) continue; // pieces of which nothing is left are one part
        seen.set(sha256, twins + 1);
        partitions.add(below);
        list.push({ name: below + this.staged.partName(sha256, twins), rows: counted ?? row.rows, bytes: await this.staged.sizeOf(path), sha256 });
      }
    }
    if (partitions.size > MOST_PARTITIONS) throw tooMany(task);
    return {
      version: 1, runId: writer.runId, format: format.format, rows, bytes: list.reduce((sum, { bytes }) => sum + bytes, 0), digest: digest ? digestText(digest) : null,
      columns: task.columns.map(({ target: name, targetNative: type }) => ({ name, type })), ...(partitionBy ? { partitionBy } : {}), parts: list,
    };
  }
  private async pieces(): Promise<{ row: LedgerRow; piece: StagedPiece }[]> {
    const staged = await this.staged.staged();
    return (await this.rows()).filter(({ chunkKey }) => chunkKey !== PUBLISH && chunkKey !== PUBLISHING).map((row) => {
      const piece = pieceOf(row, staged);
      if (!piece) throw gone();
      return { row, piece };
    });
  }
  private async note(chunkKey: string, { rows, digest }: { rows: number; digest: Digest | null }): Promise<void> {
    const { runId, task, attempt } = this.work.writer;
    await this.tools.fileLedger.add(runId, task, { chunkKey, attempt, fence: this.fence, rows, rejected: 0, bytes: 0, digest });
  }
  async discard(): Promise<void> {
    await this.staged.clear();
    if (!(await this.rows()).some(({ chunkKey }) => chunkKey === PUBLISH)) await this.tools.fileLedger.forget(this.work.writer.runId, this.work.writer.task);
  }
  abandon(): Promise<void> { return this.discard(); }
  async close(): Promise<void> { /* each piece ends its own engine */ }

  private rows(): Promise<LedgerRow[]> { return this.tools.fileLedger.rows(this.work.writer.runId, this.work.writer.task); }
  private async mustHold(): Promise<void> {
    if (!await this.tools.fileLedger.holds(this.target, this.fence)) throw new EtlError('lease.lost');
  }
  private async told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') await this.mustHold(); // a later attempt takes away what this one has staged
      throw folderFailure(error, { connection: this.work.connection, dataset: this.work.task.target.dataset, action: 'write' });
    }
  }
}
const pieceOf = ({ chunkKey, attempt }: LedgerRow, staged: readonly StagedPiece[]): StagedPiece | undefined => staged.find((each) => each.key === chunkKey.slice(0, 32) && each.attempt === attempt);
const gone = (): EtlError => new EtlError('sink.reconcile-mismatch', { difference: 'a staged part is gone' });
