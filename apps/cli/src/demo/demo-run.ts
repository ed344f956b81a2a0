import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from '@agent-etl/api-client';
import { EtlError, type PlanView, type RunView, endpoints } from '@agent-etl/contracts';
import { readPipelineFile } from '@agent-etl/planning';
import { followRun } from '../commands/follow-run.ts';
import { awaitRequest, submit } from '../commands/submit.ts';
import { failureScreen } from '../screens/failure-screen.ts';
import type { Session } from '../session/session.ts';
import { demoPlanLines, demoRunLines } from './demo-screens.ts';
import { demoPipelines } from './demo-project.ts';

export interface Act { readonly pipeline: string; readonly plan: PlanView; readonly run: RunView; readonly dag: string }

/** Where the rendered DAG lies; it is made beside the run. */
export async function dagPath(session: Session, { planId }: PlanView): Promise<string> {
  const client = await session.client();
  for (let tries = 0; tries < 100; tries += 1) {
    const dag = await client.call(endpoints.getDag, { params: { planId } }).catch((error: unknown) => { if (error instanceof ApiError && error.status === 404) return null; throw error; });
    if (dag?.path) return dag.path;
    await delay(100);
  }
  return 'no file';
}
/** One act: a pipeline goes in, its plan and its run are shown as they happen.
 * @param show `run only` where the same plan has just been read */
export async function runAct(session: Session, pipeline: keyof typeof demoPipelines, show: 'all' | 'run only' = 'all'): Promise<Act> {
  const client = await session.client();
  const { output } = session;
  const request = { requestId: `demo-${pipeline}-${randomUUID()}`, pipeline: readPipelineFile(demoPipelines[pipeline]) };
  const { plan, view } = await submit(session, request, 'run');
  if (!plan) throw new EtlError('plan.unavailable', { reason: `the request is ${view.state}` });
  output.event('plan', { plan });
  if (show === 'all') output.show(demoPlanLines(plan, output.paint));
  const { runId } = await awaitRequest(client, view, (seen) => seen.runId !== null);
  if (!runId) throw new EtlError('plan.needs-approval', { risks: plan.questions.map(({ text }) => text).join('; ') || plan.risks.join('; '), planId: plan.planId });
  const { run } = await followRun(session, runId);
  output.show(demoRunLines(run, output.paint));
  if (run.failure) output.show(failureScreen(run.failure, output.paint, { subject: pipeline }));
  return { pipeline, plan, run, dag: await dagPath(session, plan) };
}
