import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type Client } from '@agent-etl/api-client';
import { type RunId, type RunView, endpoints, isFinal } from '@agent-etl/contracts';
import { failureScreen } from '../screens/failure-screen.ts';
import { progressLine } from '../screens/progress-screen.ts';
import { leftBehind, runScreen } from '../screens/run-screen.ts';
import { type ExitCode, exitCodeOf, exitCodes } from '../session/exit-codes.ts';
import type { Output } from '../session/output.ts';
import type { Session } from '../session/session.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';

const awayMs = 60_000;
const graceMs = 10_000;

/** Asks for a run; an API that restarts is waited for, since the run goes on without it. */
async function look(client: Client, runId: RunId, output: Output): Promise<RunView> {
  const until = Date.now() + awayMs;
  for (;;) {
    try {
      return await client.call(endpoints.getRun, { params: { runId } });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== null || Date.now() > until) throw error;
      output.progress(' the API does not answer; the run goes on, waiting ...');
      await delay(500);
    }
  }
}
const rowsOf = (run: RunView): number => Math.max(0, ...run.tasks.map(({ progress, rows }) => progress?.rows ?? rows));

/** Measures rows per second over the last seconds, smoothed. */
function speedometer(): (rows: number) => number | null {
  let last: { rows: number; atMs: number } | null = null;
  let speed: number | null = null;
  return (rows) => {
    const atMs = performance.now();
    if (last && rows > last.rows && atMs - last.atMs > 300) {
      const now = (rows - last.rows) / ((atMs - last.atMs) / 1000);
      speed = speed === null ? now : speed * 0.6 + now * 0.4;
      last = { rows, atMs };
    }
    last ??= { rows, atMs };
    return speed;
  };
}
/** Follows a run until it ends or the person leaves. */
export async function followRun(session: Session, runId: RunId, interrupt: Interrupt = onInterrupt(session.output)): Promise<{ run: RunView; wasInterrupted: boolean }> {
  const client = await session.client();
  const { output } = session;
  interrupt.cancels(client, runId);
  const measure = speedometer();
  const start = performance.now();
  let shown = '';
  try {
    for (;;) {
      const run = await look(client, runId, output);
      const seen = JSON.stringify([run.state, run.tasks.map(({ state, progress }) => [state, progress])]);
      if (seen !== shown) output.event('run', { run });
      shown = seen;
      if (isFinal(run.state)) return { run, wasInterrupted: interrupt.wasAsked };
      if (interrupt.wasAsked && Date.now() - interrupt.askedAtMs > graceMs) return { run, wasInterrupted: true };
      output.progress(progressLine(run, { rowsPerSecond: measure(rowsOf(run)), elapsedMs: performance.now() - start }));
      await delay(output.isTerminal ? 120 : 200);
    }
  } finally {
    interrupt.stop();
  }
}
/** Shows how a run ended and says with which code the command ends. */
export function reportRun(session: Session, run: RunView, wasInterrupted = false): ExitCode {
  const { output } = session;
  const isGreen = run.state === 'succeeded';
  output.result(run, () => runScreen(run, output.paint));
  if (!isFinal(run.state)) output.note(` run ${run.runId} is still ${run.state}: agent-etl watch ${run.runId}`);
  if (run.failure && !isGreen && run.state !== 'cancelled') {
    const lines = failureScreen(run.failure, output.errorPaint, { subject: run.pipeline, state: leftBehind(run) });
    if (output.wantsJson) for (const line of lines) output.note(line); else output.error(run, lines);
    session.noteOn(run.failure);
  }
  if (wasInterrupted) return exitCodes.interrupted;
  if (isGreen) return exitCodes.green;
  return run.failure ? exitCodeOf(run.failure) : exitCodes.failed;
}
