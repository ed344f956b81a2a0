import { randomUUID } from 'node:crypto';
import { EtlError, PipelineName, endpoints, isFinal } from '@agent-etl/contracts';
import { schedulesScreen } from '../screens/schedules-screen.ts';
import { exitCodes, type ExitCode } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { findRun } from './find-run.ts';
import { followRun, reportRun } from './follow-run.ts';

export async function cancelCommand(session: Session, text: string): Promise<ExitCode> {
  const client = await session.client();
  const { runId } = await findRun(client, text);
  const run = await client.call(endpoints.cancelRun, { params: { runId } });
  session.output.result(run, () => [` ${run.state}${isFinal(run.state) ? '' : ': stops at the next chunk boundary'}`]);
  return exitCodes.green;
}
/** Compares both ends of a pipeline as they are now. */
export async function reconcileCommand(session: Session, name: string, { detach }: { detach?: boolean }): Promise<ExitCode> {
  const run = await (await session.client()).call(endpoints.reconcilePipeline, { params: { name } });
  if (detach) { session.output.result(run, () => [` run ${run.runId} goes on by itself: agent-etl watch ${run.runId}`]); return exitCodes.green; }
  const followed = await followRun(session, run.runId);
  return reportRun(session, followed.run, followed.wasInterrupted);
}
export async function retryCommand(session: Session, text: string, { detach }: { detach?: boolean }): Promise<ExitCode> {
  const client = await session.client();
  const before = await findRun(client, text);
  const run = await client.call(endpoints.retryRun, { params: { runId: before.runId }, idempotencyKey: randomUUID() });
  if (detach) { session.output.result(run, () => [` run ${run.runId} goes on by itself`]); return exitCodes.green; }
  const followed = await followRun(session, run.runId);
  return reportRun(session, followed.run, followed.wasInterrupted);
}
/** Stops the schedule of a pipeline, or lets it go on. Runs that are under way are left alone. */
export async function scheduleCommand(session: Session, name: string, action: 'pause' | 'resume'): Promise<ExitCode> {
  const endpoint = action === 'pause' ? endpoints.pausePipeline : endpoints.resumePipeline;
  const pipeline = await (await session.client()).call(endpoint, { params: { name: nameOf(name) } });
  session.output.result(pipeline, () => schedulesScreen([pipeline], Date.now()).slice(1));
  return exitCodes.green;
}
/** No pipeline has a name that names cannot be. */
function nameOf(text: string): string {
  if (!PipelineName.safeParse(text).success) throw new EtlError('access.not-found', { what: `pipeline ${text}`, next: 'agent-etl pipelines lists those that there are' });
  return text;
}
