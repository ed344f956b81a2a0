import { type Policy, type Profile, EtlError, type Plan, type Question, toFailure } from '@agent-etl/contracts';
import { Outbox } from '@agent-etl/messaging';
import type { TenantTx } from '@agent-etl/persistence';
import { digestOf, planCopy, planHash, verifyPlan } from '@agent-etl/planning';
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
      await this.progress.fail(tx, request, { failure: run.failure ?? toFailure(new EtlError('run.cancelled', { reason: run.cancelReason ?? 'nobody said why' })) });
      return;
    }
    await this.ground.hold(tx, request.pipelineId);
    try {
      await this.propose(tx, request, result);
    } catch (error) {
      if (!(error instanceof EtlError) || error.row.retry !== 'never') throw error;
      await this.progress.fail(tx, request, { failure: toFailure(error) });
    }
  }

  private async propose(tx: TenantTx, request: RequestEntity, { source, target }: { source: Profile; target: Profile }): Promise<void> {
    const policy = this.ground.policy;
    crashPoint('planning.before-model');
    const planned = planCopy(await this.ground.input(tx, request, { source, target }));
    const questions = 'questions' in planned ? planned.questions : [];
    const plan = 'plan' in planned ? planned.plan : null;
    const row = await this.#plans.propose(tx, {
      planId: plan ? planHash(plan) : digestOf({ pipeline: request.spec, source, target, questions }), pipelineId: request.pipelineId, pipeline: request.pipeline, requestId: request.requestId,
      spec: request.spec, plan, questions, verdict: plan ? verifyPlan(plan, policy) : { ok: false, issues: [] }, sourceFingerprint: source.fingerprint });
    crashPoint('planning.plan-stored');
    await this.outbox.add(tx, 'plan.proposed.v1', { ...aboutPlan(row, request.requestId), risk: plan?.risk ?? 'R0', view: viewOfPlan(row) });
    await this.decide(tx, row, { request, policy });
  }

  private async decide(tx: TenantTx, row: PlanEntity, { request, policy }: { request: RequestEntity; policy: Policy }): Promise<void> {
    const { plan, verdict, questions } = row;
    if (!plan) return this.progress.wait(tx, request, { planId: row.planId, failure: ambiguous(questions) });
    if (!verdict.ok) {
      await this.approvals.refuse(tx, row, 'verifier');
      return this.progress.fail(tx, request, { planId: row.planId, failure: refusedByVerifier(verdict.issues) });
    }
    if (row.status === 'refused') return this.progress.fail(tx, request, { planId: row.planId, failure: refusedBefore(row) });
    if (row.status === 'proposed' && !passesPolicy(plan, policy)) return this.progress.wait(tx, request, { planId: row.planId, failure: needsApproval(plan) });
    const approved = row.status === 'approved' ? await this.approvals.renew(tx, row, request.requestId) : await this.approvals.approve(tx, row, { by: 'policy' });
    await this.approvals.goOn(tx, approved, request);
  }
}

const ambiguous = (questions: readonly Question[]) => toFailure(new EtlError('request.ambiguous', { questions: questions.map(({ text }) => text.replace(/\.$/, '')).join(' ') },
  { issues: questions.map(({ id, text, choices }) => ({ code: `question.${id}`, path: '/pipeline/to', text: `${text} (${choices.join(' | ')})` })) }));
const needsApproval = ({ risks, risk, pipeline }: Plan) => toFailure(new EtlError('plan.needs-approval', { risks: risks.map((text) => text.replace(/\.$/, '')).join('; ') || `it is ${risk}`, pipeline: pipeline.name }));
const refusedByVerifier = (issues: PlanEntity['verdict']['issues']) =>
  toFailure(new EtlError('plan.refused', { rule: issues[0]?.code ?? 'the verifier', explanation: issues[0]?.text.replace(/\.$/, '') ?? 'it found issues' }, { issues }));
const refusedBefore = ({ decidedBy }: PlanEntity) => toFailure(new EtlError('plan.refused', { rule: 'a decision', explanation: `${decidedBy ?? 'a person'} refused this very plan` }));
