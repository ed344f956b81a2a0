import { EtlError, type LoadTask } from '@agent-etl/contracts';
import { FileChunk } from '../file/file-chunk.ts';
import type { ReadCount, Source } from '../port.ts';
import { stagingTask } from './staged-types-rules.ts';

interface Staging { readonly source: Source; readonly task: LoadTask; readonly path: string; readonly scratch: string; readonly signal: AbortSignal }
/** Writes the rows of a source, without any step, as one Parquet file: under one picture of the source, and counted at both ends.
 * @throws EtlError of the source, `platform.disk-full`, `sink.reconcile-mismatch` when the file has not the rows that were read */
export async function stageInput({ source, task: of, path, scratch, signal }: Staging): Promise<number> {
  const carrier = source.offers.includes('file') ? 'file' : 'text';
  const task = stagingTask(of, carrier);
  const session = await source.begin(task, null);
  try {
    const chunk = await FileChunk.begin({ task, path, scratch, format: { format: 'parquet', compression: 'none', delimiter: ',' }, keep: async () => 'written' });
    const count: ReadCount = { rows: 0, bytes: 0, digest: null };
    try {
      const ranges = await session.cut();
      const counts = carrier === 'file' ? [await chunk.copyFile(session.scan(), signal)] : [];
      if (carrier === 'text') for (const range of ranges) counts.push(await session.read(range, { to: chunk.to, signal, onRead: () => undefined }));
      const all = counts.reduce((sum, { rows, bytes }) => ({ ...sum, rows: sum.rows + rows, bytes: sum.bytes + bytes }), count);
      await chunk.commit({ ...all, rejected: 0 });
      return all.rows;
    } catch (cause) {
      await chunk.abort(cause);
      signal.throwIfAborted();
      throw cause instanceof EtlError && cause.code === 'platform.disk-full' ? new EtlError('platform.disk-full', { what: 'what is staged for Spark' }, { cause: cause.cause }) : cause;
    }
  } finally {
    await session.close();
  }
}
