import { type Digest, EtlError, type ReconcileResult, type ReconcileTask, digestText } from '@agent-etl/contracts';
import type { StepContext } from './step-context.ts';

/** Hashes every row of both ends as they are now, side by side. What changes meanwhile shows as a difference: nobody holds the two together.
 * @throws EtlError `sink.reconcile-mismatch` naming both */
export async function runReconcile(context: StepContext, { load, publish }: ReconcileTask): Promise<ReconcileResult> {
  const [source, target] = await Promise.all([context.open(load.source.connection), context.open(publish.target.connection)]);
  const { signal } = context;
  context.report({ phase: 'proving', rows: 0, totalRows: null, bytes: 0, chunksDone: 0, chunks: 1 });
  const began = performance.now();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const orStop = <T>(work: Promise<T>): Promise<T> => work.catch((error: unknown) => { stop.abort(error); throw error; });
  const ofSource = async (): Promise<Digest> => {
    const session = await source.source.begin(load, null);
    try { return await session.digest(await session.cut(), both); } finally { await session.close(); }
  };
  const [sourceDigest, targetDigest] = await Promise.all([orStop(ofSource()), orStop(target.sink.current(publish, both))]);
  const proofMs = Math.round(performance.now() - began);
  if (sourceDigest.rows !== targetDigest.rows) throw new EtlError('sink.reconcile-mismatch', { difference: `${sourceDigest.rows} rows at the source, ${targetDigest.rows} in the target` });
  if (digestText(sourceDigest) !== digestText(targetDigest)) throw new EtlError('sink.reconcile-mismatch', { difference: `${sourceDigest.rows} rows on both sides, but not the same ones` });
  return { kind: 'reconcile', sourceDigest, targetDigest, proofMs };
}
