import { type ChunkRange, type LedgerRow, type Reached, type SinkSession, type Source, type SourceSession, maskKeysOf } from '@agent-etl/connectors';
import { type Digest, EtlError, type LoadResult, type LoadTask, type MaskKeys, type Quality, type Span, leavesOut, isRowWise } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { StoredCut } from '../chunks/chunks.repository.ts';
import { sampleOf } from '../reconcile/sample-of.ts';
import { sampleDigest, sampleSums } from '../reconcile/sample-rules.ts';
import { decisiveError, staysUnused } from '../tasks/task-state.ts';
import { beginSink } from './begin-sink.ts';
import { inLanes } from './in-lanes.ts';
import { LoadProgress } from './load-progress.ts';
import { assertWithinLimit } from './aside-rules.ts';
import { qualityOf } from './quality-rules.ts';
import { type Repeats, isPublished, ledgerDigest, loadResult, missingOf, noRepeats, repairOf, summedReach, sumsOf } from './load-rules.ts';
import { assertSameKeys, ofTheTarget, ofThisLoad } from './mask-keys-rules.ts';
import { type Ends, moveChunk } from './move-chunk.ts';
import { raiseFence } from './raise-fence.ts';
import { sourceOf } from './source-of.ts';
import { spanOf } from './span-of.ts';
import { type StepContext, writerOf } from './step-context.ts';

/** Copies a source into staging, piece by piece, each in one transaction with its ledger row. What earlier attempts committed is kept as long as
 * the source still shows the picture that it came from. */
export async function runLoad(context: StepContext, task: LoadTask): Promise<LoadResult> {
  const progress = new LoadProgress(task, (now) => { context.report(now); });
  progress.connecting();
  const [source, target] = await Promise.all([sourceOf(context, task), context.open(task.target.connection)]);
  const sink = await beginSink(target, task, { writer: writerOf(context, task.id), signal: context.signal });
  try {
    return await new Load(context, task, { source, sink, progress }).run();
  } finally {
    await sink.close();
  }
}

interface Picture { readonly session: SourceSession; readonly ranges: readonly ChunkRange[]; readonly span: Span | undefined; readonly maskKeys: MaskKeys | undefined }
interface LoadEnds { readonly source: Source; readonly sink: SinkSession; readonly progress: LoadProgress }

class Load {
  private readonly context: StepContext;
  private readonly task: LoadTask;
  private readonly ends: LoadEnds;
  private session: SourceSession | null = null;
  private picture: Picture | null = null;
  private resumed = 0;
  constructor(context: StepContext, task: LoadTask, ends: LoadEnds) {
    this.context = context;
    this.task = task;
    this.ends = ends;
  }

  /** A picture ends when the load's outcome is written: a worker killed before that leaves it to the next attempt, and so does an attempt that may be followed. It may be hours of copying old. */
  async run(): Promise<LoadResult> {
    try {
      const result = await this.passes();
      if (this.session) this.context.keep(this.session);
      return result;
    } catch (error) {
      const { session } = this;
      const isResumed = !staysUnused(decisiveError(error, this.context.signal.reason));
      await (isResumed && session?.leave ? session.leave() : session?.close());
      throw error;
    }
  }

  private async passes(): Promise<LoadResult> {
    for (let repeats: Repeats = noRepeats; ;) {
      try {
        return await this.pass(repeats);
      } catch (error) {
        repeats = await this.repaired(error, repeats);
      }
    }
  }

  private async pass(repeats: Repeats): Promise<LoadResult> {
    const ledger = await raiseFence(this.context, this.ends.sink);
    if (isPublished(ledger)) throw new EtlError('request.conflict', { what: 'the run', state: 'published', action: 'another load' });
    const picture = this.picture ??= await this.takePicture(repeats.pictures > 0 ? null : await this.context.cuts.find());
    return this.move(picture, await this.ends.sink.ledger());
  }

  /** What to change before another pass; the claim must stand for that. */
  private async repaired(error: unknown, repeats: Repeats): Promise<Repeats> {
    this.context.signal.throwIfAborted();
    const repair = repairOf(error, repeats);
    if (!repair) throw error;
    await this.context.beat();
    const isKept = repair === 'raise-again' && this.picture !== null;
    if (!isKept) await this.dropPicture();
    return repair === 'raise-again' ? { ...repeats, raises: repeats.raises + 1 } : { ...repeats, pictures: repeats.pictures + 1 };
  }

  private async dropPicture(): Promise<void> {
    const session = this.session;
    this.session = null;
    this.picture = null;
    await session?.close();
  }

  private async takePicture(stored: StoredCut | null): Promise<Picture> {
    const again = stored && await this.sameAgain(stored);
    const picture = again ?? await this.startOver();
    crashPoint('source.opened');
    return picture;
  }

  /** The picture of an earlier attempt with its cut, or null when the source has lost it. */
  private async sameAgain(stored: StoredCut): Promise<Picture | null> {
    const session = await this.ends.source.begin(this.task, stored.snapshot).catch((error: unknown) => {
      if (error instanceof EtlError && error.code === 'source.snapshot-lost') return null;
      throw error;
    });
    if (!session) return null;
    this.session = session;
    if (session.snapshot !== stored.snapshot) await this.context.cuts.handOn(session.snapshot);
    const maskKeys = await this.maskKeys();
    assertSameKeys(stored.maskKeys, maskKeys, ofThisLoad);
    await this.ends.sink.prepare({ fresh: 'keep' });
    return { session, ranges: stored.ranges, span: stored.span, maskKeys };
  }

  /** Staging is emptied before the new cut is stored: a crash in between meets the old cut, whose picture is gone, and starts over again.
   * The other way round rows of two pictures would mix. */
  private async startOver(): Promise<Picture> {
    const session = await this.ends.source.begin(this.task, null);
    this.session = session;
    const { signal } = this.context;
    const span = await spanOf(this.task, { source: session, sink: this.ends.sink }, signal);
    const maskKeys = await this.maskKeys();
    if (maskKeys && (span?.from || this.task.slice)) assertSameKeys(await this.ends.sink.maskedUnder?.(), maskKeys, ofTheTarget(this.task.target.dataset));
    const ranges = await session.cut(typeof span?.from === 'string' ? { since: span.from, signal } : undefined);
    await this.ends.sink.prepare({ fresh: 'start-over' });
    await this.context.cuts.replace({ snapshot: session.snapshot, ranges, span, maskKeys });
    return { session, ranges, span, maskKeys };
  }

  /** Each reader opens the keys of masks for itself: they are looked at before the first and behind the last. */
  private maskKeys(): Promise<MaskKeys | undefined> { return maskKeysOf(this.task.transform, () => this.context.secrets()); }

  private async judged(): Promise<Ends['judging']> {
    const { judging } = this.task;
    if (!judging) return null;
    const scratch = await this.context.scratch();
    return { by: judging, path: ({ key }) => join(scratch, `aside-${createHash('sha256').update(key).digest('hex')}.ndjson`) };
  }

  private async move({ session, ranges, span, maskKeys }: Picture, ledger: readonly LedgerRow[]): Promise<LoadResult> {
    const { sink, progress } = this.ends;
    const missing = missingOf(ranges, ledger);
    if (missing.length) await session.ready?.(this.context.signal);
    this.resumed = Math.max(this.resumed, ledger.filter(({ attempt }) => attempt < this.context.command.attempt).length);
    progress.begin(ranges.length, ledger);
    const seen: { digest: Digest | null; sample?: LoadResult['sample']; ms: number } = { digest: null, ms: 0 };
    const counted: Reached[] = [];
    const ends: Ends = { source: session, sink, carrier: this.task.carrier, progress, judging: await this.judged(), onReached: (reached) => { counted.push(reached); } };
    const { level = 'full', transform } = this.task;
    const { lanes } = this.context;
    // A join that finds more than it may is found out before its rows travel.
    const early = transform?.inputs ? await this.reached(session, ranges, []) : null;
    const hash = this.hashBeside({ session, ranges });
    const timed = hash && (async (signal: AbortSignal): Promise<void> => {
      const startedAt = performance.now();
      Object.assign(seen, await hash(signal));
      seen.ms = Math.round(performance.now() - startedAt);
    });
    // With one lane the source is hashed once it is copied. So are groups and joins: an engine holds as many rows of them as it may, and two at once would hold twice as many.
    const beside = lanes > 1 && (!transform || isRowWise(transform)) ? timed : undefined;
    await inLanes(missing, { lanes: Math.min(this.task.chunks.parallel, beside ? lanes - 1 : lanes), signal: this.context.signal, ...(beside ? { beside } : {}) },
      async (range, signal) => { await moveChunk(ends, range, signal); });
    progress.proving();
    const written = await sink.ledger();
    const passing = level === 'sampled' ? null : ledgerDigest(this.task.digest, written);
    if (!beside && !passing) await timed?.(this.context.signal);
    const digest = seen.digest ?? passing ?? (level === 'full' ? await session.digest(ranges, this.context.signal) : null);
    const aside = await sink.aside?.() ?? [];
    if (maskKeys) assertSameKeys(maskKeys, await this.maskKeys(), ofThisLoad);
    assertWithinLimit(this.task.judging, { ...sumsOf(written), aside });
    const quality = await this.quality(session, ranges);
    const reached = early ?? await this.reached(session, ranges, counted);
    return { ...loadResult({ ranges, ledger: written, resumed: this.resumed, digest, reached, transform, span, of: seen.sample ? 'sample' : 'all', aside }), digestMs: seen.ms, ...(seen.sample ? { sample: seen.sample } : {}), ...(quality ? { quality } : {}), ...(maskKeys ? { maskKeys } : {}) };
  }

  private async quality(session: SourceSession, ranges: readonly ChunkRange[]): Promise<Quality | null> {
    const { measuring } = this.task;
    if (!measuring) return null;
    if (!session.measured) throw new EtlError('plan.stale');
    return qualityOf(await session.measured(ranges, measuring, this.context.signal), measuring, this.task);
  }

  /** What the steps saw of the whole picture: the sum of its pieces when this pass moved and counted them all, else counted now. Pieces of an earlier attempt are in the ledger without it. */
  private async reached(session: SourceSession, ranges: readonly ChunkRange[], counted: readonly Reached[]): Promise<Reached | null> {
    const { transform } = this.task;
    if (!transform || !leavesOut(transform)) return null;
    return counted.length === ranges.length ? summedReach(counted) : await session.reached?.(ranges, this.context.signal) ?? null;
  }

  /** What hashes the source while it is copied: all of it where rows are not hashed on their way, or the sample of this run. */
  private hashBeside({ session, ranges }: Pick<Picture, 'session' | 'ranges'>): ((signal: AbortSignal) => Promise<{ digest: Digest; sample?: LoadResult['sample'] }>) | undefined {
    const { level = 'full', sample, columns, digest } = this.task;
    if (level === 'sampled') {
      return async (signal) => {
        if (!sample || !session.sampled) throw new EtlError('plan.stale');
        const sums = sampleSums(await session.sampled(ranges, sampleOf(sample, columns, this.context.command.runId), signal));
        return { sample: sums, digest: sampleDigest(sums) };
      };
    }
    return digest === 'text-md5' && level === 'full' ? async (signal) => ({ digest: await session.digest(ranges, signal) }) : undefined;
  }
}
