import { describe, expect, it } from '@jest/globals';
import { EtlError, type LoadTask, Pipeline, type PipelineCheck, type Plan, type PublishTask } from '@agent-etl/contracts';
import { readPipelineFile } from './files/read-files.ts';
import { planCopy } from './plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile } from './testing.ts';
import { verifyPlan } from './verify-plan.ts';

function planned(pipeline: Partial<Pipeline>, more = {}): Plan {
  const answer = planCopy(aCopyInput({ pipeline: aPipeline(pipeline), ...more }));
  if ('questions' in answer) throw new Error('asks');
  return answer.plan;
}
const loadOf = ({ tasks }: Plan): LoadTask => tasks[0] as LoadTask;
const issuesOf = (checks: PipelineCheck[]) => {
  try { planned({ checks }); } catch (error) { return error instanceof EtlError ? error.issues.map(({ path, text }) => [path, text]) : String(error); }
  return [];
};
const choice = (plan: Plan, question: string) => plan.decisions.find((decision) => decision.question === question)?.choice;

describe('checks and bad rows in a plan', () => {
  it('are written in short forms, and become one check per column, unique last', () => {
    const { checks, onFail } = readPipelineFile(`
name: orders
from: { connection: ops, dataset: public.flights }
to: { connection: warehouse, dataset: mart.flights }
checks: [ unique: [flight_id], not_null: origin, range: { column: departed_at, to: 2011-12-31 }, in: { column: delay_min, values: [1, 2, 2] } ]
onFail: { quarantine: { atMost: 0.5% } }
`);
    const plan = planned({ checks: checks!, onFail: onFail! });
    expect(loadOf(plan).judging).toEqual({
      pipeline: 'flights_to_warehouse', bad: 'aside', atMost: { of: 'share', percent: 0.5 },
      checks: [{ check: 'not_null', column: 'origin' }, { check: 'range', column: 'departed_at', to: '2011-12-31' }, { check: 'in', column: 'delay_min', values: ['1', '2'] }, { check: 'unique', columns: ['flight_id'] }] });
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
  });
  it('read in one piece where rows are compared, in many where each is judged alone', () => {
    expect(loadOf(planned({ checks: [{ unique: 'flight_id' }] }))).toMatchObject({ chunks: { by: 'whole', count: 1 }, carrier: 'text', digest: 'text-md5' });
    const alone = planned({ checks: [{ not_null: ['origin'] }] });
    expect(loadOf(alone)).toMatchObject({ chunks: { by: 'ctid', count: 8 }, carrier: 'text' });
    expect([choice(alone, 'movement'), choice(alone, 'checks'), choice(alone, 'bad rows')]).toEqual(['stream as text', 'not_null:origin', 'stop']);
  });
  it('leave a plan as it was where nothing is asked for', () => {
    expect(loadOf(planned({}))).toMatchObject({ carrier: 'frames' });
    expect(JSON.stringify(planned({ onFail: 'stop' }))).not.toContain('judging');
  });
  it('set 1 % aside at most where nobody says how much, by a Decision', () => {
    const plan = planned({ onFail: { quarantine: {} } });
    expect([loadOf(plan).judging?.atMost, choice(plan, 'bad rows')]).toEqual([{ of: 'share', percent: 1 }, 'set aside, at most 1 % of the rows read']);
  });
  it.each<[string, PipelineCheck[], unknown]>([
    ['a column that does not travel', [{ not_null: ['orign'] }], [['/pipeline/checks/0/not_null/0', 'no column orign travels: did you mean origin?']]],
    ['a value of another type', [{ range: { column: 'delay_min', from: 'early' } }], [['/pipeline/checks/0/range/from', '"early" is not a whole number']]],
    ['one value of several', [{ in: { column: 'departed_at', values: ['2001-01-01', 'yesterday'] } }], [['/pipeline/checks/0/in/values/1', '"yesterday" is not a time such as 2011-12-31 23:59:59']]],
    ['a range without ends', [{ range: { column: 'delay_min' } }], [['/pipeline/checks/0/range', 'a range needs from, to, or both']]],
    ['each of two', [{ not_null: ['x'] }, { unique: ['y'] }], [['/pipeline/checks/0/not_null/0', 'no column x travels'], ['/pipeline/checks/1/unique', 'no column y travels']]],
  ])('refuse %s, with its place', (_, checks, expected) => { expect(issuesOf(checks)).toEqual(expected); });
  it('refuse a target that keeps nothing that is set aside, and a cursor beside unique', () => {
    const into = { target: aMissingTarget({ connector: 'mysql' }) };
    expect(() => planned({ onFail: { quarantine: {} } }, into)).toThrow('onFail.quarantine into mysql is not supported');
    expect(() => planned({ from: { ...aPipeline().from, cursor: 'updated_at' }, checks: [{ unique: ['flight_id'] }] })).toThrow('from.cursor beside a check unique');
  });
  it('are not a pipeline where they are misspelled', () => {
    expect(Pipeline.safeParse({ ...aPipeline(), checks: [{ notnull: ['a'] }] }).success).toBe(false);
    expect(Pipeline.safeParse({ ...aPipeline(), onFail: { quarantine: { atMost: '101%' } } }).success).toBe(false);
    expect(Pipeline.safeParse({ ...aPipeline(), onFail: { ignore: {} } }).success).toBe(false);
  });
  it('are judged again by the verifier', () => {
    const plan = planned({ checks: [{ not_null: ['origin'] }], onFail: { quarantine: { atMost: 5 } } });
    const with_ = (judging: LoadTask['judging'], more: Partial<LoadTask> = {}): string[] =>
      verifyPlan({ ...plan, tasks: [{ ...loadOf(plan), judging, ...more }, plan.tasks[1]!] }, {}).issues.map(({ code }) => code);
    const judging = loadOf(plan).judging!;
    expect(with_(undefined)).toEqual(['check.missing']);
    expect(with_({ ...judging, checks: [{ check: 'not_null', column: 'nowhere' }] })).toEqual(['check.invalid']);
    expect(with_({ ...judging, atMost: null })).toEqual(['check.invalid']);
    expect(with_({ ...judging, pipeline: 'other' as never })).toEqual(['check.other']);
    expect(with_({ ...judging, bad: 'stop', atMost: null })).toEqual(['check.other']);
    expect(with_({ ...judging, checks: [{ check: 'unique', columns: ['origin'] }] })).toEqual(['check.pieces']);
    expect(with_({ ...judging, checks: [] })).toEqual(['check.other']);
    expect(with_({ ...judging, checks: [{ check: 'not_null', column: 'destination' }] })).toEqual(['check.other']);
    expect(with_({ ...judging, atMost: { of: 'share', percent: 100 } })).toEqual(['check.other']);
    expect(with_(judging, { carrier: 'frames', digest: 'pg-frame' })).toContain('check.carrier');
  });
  it('bring rows back only where they can be marked: a finished file takes none', () => {
    const replays = { pipeline: 'flights', rows: '1-3' } as Pipeline['replays'];
    expect(() => planned({ to: { ...aPipeline().to, dataset: 'a.csv' }, replays }, { target: aMissingTarget({ connector: 'file', system: 'csv', dataset: 'a.csv' }) })).toThrow(expect.objectContaining({ code: 'request.unsupported' }));
    expect(() => planned({ replays }, { target: aMissingTarget({ connector: 'mysql', system: 'MariaDB' }) })).toThrow(expect.objectContaining({ code: 'request.unsupported' }));
  });
  it('say which rows come back, and take them for no second copy of the source', () => {
    const replays = { pipeline: 'flights', rows: '1-3' };
    const target = aMissingTarget({ exists: true, columns: aProfile().columns, rows: 500, rowsExact: true, bytes: 8192, pages: 1 });
    const plan = planned({ to: { ...aPipeline().to, load: 'append' }, replays: replays as Pipeline['replays'] }, { target, earlierRuns: 3 });
    expect([(plan.tasks[1] as PublishTask).replays, plan.risk]).toEqual([replays, 'R1']);
  });
});
