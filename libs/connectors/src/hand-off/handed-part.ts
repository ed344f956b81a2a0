import { EtlError, type LoadTask, addressOf, digestText } from '@agent-etl/contracts';
import { DuckChild } from '@agent-etl/engines';
import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileChunk } from '../file/file-chunk.ts';
import { digestOf } from '../file/file-digest.ts';
import type { ReadPlan } from '../file/file-options.ts';
import { alone, selectFile } from '../file/file-sql.ts';
import type { SourceFile } from '../file/source-files.ts';
import type { ChunkRange, OnRead, Source, SourceSession } from '../port.ts';

/** One dataset under its picture, and the task that reads it. */
export interface OpenPart { readonly task: LoadTask; readonly session: SourceSession; readonly offers: Source['offers'] }
/** The same as a Parquet file in the scratch folder. */
export interface HandedPart { readonly files: readonly SourceFile[]; readonly plan: ReadPlan; drop(): Promise<void> }

/** @property path where the file goes; one of its own in the scratch folder when left out */
interface Handing { readonly scratch: string; readonly signal: AbortSignal; readonly onRead: OnRead; readonly path?: string }
/** Hands the rows of a dataset to the engine child: an engine opens files by itself, all else comes as text. */
export async function handOver({ task: planned, session, offers }: OpenPart, { scratch, signal, onRead, path = join(scratch, `handed-${randomUUID()}.parquet`) }: Handing): Promise<HandedPart> {
  const task: LoadTask = offers.includes('file') ? { ...planned, carrier: 'file' } : planned;
  // Whoever reads it finds columns by their place and calls them what the dataset does, whatever the file had to call them.
  const plan: ReadPlan = { format: 'parquet', columns: task.columns.map(({ source, targetNative }) => ({ name: source, duckType: targetNative })) };
  try {
    const range = await onlyPiece(session);
    const chunk = await FileChunk.begin({ task, format: { format: 'parquet', delimiter: ',', compression: 'none' }, path, scratch, keep: () => Promise.resolve('written') });
    const moved = task.carrier === 'file' ? chunk.copyFile(session.scan(), signal) : session.read(range, { to: chunk.to, signal, onRead });
    const count = await moved.catch(async (cause: unknown) => { await chunk.abort(cause); throw cause; });
    await chunk.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: null }).catch(async (refusal: unknown) => { signal.throwIfAborted(); throw await session.explain?.(refusal) ?? refusal; });
    const { size: bytes } = await stat(path);
    return { files: alone(path).map((file) => ({ ...file, bytes })), plan, drop: () => rm(path, { force: true }) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
async function onlyPiece(session: SourceSession): Promise<ChunkRange> {
  const [range, ...more] = await session.cut();
  if (!range || more.length) throw new EtlError('plan.stale');
  return range;
}

export interface Pair { readonly part: OpenPart; readonly handed: HandedPart }
/** Proves that the engine child has what the sources have: count and digest of each file are those of its source under the same picture.
 * @throws EtlError `sink.reconcile-mismatch` */
export async function proveHanded(pairs: readonly Pair[], { scratch, signal }: Pick<Handing, 'scratch' | 'signal'>): Promise<void> {
  const duck = await DuckChild.start({ about: 'rows that were handed over', scratch, files: pairs.flatMap(({ handed: { files } }) => files.map(({ path }) => path)) });
  try {
    for (const { part: { task, session }, handed } of pairs) {
      const there = await session.digest([await onlyPiece(session)], signal);
      const here = await digestOf(duck, selectFile(handed.files, handed.plan, task.columns), { columns: task.columns, signal });
      if (digestText(there) !== digestText(here)) throw new EtlError('sink.reconcile-mismatch', { difference: `${addressOf(task.source)} ${digestText(there)}, handed over ${digestText(here)}` });
    }
  } finally {
    await duck.stop();
  }
}
