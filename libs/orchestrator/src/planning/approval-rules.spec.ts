import { describe, expect, it } from '@jest/globals';
import { type Plan, type Policy, EtlError } from '@agent-etl/contracts';
import { planCopy, verifyPlan } from '@agent-etl/planning';
import { aCopyInput, aPipeline } from '@agent-etl/planning/testing';
import { assertPolicyLets, assertRunnable } from './approval-rules.ts';

const planned = (pii?: string[]): Plan => {
  const answer = planCopy(aCopyInput({ pipeline: aPipeline({ from: { ...aPipeline().from, ...(pii ? { pii } : {}) } }) }));
  if ('questions' in answer) throw new Error('asks');
  return answer.plan;
};
const codeOf = (plan: Plan, policy: Policy, verdict = verifyPlan(plan, {})): string => {
  const row = { planId: 'p', status: 'approved', plan, verdict, sourceFingerprint: 'f' } as const;
  try { assertRunnable(row, { latest: 'f', greenRuns: 0, policy }); } catch (error) { if (error instanceof EtlError) return `${error.code} ${error.issues.map(({ path }) => path).join()}`; throw error; }
  return 'runs';
};

describe('a plan that was approved', () => {
  it('runs as long as the policy of today lets its personal data arrive', () => {
    expect(codeOf(planned(['origin']), {})).toBe('runs');
    expect(codeOf(planned(['origin']), { pii: { clearIn: ['warehouse'] } })).toBe('runs');
    expect(codeOf(planned(['origin']), { pii: { clearIn: [] } })).toBe('plan.refused /tasks/load/columns/origin');
    expect(codeOf(planned(), { pii: { clearIn: [] } })).toBe('runs');
  });
  it('runs as long as the keys of its masks may be keys today', () => {
    const keyed = { ...planned(), pipeline: aPipeline({ steps: [{ tokenize: { column: 'origin', keyRef: 'secret://masking#key' } }] }) };
    expect([{}, { masking: { keys: ['secret://other#key'] } }].map((policy) => codeOf(keyed, policy, { ok: true, issues: [] }))).toEqual(['runs', 'plan.refused /pipeline/steps/0/tokenize/keyRef']);
  });
  it('says what to do where it runs no more', () => {
    const elsewhere = { ...planned(), pipeline: aPipeline({ steps: [{ tokenize: { column: 'origin', keyRef: 'secret://hr#pepper' } }] }) };
    expect(() => { assertPolicyLets(elsewhere, {}); }).toThrow(expect.objectContaining({ code: 'plan.refused', next: expect.stringContaining('masking: { keys: [...] }') }));
  });
});
