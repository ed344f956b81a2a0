import { describe, expect, it } from '@jest/globals';
import { planCopy } from './plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile } from './testing.ts';
import { verifyPlan } from './verify-plan.ts';

const planned = (input: Parameters<typeof aCopyInput>[0]) => {
  const answer = planCopy(aCopyInput(input));
  if (!('plan' in answer)) throw new Error(JSON.stringify(answer));
  return answer.plan;
};
const loadOf = ({ tasks }: ReturnType<typeof planned>) => tasks.find((task) => task.kind === 'load');
const publishOf = ({ tasks }: ReturnType<typeof planned>) => tasks.find((task) => task.kind === 'publish');

describe('a folder as a target', () => {
  const pipeline = aPipeline({ to: { connection: 'lake' as never, dataset: 'flights/' } });
  it('takes the pieces of a table as parts, side by side, where one file takes one piece', () => {
    const plan = planned({ pipeline, target: aMissingTarget({ connector: 'file', connection: 'lake' as never, dataset: 'flights/', system: 'folder of parquet' }) });
    expect([loadOf(plan)?.chunks.by, loadOf(plan)!.chunks.count > 1, loadOf(plan)?.chunks.parallel, publishOf(plan)?.how]).toEqual(['ctid', true, 2, 'file']);
    expect([plan.decisions.find(({ question }) => question === 'publish')?.reason.code, verifyPlan(plan, {}).issues]).toEqual(['manifest', []]);
    const file = planned({ pipeline: aPipeline({ to: { connection: 'lake' as never, dataset: 'f.parquet' } }), target: aMissingTarget({ connector: 'file', connection: 'lake' as never, dataset: 'f.parquet', system: 'parquet' }) });
    expect(loadOf(file)?.chunks.count).toBe(1);
  });
});
describe('MariaDB as a target', () => {
  const maria = (more = {}) => aProfile({ connector: 'mysql', connection: 'warehouse' as never, dataset: 'flights', system: 'MariaDB 10.11', pages: null, ...more });
  const to = (load: 'replace' | 'append', dataset = 'flights') => aPipeline({ to: { connection: 'warehouse', dataset, load } });
  it('replaces by renames, and rows where something hangs on the table', () => {
    expect(publishOf(planned({ pipeline: to('replace'), target: maria() }))?.how).toBe('swap');
    expect(publishOf(planned({ pipeline: to('replace'), target: maria({ dependents: { views: 0, foreignKeys: 1, policies: 0, grants: 0 } }) }))?.how).toBe('truncate-insert');
  });
  it('is not written into tables of ours or of the server', () => {
    const plan = planned({ pipeline: to('append'), target: aMissingTarget({ connector: 'mysql', dataset: 'flights', system: 'MariaDB 10.11' }) });
    expect(verifyPlan(plan, {}).issues).toEqual([]);
    const codes = (dataset: string): string[] => verifyPlan({ ...plan, pipeline: { ...plan.pipeline, to: { ...plan.pipeline.to, dataset } } }, {}).issues.map(({ code }) => code);
    expect([codes('_etl_fence'), codes('shop._etl_ledger'), codes('mysql.user')].map((found) => found.includes('name.reserved'))).toEqual([true, true, true]);
  });
});
