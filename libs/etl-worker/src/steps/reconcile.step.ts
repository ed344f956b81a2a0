import type { HashedRows, Sink, SourceSession } from '@agent-etl/connectors';
import { type Digest, EtlError, type Failure, type Profile, type PublishTask, type ReconcileResult, type ReconcileTask, digestText } from '@agent-etl/contracts';
import { bucketGroups, differingBuckets, differingRows } from '../reconcile/differing-rules.ts';
import { sourceOf } from './source-of.ts';
import type { StepContext } from './step-context.ts';

/** Of the buckets that differ these many are read row by row, each with at most these many rows. */
const READ_BUCKETS = 8;
const READ_ROWS = 100_000;
const NAMED_ROWS = 20;
/** To tell rows that are kept from others, ends are read so often at most. */
const MOST_SCANS = 16;

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
    const isEqual = digestText(sourceDigest) === digestText(targetDigest);
    const kept = isEqual ? null : await keptRows(ends, targetDigest.rows - sourceDigest.rows);
    if (!isEqual && kept === null) throw await difference(ends, { source: sourceDigest, target: targetDigest });
    return { kind: 'reconcile', sourceDigest, targetDigest, proofMs: Math.round(performance.now() - began), ...(kept === null ? {} : { kept }) };
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
/** Where nobody asked for deletes, rows that vanished at the source stay in the target. Their number, if all that differs are such rows: every group of keys that differs is read, in a few scans.
 * Null where they are none, or where it cannot be told. */
async function keptRows({ source, sink, publish, profile, signal }: Ends, more: number): Promise<number | null> {
  if (more <= 0 || publish.vanished || (publish.how !== 'upsert' && publish.how !== 'scd2') || !source.hashed || !sink.hashed) return null;
  const key = await keyOf({ source, sink, publish, profile, signal });
  if (!key) return null;
  const both = <T>(ask: (end: HashedRows) => Promise<T>): Promise<[T, T]> =>
    together(signal, [(stopped) => ask(source.hashed!({ key, signal: stopped })), (stopped) => ask(sink.hashed!(publish, { key, signal: stopped }))]);
  const sums = await both((end) => end.buckets());
  const groups = bucketGroups(differingBuckets(...sums), sums, READ_ROWS - 1);
  if (groups.length > MOST_SCANS) return null;
  let kept = 0;
  for (const group of groups) {
    const rows = await both((end) => end.rows(group, READ_ROWS));
    const found = differingRows(...rows);
    const there = new Set(rows[0].map((row) => JSON.stringify(row.key)));
    if (rows.some(({ length }) => length >= READ_ROWS) || found.some((row) => row.is !== 'strange' || there.has(JSON.stringify(row.key)))) return null;
    kept += found.length;
  }
  return kept === more ? kept : null;
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
