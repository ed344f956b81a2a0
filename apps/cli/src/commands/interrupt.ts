import type { Client } from '@agent-etl/api-client';
import { endpoints } from '@agent-etl/contracts';
import type { RunId } from '@agent-etl/contracts';
import { exitCodes } from '../session/exit-codes.ts';
import type { Output } from '../session/output.ts';

export interface Interrupt { readonly wasAsked: boolean; readonly askedAtMs: number; stop(): void }

/** Ctrl-C while a run is followed. Once: cancel at the chunk boundary. Twice: leave at once; the run goes on by itself. */
export function cancelOnInterrupt(client: Client, runId: RunId, output: Output): Interrupt {
  let askedAtMs = 0;
  const onSignal = (): void => {
    if (askedAtMs) {
      output.note(` left; run ${runId} goes on by itself: agent-etl watch ${runId}`);
      process.exit(exitCodes.interrupted);
    }
    askedAtMs = Date.now();
    output.note(' cancelling at the next chunk boundary; Ctrl-C again leaves the run alone');
    client.call(endpoints.cancelRun, { params: { runId } }).catch((error: unknown) => { output.note(` could not cancel: ${error instanceof Error ? error.message : 'unknown'}`); });
  };
  process.on('SIGINT', onSignal);
  return { get wasAsked() { return askedAtMs > 0; }, get askedAtMs() { return askedAtMs; }, stop: () => { process.off('SIGINT', onSignal); } };
}
