import type { HashedRows, Sink, SourceSession } from '@agent-etl/connectors';
import { type Digest, EtlError, type Failure, type Profile, type PublishTask, type ReconcileResult, type ReconcileTask, digestText } from '@agent-etl/contracts';
import { differingBuckets, differingRows } from '../reconcile/differing-rules.ts';
import { sourceOf } from './source-of.ts';
import type { StepContext } from './step-context.ts';

/** Of the buckets that differ these many are read row by row, each with at most these many rows. */
const READ_BUCKETS = 8;
const READ_ROWS = 100_000;
const NAMED_ROWS = 20;

interface Ends { readonly source: SourceSession; readonly sink: Sink; readonly publish: PublishTask; readonly profile: () => Promise<Profile>; readonly signal: AbortSignal }

/** Hashes every row of both ends as they are now, side by side. What changes meanwhile shows as a difference: nobody holds the two together.
 * @throws EtlError `sink.reconcile-mismatch` naming buckets of keys, and the first rows */
export async function runReconcile(context: StepContext, { load, publish }: ReconcileTask): Promise<ReconcileResult> {
  const [source, target] = await Promise.all([context.open(load.source.connection), context.open(publish.target.connection)]);
  context.report({ phase: 'proving', rows: 0, totalRows: null, bytes: 0, chunksDone: 0, chunks: 1 });
  const began = performance.now();
  const session = await (await sourceOf(context, load)).begin(load, null);
  try {
    const ends: Ends = { source: session, sink: target.sink, publish, profile: () => source.profile(load.source.dataset, 'source'), signal: context.signal };
    const ranges = await session.cut();
    const [sourceDigest, targetDigest] = await together(context.signal, [(signal) => session.digest(ranges, signal), (signal) => target.sink.current(publish, signal)]);
    if (digestText(sourceDigest) !== digestText(targetDigest)) throw await difference(ends, { source: sourceDigest, target: targetDigest });
    return { kind: 'reconcile', sourceDigest, targetDigest, proofMs: Math.round(performance.now() - began) };
  } finally {
    await session.close();
  }
}
/** Both at once; when one fails the other is stopped. */
async function together<T>(signal: AbortSignal, works: readonly [(signal: AbortSignal) => Promise<T>, (signal: AbortSignal) => Promise<T>]): Promise<[T, T]> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const [one, other] = works.map((work) => work(both).catch((error: unknown) => { stop.abort(error); throw error; })) as [Promise<T>, Promise<T>];
  return Promise.all([one, other]);
}
async function difference(ends: Ends, { source, target }: Record<'source' | 'target', Digest>): Promise<EtlError> {
  const counts = source.rows === target.rows ? `${source.rows} rows on both sides, but not the same ones` : `${source.rows} rows at the source, ${target.rows} in the target`;
  const named = await nameRows(ends);
  return new EtlError('sink.reconcile-mismatch', { difference: named ? `${counts}; ${named.buckets} of 4096 groups of keys differ` : counts }, named ? { rows: named.rows } : {});
}
/** Null when there is no key, or an end cannot tell its rows by one. */
async function nameRows(ends: Ends): Promise<{ buckets: number; rows: NonNullable<Failure['rows']> } | null> {
  const { source, sink, publish, signal } = ends;
  if (!source.hashed || !sink.hashed) return null;
  const key = await keyOf(ends);
  if (!key) return null;
  const both = <T>(ask: (end: HashedRows) => Promise<T>): Promise<[T, T]> =>
    together(signal, [(stopped) => ask(source.hashed!({ key, signal: stopped })), (stopped) => ask(sink.hashed!(publish, { key, signal: stopped }))]);
  const buckets = differingBuckets(...await both((end) => end.buckets()));
  const looked = buckets.slice(0, READ_BUCKETS);
  const rows = looked.length ? differingRows(...await both((end) => end.rows(looked, READ_ROWS))) : [];
  return { buckets: buckets.length, rows: rows.slice(0, NAMED_ROWS) };
}
/** Positions of what names a row: the key of the target, else one that the source proves. */
async function keyOf({ publish: { key, columns }, profile }: Ends): Promise<number[] | null> {
  const places = (names: readonly string[], end: 'source' | 'target'): number[] => names.map((name) => columns.findIndex((column) => column[end] === name));
  if (key) return places(key, 'target');
  const { primaryKey, uniqueKeys } = await profile();
  return [primaryKey ?? [], ...uniqueKeys].map((names) => places(names, 'source')).find((found) => found.length > 0 && !found.includes(-1)) ?? null;
}
