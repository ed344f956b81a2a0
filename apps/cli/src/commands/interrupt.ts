import type { Client } from '@agent-etl/api-client';
import { type Failure, type RunId, endpoints } from '@agent-etl/contracts';
import { exitCodes } from '../session/exit-codes.ts';
import type { Output } from '../session/output.ts';

/** Ctrl-C while a command waits. Once: the run is cancelled at its next chunk boundary, as soon as there is one. Twice: the command leaves at once. */
export interface Interrupt {
  readonly wasAsked: boolean;
  readonly askedAtMs: number;
  /** Names the run that a Ctrl-C is about; one that came before it began reaches it now. */
  cancels(client: Client, runId: RunId): void;
  stop(): void;
}
/** A signal of the terminal reaches the whole group, and a parent may hand it on: two within this time are one. */
const oneMs = 100;
const leaving = (runId: RunId | null): Failure => (runId
  ? { code: 'run.cancelled', text: `Left before run ${runId} had ended; it was told to stop.`, next: `agent-etl watch ${runId}`, traceId: null }
  : { code: 'run.cancelled', text: 'Left before there was a run; one that begins now goes on by itself.', next: 'agent-etl runs', traceId: null });

export function onInterrupt(output: Output, leave: (code: number) => void = (code) => { process.exit(code); }): Interrupt {
  let askedAtMs = 0;
  let target: { client: Client; runId: RunId } | null = null;
  const cancel = ({ client, runId }: { client: Client; runId: RunId }): void => {
    client.call(endpoints.cancelRun, { params: { runId } }).catch((error: unknown) => { output.note(` could not cancel: ${error instanceof Error ? error.message : 'unknown'}`); });
  };
  const onSignal = (): void => {
    if (askedAtMs && Date.now() - askedAtMs < oneMs) return;
    if (askedAtMs) {
      const failure = leaving(target?.runId ?? null);
      output.error({ error: failure }, [` left    ${failure.text}`, `    next    ${failure.next ?? ''}`]);
      leave(exitCodes.interrupted);
      return;
    }
    askedAtMs = Date.now();
    output.note(target ? ' cancelling at the next chunk boundary; Ctrl-C again leaves without waiting' : ' cancelling as soon as the run begins; Ctrl-C again leaves');
    if (target) cancel(target);
  };
  process.on('SIGINT', onSignal);
  return {
    get wasAsked() { return askedAtMs > 0; }, get askedAtMs() { return askedAtMs; },
    cancels: (client, runId) => {
      target = { client, runId };
      if (askedAtMs) cancel(target);
    },
    stop: () => { process.off('SIGINT', onSignal); },
  };
}
