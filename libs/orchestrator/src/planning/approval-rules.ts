import { EtlError, type Plan, type Policy, riskClasses } from '@agent-etl/contracts';
import { adviceOn, policyIssues } from '@agent-etl/planning';

/** Whether the policy lets this plan pass without a person. */
export const passesPolicy = ({ risk }: Pick<Plan, 'risk'>, { approve }: Policy): boolean => riskClasses.indexOf(risk) <= riskClasses.indexOf(approve?.upTo ?? 'R1');

interface Decidable { readonly planId: string; readonly status: 'proposed' | 'approved' | 'refused'; readonly plan: Plan | null; readonly verdict: { ok: boolean }; readonly sourceFingerprint: string }
/** Refuses to approve what cannot be approved any more.
 * @param latest shape the source had when its pipeline was last planned
 * @throws EtlError `request.conflict`, `plan.stale`, `request.ambiguous`, `plan.refused` */
export function assertApprovable({ status, plan, verdict, sourceFingerprint }: Decidable, latest: string | null): void {
  if (!plan) throw new EtlError('request.ambiguous', { questions: 'the plan has open questions' });
  if (status === 'refused') throw new EtlError('request.conflict', { what: 'the plan', state: 'refused', action: 'approving' });
  if (!verdict.ok) throw new EtlError('plan.refused', { rule: 'the verifier', explanation: 'it found issues' });
  if (latest !== null && latest !== sourceFingerprint) throw new EtlError('plan.stale');
}
/** A policy that came after a plan holds for its runs to come.
 * @throws EtlError `plan.refused` with an issue per column that may not arrive as it is, and per key that no mask may have */
export function assertPolicyLets(plan: Plan, policy: Policy): void {
  const issues = policyIssues(plan, policy);
  const next = adviceOn(issues);
  if (issues.length) throw new EtlError('plan.refused', { rule: 'the policy', explanation: issues.map(({ text }) => text.replace(/\.$/, '')).join('; '), ...(next ? { next } : {}) }, { issues });
}
/** @throws EtlError `plan.needs-approval`, `plan.stale`, `plan.refused`, `request.conflict` */
export function assertRunnable(row: Decidable, { latest, greenRuns, policy }: { latest: string | null; greenRuns: number; policy: Policy }): Plan {
  assertApprovable(row, latest);
  const plan = row.plan!;
  assertPolicyLets(plan, policy);
  if (row.status !== 'approved') throw new EtlError('plan.needs-approval', { risks: plan.risks.join(' ') || plan.risk, planId: row.planId });
  const how = plan.tasks.find((task) => task.kind === 'publish')?.how;
  if (greenRuns > 0 && (how === 'rename' || how === 'append')) {
    throw new EtlError('request.conflict', { what: 'the plan', state: 'done: it has filled its target', action: 'running it again', next: 'run the pipeline again: it is planned anew' });
  }
  return plan;
}
