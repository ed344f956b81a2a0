import type { Client } from '@agent-etl/api-client';
import { EtlError, PipelineName, type PlanView, endpoints } from '@agent-etl/contracts';
import { diffPlans } from '@agent-etl/planning';
import { diffScreen } from '../screens/diff-screen.ts';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { findPlanOrRun } from './find-run.ts';
import { latestPlan } from './find-plan.ts';

/** A plan by its id or the start of it, the latest one of a pipeline, or the one of a run. */
async function planCalled(client: Client, text: string): Promise<PlanView> {
  const plan = await latestPlan(client, text) ?? (await findPlanOrRun(client, text)).plan;
  if (!plan) throw new EtlError('access.not-found', { what: `plan of ${text}`, next: `agent-etl plan ${text}` });
  return plan;
}
/** What a plan is held against where a person names one alone: the plan that is approved for its pipeline, or, if it is that one, the one before. */
async function deployedBeside(client: Client, { planId, pipeline }: PlanView): Promise<PlanView> {
  const name = PipelineName.parse(pipeline);
  const { planId: approved } = await client.call(endpoints.getPipeline, { params: { name } });
  if (approved !== null && approved !== planId) return client.call(endpoints.getPlan, { params: { planId: approved } });
  const { items } = await client.call(endpoints.listPlans, { query: { pipeline: name, limit: 50 } });
  const before = items.slice(items.findIndex((plan) => plan.planId === planId) + 1).find(({ status, questions }) => status === 'approved' && questions.length === 0);
  if (!before) throw new EtlError('access.not-found', { what: `plan of ${pipeline} to compare with`, next: `agent-etl explain ${planId.slice(0, 12)}` });
  return before;
}
/** What one plan does otherwise than another: two that are named, or one against what is deployed. */
export async function diffCommand(session: Session, a: string, b?: string): Promise<ExitCode> {
  const client = await session.client();
  const first = await planCalled(client, a);
  const [before, after] = b === undefined ? [await deployedBeside(client, first), first] : [first, await planCalled(client, b)];
  const diff = diffPlans(before, after);
  session.output.result(diff, () => diffScreen(diff, after, session.output.paint));
  return exitCodes.green;
}
