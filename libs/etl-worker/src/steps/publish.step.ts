import type { LedgerRow, OpenConnection, SinkSession } from '@agent-etl/connectors';
import { BUCKETS, EtlError, type LoadResult, type LoadTask, type PublishResult, type PublishTask } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import { type Staged, agreeWithLedger, agreeWithPublished, agreeWithStaging, mustHaveReadAll } from '../reconcile/reconcile-rules.ts';
import { sampleOf } from '../reconcile/sample-of.ts';
import { sampleDigest, sampleSums } from '../reconcile/sample-rules.ts';
import { beginSink } from './begin-sink.ts';
import { PUBLISH_KEY, type Repeats, isPublished, noRepeats, piecesOf, repairOf } from './load-rules.ts';
import { assertSameKeys, ofTheTarget } from './mask-keys-rules.ts';
import { raiseFence } from './raise-fence.ts';
import { type StepContext, writerOf } from './step-context.ts';

/** Proves that staging holds what was read, then makes it visible in one step.
 * @throws EtlError `sink.reconcile-mismatch` before anything is visible, `sink.*`, `lease.lost` */
export async function runPublish(context: StepContext, task: PublishTask): Promise<PublishResult> {
  const load = context.command.load;
  if (!load) throw new EtlError('request.invalid', { pointer: '/load', problem: 'a publish needs the result of its load' });
  const target = await context.open(task.target.connection);
  const sink = await beginStaging(context, { target, signal: context.signal }, task);
  try {
    for (let repeats: Repeats = noRepeats; ;) {
      try {
        return await prove(context, { task, load, sink });
      } catch (error) {
        context.signal.throwIfAborted();
        if (repairOf(error, repeats) !== 'raise-again') throw error;
        await context.beat();
        repeats = { ...repeats, raises: repeats.raises + 1 };
      }
    }
  } finally {
    await sink.close();
  }
}

/** Opens the staging that the load of a publish has filled. A sink finds it by writer and target; what belongs to reading is of no account here. */
export function beginStaging(context: StepContext, { target, signal }: { readonly target: OpenConnection; readonly signal: AbortSignal }, task: PublishTask | LoadTask): Promise<SinkSession> {
  if (task.kind === 'load') return beginSink(target, task, { writer: writerOf(context, task.id), signal });
  const { engine, source, columns, digest, cursor, slice, partitionBy } = task;
  const asLoad: LoadTask = {
    id: task.load, kind: 'load', engine, source, target: task.target, columns, digest, options: {}, carrier: target.sink.accepts[0] ?? 'text',
    chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64), ...(cursor ? { cursor } : {}), ...(slice ? { slice } : {}), ...(partitionBy ? { partitionBy } : {}),
  };
  return beginSink(target, asLoad, { writer: writerOf(context, task.load), signal });
}

/** Ways to publish beside rows that keep the tokens they have. The fence is ours: nobody brings others between this look and the commit. */
const STAYING: readonly PublishTask['how'][] = ['append', 'upsert'];
interface Proof { readonly task: PublishTask; readonly load: LoadResult; readonly sink: SinkSession }

async function prove(context: StepContext, proof: Proof): Promise<PublishResult> {
  const { task, load, sink } = proof;
  const report = (phase: 'proving' | 'publishing'): void => {
    context.report({ phase, rows: load.written, totalRows: load.written, bytes: load.bytes, chunksDone: load.chunks, chunks: load.chunks });
  };
  report('proving');
  const startedAt = performance.now();
  const ledger = await raiseFence(context, sink);
  agreeWithLedger(load, ledger);
  mustHaveReadAll(task, load);
  const staged = isPublished(ledger) ? publishedBefore(proof, ledger) : await stagedNow(context, proof, piecesOf(ledger));
  agreeWithStaging(task.level, load, staged);
  if (load.maskKeys && !isPublished(ledger) && STAYING.includes(task.how)) assertSameKeys(await sink.maskedUnder?.(), load.maskKeys, ofTheTarget(task.target.dataset));
  crashPoint('reconcile.counted');
  const proofMs = Math.round(performance.now() - startedAt);
  context.signal.throwIfAborted();
  report('publishing');
  const visible = await sink.publish(task, { ...staged, span: load.span, maskKeys: load.maskKeys, began: context.command.began, onStep: (step) => { crashPoint(`publish.${step}`); } });
  crashPoint('publish.committed');
  agreeWithPublished(task, staged.rows, visible);
  const { published, inserted, updated, deleted, unchanged, asOf, extra } = visible;
  return { kind: 'publish', published, inserted, updated, ...(deleted === undefined ? {} : { deleted }), ...(unchanged === undefined ? {} : { unchanged }), ...(asOf === undefined ? {} : { asOf }), level: task.level, ...coveredBy(context, proof, staged), sourceDigest: load.digest, targetDigest: staged.digest, proofMs, ...(extra === undefined ? {} : { extra }) };
}
/** What a sample covers, and what it does not. */
function coveredBy({ command }: StepContext, { task: { level, sample }, load }: Proof, { digest }: Staged): Pick<PublishResult, 'sampled'> {
  if (level !== 'sampled' || !sample || !digest) return {};
  return { sampled: { seed: command.runId, buckets: sample.buckets, of: BUCKETS, rows: digest.rows, notCovered: load.written - digest.rows } };
}

/** Reads staging back. At level `counts` the rows are those that each commit compared with the sink's own count, and no digest is taken. */
async function stagedNow(context: StepContext, { task, sink }: Proof, pieces: readonly LedgerRow[]): Promise<Staged> {
  const written = pieces.reduce((sum, { rows }) => sum + rows, 0);
  if (task.level === 'counts') return { rows: written, digest: null };
  if (task.level === 'sampled') {
    if (!task.sample || !sink.stagedSample) throw new EtlError('plan.stale');
    const sample = sampleSums(await sink.stagedSample(task, sampleOf(task.sample, task.columns, context.command.runId), context.signal));
    return { rows: written, digest: sampleDigest(sample), sample };
  }
  const digest = await sink.stagedDigest(task, context.signal);
  return { rows: digest.rows, digest };
}

/** An earlier attempt published and could not say so: staging is gone, the ledger kept what it proved. */
function publishedBefore({ task, load }: Proof, ledger: readonly LedgerRow[]): Staged {
  const digest = ledger.find(({ chunkKey }) => chunkKey === PUBLISH_KEY)?.digest ?? load.digest;
  return { rows: task.level === 'full' ? digest?.rows ?? load.written : load.written, digest: task.level === 'counts' ? null : digest };
}
