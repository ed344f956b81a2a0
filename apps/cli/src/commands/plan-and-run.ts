import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type Client } from '@agent-etl/api-client';
import { type PipelineRequest, type PlanId, type PlanView, type RequestView, endpoints } from '@agent-etl/contracts';
import { planScreen, tasksScreen } from '../screens/plan-screen.ts';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { followRun, reportRun } from './follow-run.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';
import { type Submitted, awaitRequest, putDerivedConnections, submit, withPlan } from './submit.ts';
import { type TargetOptions, type Wanted, whatIsWanted } from './what-to-run.ts';

export interface PlanOptions extends TargetOptions { readonly dag?: string; readonly tasks?: boolean; readonly out?: string }

async function planned(session: Session, wanted: Wanted): Promise<Submitted> {
  const client = await session.client();
  if (wanted.kind === 'plan') return { view: null as unknown as RequestView, plan: await client.call(endpoints.getPlan, { params: { planId: wanted.planId } }) };
  await putDerivedConnections(session, wanted.connections);
  for (const hint of wanted.hints) session.output.note(` hint    ${hint}`);
  return submit(session, wanted.request, 'plan');
}
/** Exit 3 when a person must answer or approve. */
export function exitOfPlan(plan: PlanView, session: Session): ExitCode {
  if (plan.questions.length > 0) {
    session.output.needsPerson([...plan.questions.map(({ text }) => ` asks    ${text}`)], ` next    answer with --load and --key, or with to.load and to.key in the pipeline file, then run it again; nothing was done`);
    return exitCodes.needsPerson;
  }
  if (!plan.verdict.ok || plan.status === 'refused') return exitCodes.failed;
  if (plan.status === 'proposed') {
    session.output.needsPerson(plan.risks.map((risk) => ` risk    ${risk}`), ` next    a person must approve: agent-etl apply ${plan.pipeline} --approve`);
    return exitCodes.needsPerson;
  }
  return exitCodes.green;
}
/** Waits for the rendered file: it is made when the plan is approved. */
async function dagText(client: Client, planId: PlanId): Promise<string | undefined> {
  for (let tries = 0; ; tries += 1) {
    try {
      return (await client.call(endpoints.getDag, { params: { planId } })).text;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || tries > 60) throw error;
      await delay(100);
    }
  }
}
export async function planCommand(session: Session, text: string, options: PlanOptions): Promise<ExitCode> {
  const { plan, view } = await planned(session, await whatIsWanted(text, options, session));
  if (!plan) { session.output.result(view, () => [` ${view.state}`]); return exitCodes.needsPerson; }
  if (options.out) await writeFile(resolve(session.cwd, options.out), `${JSON.stringify(plan, null, 2)}\n`);
  if (options.dag) await writeFile(resolve(session.cwd, options.dag), await dagText(await session.client(), plan.planId) ?? '');
  session.output.result(plan, () => [...planScreen(plan, session.output.paint), ...(options.tasks ? [' tasks', ...tasksScreen(plan)] : [])]);
  return exitOfPlan(plan, session);
}
async function startExisting(session: Session, planId: PlanId): Promise<ExitCode> {
  const client = await session.client();
  const run = await client.call(endpoints.runPlan, { params: { planId }, idempotencyKey: randomUUID() });
  const followed = await followRun(session, run.runId);
  return reportRun(session, followed.run, followed.wasInterrupted);
}
export async function runCommand(session: Session, text: string, options: TargetOptions & { detach?: boolean }): Promise<ExitCode> {
  const { output } = session;
  const wanted = await whatIsWanted(text, options, session);
  if (wanted.kind === 'plan') return startExisting(session, wanted.planId);
  await putDerivedConnections(session, wanted.connections);
  for (const hint of wanted.hints) output.note(` hint    ${hint}`);
  const interrupt = onInterrupt(output);
  try {
    return await runRequest(session, { request: wanted.request, detach: options.detach === true }, interrupt);
  } finally {
    interrupt.stop();
  }
}
async function runRequest(session: Session, { request, detach }: { request: PipelineRequest; detach: boolean }, interrupt: Interrupt): Promise<ExitCode> {
  const { output } = session;
  const client = await session.client();
  const { view, plan } = await submit(session, request, 'run');
  if (plan) { output.show(planScreen(plan, output.paint)); output.event('plan', { plan }); }
  const needsPerson = view.state === 'waiting' || view.state === 'planned';
  if (plan && needsPerson && (plan.questions.length > 0 || plan.status !== 'approved')) { if (output.wantsJson) output.result(plan, () => []); return exitOfPlan(plan, session); }
  const started = await awaitRequest(client, view, ({ runId }) => runId !== null);
  if (!started.runId) { output.result(started, () => [` ${started.state}: nothing runs`]); return started.state === 'waiting' ? exitCodes.needsPerson : exitCodes.failed; }
  if (detach) { output.result(started, () => [` run ${started.runId} goes on by itself: agent-etl watch ${started.runId}`]); return exitCodes.green; }
  const followed = await followRun(session, started.runId, interrupt);
  return reportRun(session, followed.run, followed.wasInterrupted);
}
async function planOf(client: Client, wanted: Wanted, session: Session): Promise<PlanView | null> {
  if (wanted.kind === 'plan') return client.call(endpoints.getPlan, { params: { planId: wanted.planId } });
  const { pipeline } = wanted.request;
  if (pipeline && !('from' in pipeline)) {
    const { items } = await client.call(endpoints.listPlans, { query: { limit: 200 } });
    const latest = items.find((plan) => plan.pipeline === pipeline.name);
    if (latest) return latest;
  }
  await putDerivedConnections(session, wanted.connections);
  const { view } = await submit(session, wanted.request, 'plan');
  return (await withPlan(client, view)).plan;
}
/** Approves a plan, so that it may run and its DAG is rendered. */
export async function applyCommand(session: Session, text: string, options: TargetOptions & { approve?: boolean }): Promise<ExitCode> {
  const client = await session.client();
  const plan = await planOf(client, await whatIsWanted(text, options, session), session);
  if (!plan) return exitCodes.needsPerson;
  const isOpen = plan.status === 'proposed' && plan.questions.length === 0 && plan.verdict.ok;
  const applied = isOpen && options.approve ? await client.call(endpoints.approvePlan, { params: { planId: plan.planId } }) : plan;
  session.output.result(applied, () => [...planScreen(applied, session.output.paint), ` ${applied.status}; run it with: agent-etl run ${applied.planId}`]);
  return exitOfPlan(applied, session);
}
