import { type Policy, type Profile, EtlError, type Failure, type Plan, type Question, toFailure, traceOf } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { digestOf, planCopy, planHash, refusalOf, verifyPlan } from '@agent-etl/planning';
import { crashPoint } from '@agent-etl/service-kit';
import { Injectable } from '@nestjs/common';
import type { RequestEntity } from '../requests/request.entity.ts';
import { RunEndings } from '../runs/run-endings.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { aboutPlan } from './about-plan.ts';
import { passesPolicy } from './approval-rules.ts';
import { Approvals } from './approvals.service.ts';
import type { PlanEntity } from './plan.entity.ts';
import { PlanningGround } from './planning-ground.service.ts';
import { PlansRepository, viewOfPlan } from './plans.repository.ts';
import { RequestProgress } from './request-progress.service.ts';

/** From what a worker saw to a plan: rules, verifier, policy. */
@Injectable()
export class PlanningService {
  readonly #plans: PlansRepository;
  constructor(
    private readonly ground: PlanningGround, private readonly approvals: Approvals, private readonly progress: RequestProgress,
    private readonly outbox: Outbox<'orchestrator'>, plans: PlansRepository, endings: RunEndings,
  ) {
    this.#plans = plans;
    endings.on('planning', (tx, run) => this.conclude(tx, run));
  }

  private async conclude(tx: TenantTx, run: RunRecord): Promise<void> {
    const request = run.requestId === null ? null : await this.progress.lock(tx, run.requestId);
    if (request?.state !== 'planning') return;
    const result = run.tasks[0]?.result;
    if (result?.kind !== 'profile') {
      await this.progress.fail(tx, request, { failure: run.failure ?? told(new EtlError('run.cancelled', { reason: run.cancelReason ?? 'nobody said why' }), run) });
      return;
    }
    await this.ground.hold(tx, request.pipelineId);
    try {
      await this.propose(tx, { request, run }, result);
    } catch (error) {
      if (!(error instanceof EtlError) || error.row.retry !== 'never') throw error;
      await this.progress.fail(tx, request, { failure: told(error, run) });
    }
  }

  private async propose(tx: TenantTx, asked: Asked, { source, target, others }: { source: Profile; target: Profile; others?: Profile[] | undefined }): Promise<void> {
    const { request } = asked;
    const policy = this.ground.policy;
    crashPoint('planning.before-model');
    const planned = planCopy(await this.ground.input(tx, request, { source, target, others }));
    const questions = 'questions' in planned ? planned.questions : [];
    const plan = 'plan' in planned ? planned.plan : null;
    const row = await this.#plans.propose(tx, {
      planId: plan ? planHash(plan) : digestOf({ pipeline: request.spec, source, target, questions }), pipelineId: request.pipelineId, pipeline: request.pipeline, requestId: request.requestId,
      spec: request.spec, plan, questions, verdict: plan ? verifyPlan(plan, policy) : { ok: false, issues: [] }, sourceFingerprint: shapeOf(source, others) });
    crashPoint('planning.plan-stored');
    await this.outbox.add(tx, 'plan.proposed.v1', { ...aboutPlan(row, request.requestId), risk: plan?.risk ?? 'R0', view: viewOfPlan(row) });
    await this.decide(tx, row, { ...asked, policy });
  }

  private async decide(tx: TenantTx, row: PlanEntity, { request, run, policy }: Asked & { policy: Policy }): Promise<void> {
    const { plan, verdict, questions } = row;
    if (!plan) return this.progress.wait(tx, request, { planId: row.planId, failure: told(ambiguous(questions), run) });
    if (!verdict.ok) {
      await this.approvals.refuse(tx, row, 'verifier');
      return this.progress.fail(tx, request, { planId: row.planId, failure: told(refusalOf(verdict.issues), run) });
    }
    if (row.status === 'refused') return this.progress.fail(tx, request, { planId: row.planId, failure: told(refusedBefore(row), run) });
    if (row.status === 'proposed' && !passesPolicy(plan, policy)) return this.progress.wait(tx, request, { planId: row.planId, failure: told(needsApproval(plan, row.planId), run) });
    const approved = row.status === 'approved' ? await this.approvals.renew(tx, row, request.requestId) : await this.approvals.approve(tx, row, { by: 'policy' });
    await this.approvals.goOn(tx, approved, request);
  }
}

/** The shape that a plan rests on: that of its source, and of all that it reads beside it. */
const shapeOf = (source: Profile, others: readonly Profile[] = []): string => (others.length ? digestOf([source, ...others].map(({ fingerprint }) => fingerprint)) : source.fingerprint);
interface Asked { readonly request: RequestEntity; readonly run: RunRecord }
/** The trace is that of the look that the plan rests on: who asks why finds what the worker saw. */
const told = (error: EtlError, { tasks }: RunRecord): Failure => toFailure(error, tasks[0] ? traceOf(tasks[0].taskRunId) : null);
const ambiguous = (questions: readonly Question[]) => new EtlError('request.ambiguous', { questions: questions.map(({ text }) => text.replace(/\.$/, '')).join(' ') },
  { issues: questions.map(({ id, text, choices }) => ({ code: `question.${id}`, path: '/pipeline/to', text: `${text} (${choices.join(' | ')})` })) });
const needsApproval = ({ risks, risk }: Plan, planId: string) => new EtlError('plan.needs-approval', { risks: risks.map((text) => text.replace(/\.$/, '')).join('; ') || `it is ${risk}`, planId });
const refusedBefore = ({ decidedBy }: PlanEntity) => new EtlError('plan.refused', { rule: 'a decision', explanation: `${decidedBy ?? 'a person'} refused this very plan`, next: 'change the pipeline: another plan is another question' });
