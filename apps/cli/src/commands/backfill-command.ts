import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@agent-etl/api-client';
import { BackfillRequest, type BackfillView, endpoints } from '@agent-etl/contracts';
import { backfillLine, backfillScreen, sliceLine } from '../screens/backfill-screen.ts';
import { failureScreen } from '../screens/failure-screen.ts';
import { type ExitCode, WrongUse, exitCodeOf, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';

export interface BackfillOptions { readonly from?: string; readonly to?: string; readonly step?: string; readonly detach?: boolean }
const lookMs = 250;
const isOver = ({ state }: BackfillView): boolean => state !== 'waiting' && state !== 'running';

/** Reads a slice of a pipeline's source again, one sub-slice after another, and follows it to its end. */
export async function backfillCommand(session: Session, name: string, options: BackfillOptions): Promise<ExitCode> {
  const { from, to, step, detach } = options;
  if (from === undefined || to === undefined) throw new WrongUse('Which slice?', `agent-etl backfill ${name} --from 2026-03-01 --to 2026-03-08`);
  const body = BackfillRequest.safeParse({ from, to, ...(step === undefined ? {} : { step }) });
  if (!body.success) throw wrongSlice(body.error.issues.map(({ path }) => String(path[0])));
  const client = await session.client();
  const begun = await client.call(endpoints.backfillPipeline, { params: { name }, body: body.data, idempotencyKey: randomUUID() });
  if (detach) { session.output.result(begun, () => [...backfillScreen(begun, session.output.paint), ' it goes on by itself']); return exitCodes.green; }
  session.output.note(backfillLine(begun));
  const interrupt = onInterrupt(session.output);
  const ended = await follow(session, client, { begun, interrupt });
  return report(session, ended, interrupt);
}
const asked: Readonly<Record<string, string>> = { from: 'a day or an instant, such as 2026-03-01 or 2026-03-01T06:00:00Z', to: 'a day or an instant, such as 2026-03-08 or 2026-03-01T18:00:00Z', step: 'hours, days or weeks, such as 6h, 1d or 2w' };
function wrongSlice([name = 'from']: readonly string[]): WrongUse { return new WrongUse(`--${name} is not understood.`, `write ${asked[name] ?? ''}`); }

/** The slice that runs is what Ctrl-C cancels; those behind it are not run then. */
async function follow({ output }: Session, client: Client, { begun, interrupt }: { begun: BackfillView; interrupt: Interrupt }): Promise<BackfillView> {
  let told = 0;
  try {
    for (let view = begun; ; view = await client.call(endpoints.getBackfill, { params: { name: begun.pipeline, backfillId: begun.backfillId } })) {
      const runId = view.slices.find(({ state }) => state === 'running')?.runId;
      if (runId) interrupt.cancels(client, runId);
      for (const slice of view.slices.slice(told)) { if (slice.state !== 'succeeded') break; told += 1; output.event('slice', { slice }); if (view.slices.length > 1) output.note(sliceLine(slice)); }
      if (isOver(view)) return view;
      output.progress(` ${view.state}  slice ${told + 1} of ${view.slices.length}${view.state === 'waiting' ? ': another run writes the target' : ''}`);
      await delay(lookMs);
    }
  } finally {
    interrupt.stop();
  }
}
function report(session: Session, view: BackfillView, { wasAsked: wasInterrupted }: Pick<Interrupt, 'wasAsked'>): ExitCode {
  const { output } = session;
  output.result(view, () => backfillScreen(view, output.paint));
  const failure = view.slices.find(({ failure: why }) => why)?.failure ?? null;
  if (failure && view.state === 'failed') {
    for (const line of failureScreen(failure, output.errorPaint, { subject: view.pipeline })) output.note(line);
    session.noteOn(failure);
  }
  if (wasInterrupted) return exitCodes.interrupted;
  if (view.state === 'succeeded') return exitCodes.green;
  return failure ? exitCodeOf(failure) : exitCodes.failed;
}
