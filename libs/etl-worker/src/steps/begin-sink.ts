import type { OpenConnection, SinkSession, Writer } from '@agent-etl/connectors';
import type { LoadTask } from '@agent-etl/contracts';
import { untilAborted } from './until-aborted.ts';

/** The writing end of a task, for as long as the attempt may wait for it: a server that accepts a connection may answer it never. What opens later is closed unused.
 * @throws EtlError of the sink; the reason of `signal` */
export async function beginSink({ sink }: OpenConnection, task: LoadTask, { writer, signal }: { readonly writer: Writer; readonly signal: AbortSignal }): Promise<SinkSession> {
  signal.throwIfAborted();
  const opening = sink.begin(task, writer, signal);
  try {
    return await untilAborted(signal, opening);
  } catch (error) {
    void opening.then((late) => late.close()).catch(() => undefined);
    throw error;
  }
}
