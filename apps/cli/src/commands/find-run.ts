import type { Client } from '@agent-etl/api-client';
import { EtlError, PipelineName, PlanId, didYouMean, type PlanView, RunId, type RunView, endpoints } from '@agent-etl/contracts';
import { latestPlan, planThatBegins } from './find-plan.ts';

async function latestRun(client: Client, pipeline: string): Promise<RunView | null> {
  const name = PipelineName.safeParse(pipeline);
  return name.success ? (await client.call(endpoints.listRuns, { query: { pipeline: name.data, limit: 1 } })).items[0] ?? null : null;
}
/** Finds a run by its id, by the name of its pipeline (the latest one), or among the newest by the start or end of its id. */
export async function findRun(client: Client, text: string): Promise<RunView> {
  if (RunId.safeParse(text).success) return client.call(endpoints.getRun, { params: { runId: RunId.parse(text) } });
  const ofPipeline = await latestRun(client, text);
  if (ofPipeline) return ofPipeline;
  const { items } = await client.call(endpoints.listRuns, { query: { limit: 200 } });
  const found = text.length >= 4 ? items.find(({ runId }) => runId.startsWith(text) || runId.endsWith(text)) : undefined;
  if (!found) throw new EtlError('access.not-found', { what: `run ${text}`, next: didYouMean(text, items.map(({ pipeline }) => pipeline)) ?? 'agent-etl runs' });
  return client.call(endpoints.getRun, { params: { runId: found.runId } });
}
export async function planOfRun(client: Client, run: RunView): Promise<PlanView | null> {
  return run.planId ? client.call(endpoints.getPlan, { params: { planId: run.planId } }) : null;
}
/** What `explain` is about: a plan by id or its start, else a run or the latest run of a pipeline, else the latest plan of a pipeline. */
export async function findPlanOrRun(client: Client, text: string): Promise<{ plan: PlanView | null; run: RunView | null }> {
  if (PlanId.safeParse(text).success) return { plan: await client.call(endpoints.getPlan, { params: { planId: PlanId.parse(text) } }), run: null };
  const run = await findRun(client, text).catch((error: unknown) => { if (error instanceof EtlError) return null; throw error; });
  if (run) return { run, plan: await planOfRun(client, run) };
  const plan = await latestPlan(client, text) ?? await planThatBegins({ client: async () => client }, text, 6);
  if (plan) return { plan, run: null };
  const { items } = await client.call(endpoints.listPlans, { query: { limit: 200 } });
  throw new EtlError('access.not-found', { what: `plan, run or pipeline ${text}`, next: didYouMean(text, items.map(({ pipeline }) => pipeline)) ?? 'agent-etl pipelines, or agent-etl runs' });
}
