import type { SinkSession, SourceSession } from '@agent-etl/connectors';
import { EtlError, type LoadTask, type Span } from '@agent-etl/contracts';

/** What a new picture covers: from the position that the target has now, whatever it was when the plan was made, to what the picture reaches. Asked while the
 * fence is ours, so nobody moves the position before we publish without being found out.
 * @throws EtlError `request.conflict` when the plan needs a position and there is none any more */
export async function spanOf({ cursor, target }: LoadTask, { source, sink }: { source: SourceSession; sink: SinkSession }, signal: AbortSignal): Promise<Span | undefined> {
  if (!cursor) return undefined;
  const from = cursor.read === 'since' ? await sink.position?.() ?? null : null;
  if (cursor.read === 'since' && from === null) {
    throw new EtlError('request.conflict', { what: `the position of ${cursor.pipeline} in ${target.dataset}`, state: 'gone', action: 'reading only what changed', next: 'run the pipeline again: it is planned anew' });
  }
  return { from, to: await source.reach?.(signal) ?? null };
}
