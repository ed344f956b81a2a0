import { describe, expect, it } from '@jest/globals';
import { ConnectionName, Pipeline, type Plan } from '@agent-etl/contracts';
import { planCopy } from '../plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile, flightColumns } from '../testing.ts';
import { verifyPlan } from '../verify-plan.ts';

const to = { connection: ConnectionName.parse('warehouse'), dataset: 'flights/' };
const folder = aMissingTarget({ connector: 'file', system: 'folder of parquet', dataset: 'flights/' });
const score = { name: 'score', type: { kind: 'f64' }, native: 'double precision', nullable: true } as const;
const hidden = { ...score, name: '_day', type: { kind: 'date' }, native: 'date' } as const;
const source = aProfile({ columns: [...flightColumns(), score, hidden] });
function planned(partitionBy: string[], more: Partial<Parameters<typeof aCopyInput>[0]> = {}): Plan {
  const answer = planCopy(aCopyInput({ source, pipeline: aPipeline({ to: { ...to, partitionBy } }), target: folder, ...more }));
  if ('questions' in answer) throw new Error('asks');
  return answer.plan;
}

describe('partitions', () => {
  it('are what the request says, in both tasks, with a Decision', () => {
    const plan = planned(['origin', 'destination']);
    expect(plan.tasks.map(({ partitionBy }) => partitionBy)).toEqual([['origin', 'destination'], ['origin', 'destination']]);
    expect(plan.decisions.find(({ question }) => question === 'partitions')).toMatchObject({ choice: 'by origin, destination', by: 'person', reason: { text: expect.stringContaining('origin=…/destination=…/') as unknown } });
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
  });
  it.each([[['orign'], 0, 'the target has no column orign'], [['origin', 'origin'], 1, 'origin stands there twice'], [['origin', 'score'], 1, 'score is double precision, and the name of a folder does not hold every value of that type'],
    [['_day'], 0, 'readers of folders pass over names such as _day=…'], [[...source.columns].map(({ name }) => name).filter((name) => name !== 'score' && name !== '_day'), 0, 'no column is left for the files']])('by %j are refused', (names, at, problem) => {
    const narrow = at === 0 && names.length > 2 ? { source: aProfile() } : {};
    expect(() => planned(names, narrow)).toThrow(expect.objectContaining({ code: 'request.invalid', details: expect.objectContaining({ pointer: `/pipeline/to/partitionBy/${at}`, problem }) as unknown }));
  });
  it('belong to a folder of files', () => {
    const table = aPipeline({ to: { connection: to.connection, dataset: 'mart.flights', partitionBy: ['origin'] } });
    expect(() => planned(['origin'], { pipeline: table, target: aMissingTarget() })).toThrow(expect.objectContaining({ code: 'request.unsupported', details: expect.objectContaining({ found: 'partitionBy into postgres' }) as unknown }));
    expect(() => planned(['origin'], { target: aMissingTarget({ connector: 'file', system: 'parquet' }) })).toThrow(expect.objectContaining({ code: 'request.unsupported' }));
  });
  it('of a plan are verified: others than those that were asked for, or a float, cannot be approved', () => {
    const plan = planned(['origin']);
    const codes = (partitionBy: string[] | undefined, asked = partitionBy): string[] => {
      const tasks = plan.tasks.map(({ partitionBy: _, ...task }) => ({ ...task, ...(partitionBy ? { partitionBy } : {}) })) as Plan['tasks'];
      return verifyPlan({ ...plan, tasks, pipeline: Pipeline.parse({ ...plan.pipeline, to: { ...to, ...(asked ? { partitionBy: asked } : {}) } }) }, {}).issues.map(({ code }) => code);
    };
    expect(codes(['destination'], ['origin'])).toEqual(['partitions.other', 'partitions.other']);
    expect(codes(undefined, ['origin'])).toEqual(['partitions.other', 'partitions.other']);
    expect(codes(['score'])).toEqual(['partitions.invalid', 'partitions.invalid']);
  });
});
