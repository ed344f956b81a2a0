import { type AsideRows, type ChunkRange, type ChunkWriter, JudgedRows, type Reached, type ReadCount, type SinkSession, type SourceSession } from '@agent-etl/connectors';
import { type Carrier, EtlError, type Judging } from '@agent-etl/contracts';
import { crashPoint } from '@agent-etl/service-kit';
import type { LoadProgress } from './load-progress.ts';

const MOST_REDOS = 3;
/** Both ends of a load. */
export interface Ends { readonly source: SourceSession; readonly sink: SinkSession; readonly carrier: Carrier; readonly progress: LoadProgress;
  /** How rows are judged, and where those that are set aside wait for their transaction; null where they are not. */
  readonly judging: { readonly by: Judging; readonly path: (range: ChunkRange) => string } | null;
  /** Hears what the steps saw of a piece that is committed, where its source counted it on the way. */
  readonly onReached?: (reached: Reached) => void }

/** Moves one piece: its data, its ledger row and the fence check are one transaction of the sink. A commit whose outcome stayed unknown, and which the
 * ledger does not know, is done again; the ledger key makes a wrong repeat harmless.
 * @returns 'done' when the ledger had the piece already
 * @throws EtlError of either end, `sink.commit-unknown` after three such commits; the abort reason of `signal` */
export async function moveChunk(ends: Ends, range: ChunkRange, signal: AbortSignal): Promise<'written' | 'done'> {
  for (let redo = 0; redo <= MOST_REDOS; redo += 1) {
    signal.throwIfAborted();
    const writer = await ends.sink.begin(range, signal);
    if (writer === 'done') return 'done';
    const { aside, ...count } = await fill(ends, { range, writer }, signal);
    crashPoint('sink.before-commit');
    const answer = await writer.commit({ rows: count.rows, rejected: aside?.rows ?? 0, bytes: count.bytes, digest: count.digest, ...(aside ? { aside } : {}) }, signal)
      .catch(async (refusal: unknown) => { signal.throwIfAborted(); throw await ends.source.explain?.(refusal) ?? refusal; })
      .finally(() => { aside?.drop(); });
    crashPoint('sink.after-commit');
    if (answer === 'written') {
      ends.progress.commit(range.key, count);
      if (count.reached) ends.onReached?.(count.reached);
      return 'written';
    }
    ends.progress.drop(range.key);
  }
  throw new EtlError('sink.commit-unknown');
}

type Filled = ReadCount & { readonly aside: (AsideRows & { drop(): void }) | null };
async function fill({ source, carrier, progress, judging }: Ends, { range, writer }: { range: ChunkRange; writer: ChunkWriter }, signal: AbortSignal): Promise<Filled> {
  const judged = judging ? new JudgedRows(writer.to, judging.by.bad, judging.path(range)) : null;
  try {
    const count = carrier === 'file'
      ? await writer.copyFile(source.scan(), signal)
      : await source.read(range, { to: judged ?? writer.to, signal, onRead: (rows, bytes) => { progress.flow(range.key, rows, bytes); } });
    signal.throwIfAborted();
    judged?.end(count);
    return { ...count, aside: judged && toTheEnd(judged.aside) };
  } catch (cause) {
    judged?.aside.drop();
    progress.drop(range.key);
    await writer.abort(cause);
    throw cause;
  }
}

/** Says when the sink has taken the last of them: inside its transaction. */
const toTheEnd = (aside: JudgedRows['aside']): AsideRows & { drop(): void } => ({
  rows: aside.rows,
  async *batches() {
    yield* aside.batches();
    if (aside.rows > 0) crashPoint('sink.aside-written');
  },
  drop: () => { aside.drop(); },
});
