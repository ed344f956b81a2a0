import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type Client } from '@agent-etl/api-client';
import { type PipelineRequest, type PlanId, type PlanView, type RequestView, type RunId, endpoints } from '@agent-etl/contracts';
import { failureScreen } from '../screens/failure-screen.ts';
import { leftBehind } from '../screens/run-screen.ts';
import { planScreen, tasksScreen } from '../screens/plan-screen.ts';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';
import { latestPlan, planThatBegins } from './find-plan.ts';
import { replanOf } from './follow-drift.ts';
import { followRun, reportRun } from './follow-run.ts';
import { inFile } from './in-file.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';
import { type Submitted, awaitRequest, putDerivedConnections, putProjectConnections, submit, withPlan } from './submit.ts';
import { type TargetOptions, type Wanted, whatIsWanted } from './what-to-run.ts';

export interface PlanOptions extends TargetOptions { readonly dag?: string; readonly tasks?: boolean; readonly out?: string }

/** What the words come to; the first digits of a plan's id, as every screen shows them, stand for that plan. */
async function meant(session: Session, text: string, options: TargetOptions): Promise<Wanted> {
  const plan = options.to === undefined ? await planThatBegins(session, text) : null;
  return plan ? { kind: 'plan', planId: plan.planId } : whatIsWanted(text, options, session);
}
/** `view` is the request that led to the plan: null for a plan that was there before. */
async function planned(session: Session, wanted: Wanted): Promise<Pick<Submitted, 'plan'> & { readonly view: RequestView | null }> {
  if (wanted.kind === 'plan') return { view: null, plan: await (await session.client()).call(endpoints.getPlan, { params: { planId: wanted.planId } }) };
  await putDerivedConnections(session, wanted.connections);
  for (const hint of wanted.hints) session.output.note(` hint    ${hint}`);
  return inFile(wanted.file, () => submit(session, wanted.request, 'plan'));
}
function showUnplanned({ output }: Session, view: RequestView | null): ExitCode {
  output.result(view, () => [` ${view?.state ?? 'no plan'}`]);
  return exitCodes.needsPerson;
}
/** Exit 3 when a person must answer or approve. */
export function exitOfPlan(plan: PlanView, session: Session): ExitCode {
  if (plan.questions.length > 0) {
    session.output.needsPerson([...plan.questions.map(({ text }) => ` asks    ${text}`)], ` next    answer with --load and --key, or with to.load and to.key in the pipeline file, then run it again; nothing was done`);
    return exitCodes.needsPerson;
  }
  if (!plan.verdict.ok || plan.status === 'refused') return exitCodes.failed;
  if (plan.status === 'proposed') {
    session.output.needsPerson(plan.risks.map((risk) => ` risk    ${risk}`), ` next    a person must approve: agent-etl apply ${plan.planId} --approve`);
    return exitCodes.needsPerson;
  }
  return exitCodes.green;
}
/** Waits for the rendered file: it is made when the plan is approved. Null when it does not come. */
async function dagText(client: Client, planId: PlanId): Promise<string | null> {
  for (let tries = 0; ; tries += 1) {
    try {
      return (await client.call(endpoints.getDag, { params: { planId } })).text ?? null;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      if (tries > 60) return null;
      await delay(100);
    }
  }
}
/** Why no file was written, and how it is had. */
function whyNoDag({ planId, status, questions }: PlanView, file: string): string {
  const again = `agent-etl plan ${planId} --dag ${file}`;
  if (questions.length > 0) return ` dag     not written: a plan with open questions has none`;
  if (status === 'proposed') return ` dag     not written: it comes with the approval; then: ${again}`;
  return status === 'approved' ? ` dag     not written: it is not rendered yet; ask again: ${again}` : ` dag     not written: a refused plan has none`;
}
export async function planCommand(session: Session, text: string, options: PlanOptions): Promise<ExitCode> {
  const { plan, view } = await planned(session, await meant(session, text, options));
  if (!plan) return showUnplanned(session, view);
  if (options.out) await writeFile(resolve(session.cwd, options.out), `${JSON.stringify(plan, null, 2)}\n`);
  const dag = options.dag && plan.status === 'approved' ? await dagText(await session.client(), plan.planId) : null;
  if (options.dag && dag !== null) await writeFile(resolve(session.cwd, options.dag), dag);
  session.output.result(plan, () => [...planScreen(plan, session.output.paint), ...(options.tasks ? [' tasks', ...tasksScreen(plan)] : [])]);
  const code = exitOfPlan(plan, session);
  if (!options.dag || dag !== null) return code;
  session.output.note(whyNoDag(plan, options.dag));
  return code === exitCodes.green ? exitCodes.failed : code;
}
async function startExisting(session: Session, planId: PlanId): Promise<ExitCode> {
  const client = await session.client();
  const run = await client.call(endpoints.runPlan, { params: { planId }, idempotencyKey: randomUUID() });
  return toTheEnd(session, run.runId, onInterrupt(session.output));
}
/** Follows a run, and the one after it where it met a changed source and its pipeline says evolve: what is planned anew is shown, and waits for a person where its risk says so. */
async function toTheEnd(session: Session, runId: RunId, interrupt: Interrupt): Promise<ExitCode> {
  const { output } = session;
  const client = await session.client();
  const { run, wasInterrupted } = await followRun(session, runId, interrupt);
  const replan = wasInterrupted ? null : await replanOf(client, run);
  if (!replan) return reportRun(session, run, wasInterrupted);
  if (run.failure) for (const line of failureScreen(run.failure, output.errorPaint, { subject: run.pipeline, state: leftBehind(run) })) output.note(line);
  output.note(' drift   the pipeline says evolve: it is planned anew');
  const again = onInterrupt(output);
  try {
    return await onceAsked(session, await withPlan(client, await awaitRequest(client, replan, (view) => view.planId !== null)), { interrupt: again, then: 'follow' });
  } finally {
    again.stop();
  }
}
export async function runCommand(session: Session, text: string, options: TargetOptions & { detach?: boolean }): Promise<ExitCode> {
  const { output } = session;
  const wanted = await meant(session, text, options);
  if (wanted.kind === 'plan') return startExisting(session, wanted.planId);
  await putDerivedConnections(session, wanted.connections);
  for (const hint of wanted.hints) output.note(` hint    ${hint}`);
  return inFile(wanted.file, () => requestRun(session, wanted.request, options.detach === true ? 'detached' : 'followed'));
}
/** Sends a request, and follows its run. */
export async function requestRun(session: Session, request: PipelineRequest, how: 'followed' | 'detached' = 'followed'): Promise<ExitCode> {
  const interrupt = onInterrupt(session.output);
  try {
    return await runRequest(session, { request, detach: how === 'detached' }, interrupt);
  } finally {
    interrupt.stop();
  }
}
async function runRequest(session: Session, { request, detach }: { request: PipelineRequest; detach: boolean }, interrupt: Interrupt): Promise<ExitCode> {
  return onceAsked(session, await submit(session, request, 'run'), { interrupt, then: detach ? 'detach' : 'follow' });
}
/** From the plan of a request to the end of its run, or to what a person has to do. */
async function onceAsked(session: Session, { view, plan }: Submitted, { interrupt, then }: { interrupt: Interrupt; then: 'detach' | 'follow' }): Promise<ExitCode> {
  const { output } = session;
  const client = await session.client();
  if (plan) { output.show(planScreen(plan, output.paint)); output.event('plan', { plan }); }
  const needsPerson = view.state === 'waiting' || view.state === 'planned';
  if (plan && needsPerson && (plan.questions.length > 0 || plan.status !== 'approved')) { if (output.wantsJson) output.result(plan, () => []); return exitOfPlan(plan, session); }
  const started = await awaitRequest(client, view, ({ runId }) => runId !== null);
  if (!started.runId) { output.result(started, () => [` ${started.state}: nothing runs`]); return started.state === 'waiting' ? exitCodes.needsPerson : exitCodes.failed; }
  if (then === 'detach') { output.result(started, () => [` run ${started.runId} goes on by itself: agent-etl watch ${started.runId}`]); return exitCodes.green; }
  return toTheEnd(session, started.runId, interrupt);
}
/** The plan that a person names: by its id, its file, or the name of its pipeline, whose latest plan it then is. Null when nothing has been planned that they could have read. */
async function planToApply(client: Client, wanted: Wanted): Promise<PlanView | null> {
  if (wanted.kind === 'plan') return client.call(endpoints.getPlan, { params: { planId: wanted.planId } });
  const { pipeline } = wanted.request;
  return pipeline && !('from' in pipeline) ? latestPlan(client, pipeline.name) : null;
}
/** Approves a plan that was there before, so that it may run and its DAG is rendered. What is planned only now is shown: nobody has read it. */
export async function applyCommand(session: Session, text: string, options: TargetOptions & { approve?: boolean }): Promise<ExitCode> {
  await putProjectConnections(session);
  const client = await session.client();
  const wanted = await meant(session, text, options);
  const plan = await planToApply(client, wanted);
  if (!plan) return showUnread(session, wanted);
  const isOpen = plan.status === 'proposed' && plan.questions.length === 0 && plan.verdict.ok;
  const applied = isOpen && options.approve ? await client.call(endpoints.approvePlan, { params: { planId: plan.planId } }) : plan;
  return showApplied(session, applied);
}
async function showUnread(session: Session, wanted: Wanted): Promise<ExitCode> {
  const { view, plan } = await planned(session, wanted);
  return plan ? showApplied(session, plan) : showUnplanned(session, view);
}
function showApplied(session: Session, plan: PlanView): ExitCode {
  const isScheduled = plan.decisions.some(({ question }) => question === 'schedule');
  const next = plan.status === 'approved' ? [` approved; ${isScheduled ? 'it runs at its slots: agent-etl pipelines' : `run it with: agent-etl run ${plan.planId}`}`] : [];
  session.output.result(plan, () => [...planScreen(plan, session.output.paint), ...next]);
  return exitOfPlan(plan, session);
}
