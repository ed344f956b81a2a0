import type { ChunkRange, ChunkWriter, ReadCount, SinkSession, SourceSession } from '@agent-etl/connectors';
import { type Carrier, EtlError } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import type { LoadProgress } from './load-progress.ts';

const MOST_REDOS = 3;
/** Both ends of a load. */
export interface Ends { readonly source: SourceSession; readonly sink: SinkSession; readonly carrier: Carrier; readonly progress: LoadProgress }

/** Moves one piece: its data, its ledger row and the fence check are one transaction of the sink. A commit whose outcome stayed unknown, and which the
 * ledger does not know, is done again; the ledger key makes a wrong repeat harmless.
 * @returns 'done' when the ledger had the piece already
 * @throws EtlError of either end, `sink.commit-unknown` after three such commits; the abort reason of `signal` */
export async function moveChunk(ends: Ends, range: ChunkRange, signal: AbortSignal): Promise<'written' | 'done'> {
  for (let redo = 0; redo <= MOST_REDOS; redo += 1) {
    signal.throwIfAborted();
    const writer = await ends.sink.begin(range);
    if (writer === 'done') return 'done';
    const count = await fill(ends, { range, writer }, signal);
    crashPoint('sink.before-commit');
    const answer = await writer.commit({ rows: count.rows, rejected: 0, bytes: count.bytes, digest: count.digest }, signal)
      .catch(async (refusal: unknown) => { signal.throwIfAborted(); throw await ends.source.explain?.(refusal) ?? refusal; });
    crashPoint('sink.after-commit');
    if (answer === 'written') {
      ends.progress.commit(range.key, count);
      return 'written';
    }
    ends.progress.drop(range.key);
  }
  throw new EtlError('sink.commit-unknown');
}

async function fill({ source, carrier, progress }: Ends, { range, writer }: { range: ChunkRange; writer: ChunkWriter }, signal: AbortSignal): Promise<ReadCount> {
  try {
    const count = carrier === 'file'
      ? await writer.copyFile(source.scan(), signal)
      : await source.read(range, { to: writer.to, signal, onRead: (rows, bytes) => { progress.flow(range.key, rows, bytes); } });
    signal.throwIfAborted();
    return count;
  } catch (cause) {
    progress.drop(range.key);
    await writer.abort(cause);
    throw cause;
  }
}
