import { EtlError, type LoadTask } from '@agent-etl/contracts';
import { type HandedPart, type OpenPart, handOver, proveHanded } from '../hand-off/handed-part.ts';
import type { Source } from '../port.ts';
import { stagingTasks } from './staged-types-rules.ts';

/** @property open the source behind a connection, for the datasets beside that of the task
 * @property pathOf where a dataset goes: 0 is the source of the task, the others follow in their order */
export interface Staging { readonly source: Source; readonly open: (connection: string) => Promise<Source>; readonly task: LoadTask; readonly pathOf: (index: number) => string; readonly scratch: string; readonly signal: AbortSignal }

/** Writes the rows of a source and of the datasets beside it, without any step, each as one Parquet file. What lies behind one connection is seen under one picture; every file is counted at both ends, and
 * where several datasets meet each is proved by its digest too. Nothing is held open afterwards.
 * @throws EtlError of the sources, `platform.disk-full`, `sink.reconcile-mismatch` when a file has not the rows that were read */
export async function stageInputs(staging: Staging): Promise<void> {
  const parts = await begun(staging);
  try {
    await written(parts, staging);
  } catch (cause) {
    staging.signal.throwIfAborted();
    throw cause instanceof EtlError && cause.code === 'platform.disk-full' ? new EtlError('platform.disk-full', { what: 'what is staged for Spark' }, { cause: cause.cause }) : cause;
  } finally {
    await closed(parts);
  }
}
async function begun({ source, open, task }: Staging): Promise<readonly OpenPart[]> {
  const parts: OpenPart[] = [];
  try {
    for (const [index, part] of stagingTasks(task).entries()) {
      const { connection } = part.source;
      const shared = parts.find((other) => other.task.source.connection === connection)?.session.snapshot ?? null;
      const from = index === 0 ? source : await open(connection);
      parts.push({ task: part, offers: from.offers, session: await from.begin(part, shared) });
    }
    return parts;
  } catch (error) {
    await closed(parts);
    throw error;
  }
}
async function written(parts: readonly OpenPart[], { pathOf, scratch, signal }: Staging): Promise<void> {
  const handed: HandedPart[] = [];
  for (const [index, part] of parts.entries()) handed.push(await handOver(part, { scratch, signal, path: pathOf(index), onRead: () => undefined }));
  if (parts.length > 1) await proveHanded(parts.flatMap((part, index) => (handed[index] ? [{ part, handed: handed[index] }] : [])), { scratch, signal });
}
const closed = async (parts: readonly OpenPart[]): Promise<void> => { await Promise.allSettled(parts.map(({ session }) => session.close())); };
