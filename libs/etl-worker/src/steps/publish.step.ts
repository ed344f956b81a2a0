import type { LedgerRow, OpenConnection, SinkSession } from '@agent-etl/connectors';
import { type Digest, EtlError, type LoadResult, type LoadTask, type PublishResult, type PublishTask } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import { agreeWithLedger, agreeWithPublished, agreeWithStaging } from '../reconcile/reconcile-rules.ts';
import { PUBLISH_KEY, type Repeats, isPublished, noRepeats, piecesOf, repairOf } from './load-rules.ts';
import { raiseFence } from './raise-fence.ts';
import { type StepContext, writerOf } from './step-context.ts';

/** Proves that staging holds what was read, then makes it visible in one step.
 * @throws EtlError `sink.reconcile-mismatch` before anything is visible, `sink.*`, `lease.lost` */
export async function runPublish(context: StepContext, task: PublishTask): Promise<PublishResult> {
  const load = context.command.load;
  if (!load) throw new EtlError('request.invalid', { pointer: '/load', problem: 'a publish needs the result of its load' });
  const target = await context.open(task.target.connection);
  const sink = await beginStaging(context, target, task);
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
export function beginStaging(context: StepContext, target: OpenConnection, task: PublishTask | LoadTask): Promise<SinkSession> {
  if (task.kind === 'load') return target.sink.begin(task, writerOf(context, task.id));
  const { engine, source, columns, digest } = task;
  const asLoad: LoadTask = {
    id: task.load, kind: 'load', engine, source, target: task.target, columns, digest, options: {}, carrier: target.sink.accepts[0] ?? 'text',
    chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64),
  };
  return target.sink.begin(asLoad, writerOf(context, task.load));
}

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
  const staged = isPublished(ledger) ? publishedDigest(load, ledger) : await stagedDigest(context, proof, piecesOf(ledger));
  agreeWithStaging(task.level, load.digest, staged);
  crashPoint('reconcile.counted');
  const proofMs = Math.round(performance.now() - startedAt);
  context.signal.throwIfAborted();
  report('publishing');
  const { published, inserted, updated } = await sink.publish(task, { rows: staged.rows, digest: staged });
  crashPoint('publish.committed');
  agreeWithPublished(task, staged.rows, published);
  return { kind: 'publish', published, inserted, updated, level: task.level, sourceDigest: load.digest, targetDigest: staged, proofMs };
}

/** Reads staging back. At level `counts` the rows are those that each commit compared with the sink's own count, and the lanes stay zero: not compared. */
async function stagedDigest(context: StepContext, { task, sink }: Proof, pieces: readonly LedgerRow[]): Promise<Digest> {
  if (task.level === 'full') return sink.stagedDigest(task, context.signal);
  return { kind: task.digest, rows: pieces.reduce((sum, { rows }) => sum + rows, 0), a: '0', b: '0' };
}

/** An earlier attempt published and could not say so: staging is gone, the ledger kept what it proved. */
function publishedDigest(load: LoadResult, ledger: readonly LedgerRow[]): Digest {
  return ledger.find(({ chunkKey }) => chunkKey === PUBLISH_KEY)?.digest ?? load.digest;
}
