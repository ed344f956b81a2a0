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
import type { OnRead, SourceSession } from '../port.ts';

/** One dataset under its picture, and the task that reads it. */
export interface OpenPart { readonly task: LoadTask; readonly session: SourceSession }
/** The same as a Parquet file in the scratch folder. */
export interface HandedPart { readonly files: readonly SourceFile[]; readonly plan: ReadPlan; drop(): Promise<void> }

interface Handing { readonly scratch: string; readonly signal: AbortSignal; readonly onRead: OnRead }
/** Hands the rows of a dataset to the engine child, and proves that it has them: count and digest of the file are those of the source under the same picture.
 * @throws EtlError `sink.reconcile-mismatch` when they are not, and whatever reading throws */
export async function handOver({ task, session }: OpenPart, { scratch, signal, onRead }: Handing): Promise<HandedPart> {
  const path = join(scratch, `handed-${randomUUID()}.parquet`);
  const plan: ReadPlan = { format: 'parquet', columns: task.columns.map(({ target, targetNative }) => ({ name: target, duckType: targetNative })) };
  try {
    const ranges = await session.cut();
    const [range] = ranges;
    if (!range || ranges.length > 1) throw new EtlError('plan.stale');
    const chunk = await FileChunk.begin({ task, format: { format: 'parquet', delimiter: ',', compression: 'none' }, path, scratch, keep: () => Promise.resolve('written') });
    const count = await session.read(range, { to: chunk.to, signal, onRead }).catch(async (cause: unknown) => { await chunk.abort(cause); throw cause; });
    await chunk.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: null }).catch(async (refusal: unknown) => { signal.throwIfAborted(); throw await session.explain?.(refusal) ?? refusal; });
    const { size: bytes } = await stat(path);
    await proved({ task, session }, { path, plan, scratch, signal });
    return { files: alone(path).map((file) => ({ ...file, bytes })), plan, drop: () => rm(path, { force: true }) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function proved({ task, session }: OpenPart, { path, plan, scratch, signal }: { path: string; plan: ReadPlan; scratch: string; signal: AbortSignal }): Promise<void> {
  const name = addressOf(task.source);
  const duck = await DuckChild.start({ about: name, scratch, files: [path] });
  try {
    const columns = task.columns.map(({ target, type }) => ({ source: target, type }));
    const [there, here] = await Promise.all([session.digest(await session.cut(), signal), digestOf(duck, selectFile(alone(path), plan, columns), { columns: task.columns, signal })]);
    if (digestText(there) !== digestText(here)) throw new EtlError('sink.reconcile-mismatch', { difference: `${name} ${digestText(there)}, handed over ${digestText(here)}` });
  } finally {
    await duck.stop();
  }
}
