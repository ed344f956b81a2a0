import type { Client } from '@agent-etl/api-client';
import { EtlError, PlanId, didYouMean, type PlanView, RunId, type RunView, endpoints } from '@agent-etl/contracts';

/** Finds a run by its id, by the start or end of it, or by the name of its pipeline (the latest one). */
export async function findRun(client: Client, text: string): Promise<RunView> {
  if (RunId.safeParse(text).success) return client.call(endpoints.getRun, { params: { runId: RunId.parse(text) } });
  const { items } = await client.call(endpoints.listRuns, { query: { limit: 200 } });
  const found = items.find(({ pipeline }) => pipeline === text) ?? (text.length >= 4 ? items.find(({ runId }) => runId.startsWith(text) || runId.endsWith(text)) : undefined);
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
  const { items } = await client.call(endpoints.listPlans, { query: { limit: 200 } });
  const plan = items.find(({ pipeline, planId }) => pipeline === text || (text.length >= 6 && planId.startsWith(text)));
  if (!plan) throw new EtlError('access.not-found', { what: `plan, run or pipeline ${text}`, next: didYouMean(text, items.map(({ pipeline }) => pipeline)) ?? 'agent-etl pipelines, or agent-etl runs' });
  return { plan, run: null };
}
