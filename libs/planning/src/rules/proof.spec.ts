import { describe, expect, it } from '@jest/globals';
import type { Pipeline, Plan, PublishTask } from '@agent-etl/contracts';
import { planCopy } from '../plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile } from '../testing.ts';
import { verifyPlan } from '../verify-plan.ts';

function planned(rows: number, { earlierRuns = 0, reconcile, file }: { earlierRuns?: number; reconcile?: Pipeline['reconcile']; file?: 'file' } = {}): Plan {
  const target = aMissingTarget(file ? { connector: 'file', system: 'parquet', dataset: 'a.parquet' } : {});
  const pipeline = aPipeline({ ...(reconcile ? { reconcile } : {}), ...(file ? { to: { connection: 'warehouse' as Pipeline['to']['connection'], dataset: 'a.parquet' } } : {}) });
  const answer = planCopy(aCopyInput({ pipeline, source: aProfile({ rows }), target, earlierRuns }));
  if ('questions' in answer) throw new Error('asks');
  expect(verifyPlan(answer.plan, {})).toEqual({ ok: true, issues: [] });
  return answer.plan;
}
const publish = (plan: Plan): PublishTask => plan.tasks[1] as PublishTask;
const proof = (plan: Plan) => plan.decisions.find(({ question }) => question === 'proof')!;

describe('how much a proof compares', () => {
  it.each([[5_000_000, 3, 'full', 'full-small'], [20_000_000, 0, 'full', 'full-first-run'], [20_000_000, 3, 'sampled', 'sampled-large']] as const)('of %i rows after %i green runs: %s', (rows, earlierRuns, level, code) => {
    const plan = planned(rows, { earlierRuns });
    expect([publish(plan).level, proof(plan).reason.code, publish(plan).sample]).toEqual([level, code, level === 'sampled' ? { buckets: 256, key: ['flight_id'] } : undefined]);
  });
  it('is by counts where one end cannot hash a sample, and says so', () => {
    const plan = planned(20_000_000, { earlierRuns: 1, file: 'file' });
    expect([publish(plan).level, proof(plan).rejected.find(({ choice }) => choice === 'sampled')?.because]).toEqual(['counts', expect.stringContaining('two PostgreSQL ends')]);
  });
  it.each(['full', 'sampled', 'counts'] as const)('is %s where the pipeline says so, and its Decision is that of a person', (reconcile) => {
    for (const rows of [1000, 20_000_000]) expect([publish(planned(rows, { reconcile })).level, proof(planned(rows, { reconcile })).by]).toEqual([reconcile, 'person']);
  });
  it('is done in full where a sample is asked for that cannot be had', () => { expect([publish(planned(1000, { reconcile: 'sampled', file: 'file' })).level, proof(planned(1000, { reconcile: 'sampled', file: 'file' })).reason.code]).toEqual(['full', 'sampled-not-here']); });
});
