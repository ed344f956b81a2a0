import { describe, expect, it } from '@jest/globals';
import type { LoadTask, Pipeline, Plan, PublishTask } from '@agent-etl/contracts';
import type { CopyInput } from '../decide.ts';
import { planCopy } from '../plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile, flightColumns } from '../testing.ts';
import { verifyPlan } from '../verify-plan.ts';
import { ruleProof } from './proof.ts';

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
  it('is a sample by md5 where an end is no PostgreSQL, and a plan that says another way is refused', () => {
    const plan = planned(20_000_000, { earlierRuns: 1, file: 'file' });
    expect([publish(plan).level, publish(plan).sample]).toEqual(['sampled', { buckets: 256, key: ['flight_id'], by: 'md5' }]);
    const [load, out] = plan.tasks as [LoadTask, PublishTask];
    const sample = { buckets: 256, key: ['flight_id'] };
    expect(verifyPlan({ ...plan, tasks: [{ ...load, sample }, { ...out, sample }] }, {}).issues.map(({ code }) => code)).toContain('proof.sample');
  });
  it.each(['full', 'sampled', 'counts'] as const)('is %s where the pipeline says so, and its Decision is that of a person', (reconcile) => {
    for (const rows of [1000, 20_000_000]) expect([publish(planned(rows, { reconcile })).level, proof(planned(rows, { reconcile })).by]).toEqual([reconcile, 'person']);
  });
  it('is done in full where a sample is asked for that cannot be had', () => {
    const transform = { engine: 'spark' } as CopyInput['transform'];
    expect(ruleProof(aCopyInput({ pipeline: aPipeline({ reconcile: 'sampled' }), ...(transform ? { transform } : {}) }), { digest: 'text-md5', since: null, key: null, columns: [] })).toMatchObject({ value: { level: 'full' }, decisions: [{ reason: { code: 'sampled-not-here', text: expect.stringContaining('Spark') as unknown } }, {}] });
    expect(ruleProof(aCopyInput({ source: aProfile({ rows: 20_000_000 }), earlierRuns: 1, ...(transform ? { transform } : {}) }), { digest: 'text-md5', since: null, key: null, columns: [] })).toMatchObject({ value: { level: 'counts' }, decisions: [{ reason: { code: 'counts-large' } }, {}] });
  });
  it.each([
    ['goes by the short column with most values', { flight_id: { nullFraction: 0, distinct: 40_000 }, updated_at: { nullFraction: 0.1, distinct: 90_000 } }, ['updated_at']],
    ['is in full where the short ones have few values: a sample could be empty', { flight_id: { nullFraction: 0, distinct: 300 } }, null],
    ['is in full where nobody counted', {}, null],
  ])('of a table without a key %s', (_, columnStats, key) => {
    const columns = flightColumns().filter(({ name }) => ['flight_id', 'updated_at', 'carrier'].includes(name));
    const answer = planCopy(aCopyInput({ source: aProfile({ rows: 20_000_000, primaryKey: null, indexes: [], columns, columnStats }), earlierRuns: 1 }));
    if ('questions' in answer) throw new Error('asks');
    expect([publish(answer.plan).level, publish(answer.plan).sample?.key]).toEqual(key ? ['sampled', key] : ['full', undefined]);
    expect(proof(answer.plan).reason).toMatchObject({ code: key ? 'sampled-large' : 'full-no-key', text: expect.stringContaining(key ? 'since no key names a row' : 'as much as to compare them all') as unknown });
  });
});
