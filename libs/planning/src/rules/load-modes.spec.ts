import { describe, expect, it } from '@jest/globals';
import { Column, EtlError, type LoadTask, Pipeline, type Plan, type Profile, type PublishTask, type Transform } from '@agent-etl/contracts';
import { planCopy } from '../plan-copy.ts';
import { aCopyInput, aMissingTarget, aPipeline, flightColumns } from '../testing.ts';
import { verifyPlan } from '../verify-plan.ts';

type To = Pipeline['to'];
const pipeline = (to: Partial<To>, more: Partial<Pipeline> = {}): Pipeline => Pipeline.parse({ ...aPipeline(more), to: { ...aPipeline().to, ...to } });
const filled = (more: Partial<Profile> = {}): Profile => aMissingTarget({ exists: true, columns: flightColumns(), rows: 500, rowsExact: true, bytes: 8192, pages: 1, primaryKey: ['flight_id'], ...more });
const ours = [['valid_from', 'tstz', false], ['valid_to', 'tstz', true], ['is_current', 'bool', false]].map(([name, kind, nullable]) => Column.parse({ name, type: { kind }, native: kind === 'bool' ? 'boolean' : 'timestamp with time zone', nullable }));
const history = (more: Partial<Profile> = {}): Profile => filled({ columns: [...flightColumns(), ...ours], primaryKey: ['flight_id', 'valid_from'], openKeys: [['flight_id']], ...more });
function planned(of: Pipeline, target: Profile): Plan {
  const answer = planCopy(aCopyInput({ pipeline: of, target }));
  if ('questions' in answer) throw new Error(`asks: ${answer.questions.map(({ text }) => text).join()}`);
  return answer.plan;
}
const publishOf = ({ tasks }: Plan) => tasks[1] as PublishTask;
const said = ({ decisions }: Plan, question: string) => decisions.find((decision) => decision.question === question);
const refusal = (of: Pipeline, target: Profile): [string, string, string | null] => {
  try { planned(of, target); } catch (error) { if (error instanceof EtlError) return [error.code, error.message, error.next]; throw error; }
  throw new Error('nothing thrown');
};

describe('load: merge', () => {
  it('deletes what vanished, within a limit, and is a destructive act that says what it covers', () => {
    const plan = planned(pipeline({ load: 'merge' }), filled());
    expect([plan.risk, publishOf(plan).how, publishOf(plan).key, publishOf(plan).vanished, verifyPlan(plan, {}).issues]).toEqual(['R2', 'merge', ['flight_id'], { then: 'delete', atMost: 0.2 }, []]);
    expect(plan.risks.at(-1)).toBe('Deletes the rows of mart.flights that the source does not have, whoever wrote them: at most 20 % of them in one run; more, or an empty source, stops it before anything changes. It holds 500 rows now.');
    expect(said(plan, 'deletes')).toMatchObject({ choice: 'at most 20 %', by: 'rules' });
  });
  it.each([['0.5%', 0.005], ['100%', 1]])('takes the limit that a person names: %s', (atMost, share) => {
    const plan = planned(pipeline({ load: 'merge', deletes: { atMost } }), filled());
    expect([publishOf(plan).vanished?.atMost, said(plan, 'deletes')?.by]).toEqual([share, 'person']);
  });
  it.each<[string, Pipeline, Profile, string, string, boolean]>([
    ['a new target', pipeline({ load: 'merge' }), aMissingTarget(), 'R1', 'rename', false],
    ['an empty target', pipeline({ load: 'merge' }), filled({ rows: 0, bytes: 0 }), 'R1', 'merge', true],
    ['a schedule', pipeline({ load: 'merge' }, { schedule: { cron: '0 3 * * *' } }), aMissingTarget(), 'R2', 'merge', true],
    ['SQLite', pipeline({ load: 'merge', dataset: 'flights' }), filled({ connector: 'sqlite', dataset: 'flights', pages: null }), 'R2', 'merge', true],
  ])('into %s', (_, of, target, risk, how, deletes) => {
    const plan = planned(of, target);
    expect([plan.risk, publishOf(plan).how, publishOf(plan).vanished !== undefined, publishOf(plan).keyFromSource, verifyPlan(plan, {}).issues]).toEqual([risk, how, deletes, !target.exists, []]);
  });
  it.each<[string, Pipeline, Profile, string, RegExp]>([
    ['a cursor', pipeline({ load: 'merge' }, { from: { ...aPipeline().from, cursor: 'updated_at' } }), filled(), 'request.invalid', /says nothing about rows that vanished.*load: upsert/],
    ['a file', pipeline({ load: 'merge', dataset: 'flights.parquet' }), aMissingTarget({ connector: 'file', dataset: 'flights.parquet' }), 'request.unsupported', /merge into a file.*load: replace/],
    ['a target without the key', pipeline({ load: 'merge' }), filled({ primaryKey: null }), 'plan.refused', /needs a unique key at the target/],
    ['a login that may not delete', pipeline({ load: 'merge' }), filled({ lacks: { DELETE: 'GRANT DELETE' } }), 'connection.permission-denied', /DELETE on mart.flights/],
    ['versions to close', pipeline({ load: 'merge', deletes: 'close' }), filled(), 'request.invalid', /a merge has no versions to close/],
    ['deletes of an upsert', pipeline({ load: 'upsert', deletes: { atMost: '5%' } }), filled(), 'request.invalid', /deletes belongs to load: merge and load: scd2/],
  ])('is refused with %s', (_, of, target, code, words) => {
    const [found, text] = refusal(of, target);
    expect([found, text]).toEqual([code, expect.stringMatching(words)]);
  });
  it('does not pass the verifier without a limit, beside a slice, or as R1', () => {
    const plan = planned(pipeline({ load: 'merge' }), filled());
    const codes = (changed: Partial<PublishTask>, more: Partial<Plan> = {}): string[] => verifyPlan({ ...plan, ...more, tasks: plan.tasks.map((task) => (task.kind === 'publish' ? { ...task, ...changed } : task)) }, {}).issues.map(({ code }) => code);
    const { cursor } = publishOf(plan);
    expect(codes({ vanished: undefined })).toContain('vanished.unsaid');
    expect(codes({ cursor: { ...cursor!, read: 'since' } })).toContain('vanished.slice');
    expect(codes({}, { risk: 'R1' })).toContain('risk.class');
  });
});

describe('load: scd2', () => {
  it('makes a history, and writes into one that is there; no row is lost, so policy may approve', () => {
    for (const target of [aMissingTarget(), history()]) {
      const plan = planned(pipeline({ load: 'scd2' }), target);
      expect([plan.risk, publishOf(plan).how, publishOf(plan).key, publishOf(plan).vanished, said(plan, 'deletes')?.choice, verifyPlan(plan, {}).issues]).toEqual(['R1', 'scd2', ['flight_id'], undefined, 'stay open', []]);
    }
  });
  it('closes what vanished when it is asked to', () => {
    const plan = planned(pipeline({ load: 'scd2', deletes: 'close' }), history());
    expect([publishOf(plan).vanished, said(plan, 'deletes')?.choice, plan.risk]).toEqual([{ then: 'close', atMost: 0.2 }, 'close, at most 20 %', 'R1']);
  });
  it.each<[string, Profile, RegExp, RegExp]>([
    ['a plain table', filled({ primaryKey: null }), /no column valid_from timestamptz.*no column valid_to timestamptz.*no column is_current boolean.*unique among its current rows/, /ALTER TABLE "mart"."flights" ADD COLUMN "valid_from".*; CREATE UNIQUE INDEX ON "mart"."flights" \("flight_id"\) WHERE is_current/],
    ['a table of one version a row', history({ primaryKey: ['flight_id'] }), /takes one version of a row only/, /not there yet/],
    ['another type', history({ columns: [...flightColumns(), ours[0]!, ours[1]!, { ...ours[2]!, type: { kind: 'i32' }, native: 'integer' }] }), /is_current is integer, not boolean/, /not there yet/],
    ['no index', history({ openKeys: [] }), /unique among its current rows/, /CREATE UNIQUE INDEX/],
  ])('refuses %s with what is missing', (_, target, words, next) => {
    expect(refusal(pipeline({ load: 'scd2' }), target)).toEqual(['plan.refused', expect.stringMatching(words), expect.stringMatching(next)]);
  });
  it('is refused where there are no histories, and when a slice should close what vanished', () => {
    expect(refusal(pipeline({ load: 'scd2', dataset: 'flights' }), aMissingTarget({ connector: 'sqlite', dataset: 'flights' }))).toEqual(['request.unsupported', expect.stringMatching(/scd2 into a sqlite target.*PostgreSQL/), expect.anything()]);
    expect(refusal(pipeline({ load: 'scd2', deletes: 'close' }, { from: { ...aPipeline().from, cursor: 'updated_at' } }), history())[1]).toMatch(/says nothing about rows that vanished/);
  });
});

describe('steps beside a load mode', () => {
  const steps = [{ filter: 'delay_min > 0' }];
  const col = (name: string) => ({ name, expr: { k: 'col' as const, name } });
  const transform = (where: 'filtered' | 'all', renamed: Record<string, string> = {}): Transform => ({
    input: flightColumns(), stages: [{ op: 'rows', columns: flightColumns().map(({ name }) => ({ ...col(name), name: renamed[name] ?? name })), where: where === 'filtered' ? col('delay_min').expr : null }] });
  const behind = (of: Pipeline, target: Profile, by: Transform): Plan => {
    const answer = planCopy(aCopyInput({ pipeline: of, target, transform: by }));
    if ('questions' in answer) throw new Error('asks');
    return answer.plan;
  };
  const codes = (plan: Plan, change: Partial<LoadTask>): string[] => verifyPlan({ ...plan, tasks: plan.tasks.map((task) => (task.kind === 'load' ? { ...task, ...change } : task)) }, {}).issues.map(({ code }) => code);

  it('says that a merge deletes what the steps leave out, and that a history closes it', () => {
    const merged = behind(pipeline({ load: 'merge' }, { steps }), filled(), transform('filtered'));
    expect([merged.risks.at(-1), verifyPlan(merged, {}).issues]).toEqual([expect.stringContaining('that the source does not have or that the steps leave out'), []]);
    expect(said(behind(pipeline({ load: 'scd2', deletes: 'close' }, { steps }), history(), transform('filtered')), 'deletes')?.reason.text).toContain('any more or that the steps leave out ends');
  });
  it('cuts no slices by a column that only a step has given its name', () => {
    const swapped = transform('all', { updated_at: 'departed_at', departed_at: 'updated_at' });
    expect((behind(pipeline({}, { steps }), aMissingTarget(), transform('all')).tasks[0] as LoadTask).cursor?.column).toBe('updated_at');
    expect((behind(pipeline({}, { steps }), aMissingTarget(), swapped).tasks[0] as LoadTask).cursor).toBeUndefined();
    expect(() => behind(pipeline({}, { steps, from: { ...aPipeline().from, cursor: 'updated_at' } }), aMissingTarget(), swapped)).toThrow('updated_at is not what the source calls updated_at');
  });
  it('sets no groups aside: of what is read only rows, not groups, are rejected', () => {
    const grouped: Transform = { input: flightColumns(), stages: [{ op: 'limit', order: [], n: 5, offset: 0 }] };
    expect(() => behind(pipeline({}, { steps: [{ limit: { n: 5, by: [{ column: 'flight_id' }] } }], onFail: { quarantine: {} } }), aMissingTarget(), grouped)).toThrow('a step over several rows (aggregate, dedupe, flatten, limit, pivot, query, unpivot, window) beside onFail: quarantine');
  });
  it('does not pass the verifier where one part of the plan undoes another', () => {
    const plan = behind(pipeline({ load: 'merge' }, { steps }), filled(), transform('all'));
    expect(verifyPlan(plan, {}).issues).toEqual([]);
    expect(codes(plan, { transform: undefined })).toContain('steps.other');
    expect(codes(plan, { transform: transform('filtered') })).toContain('cursor.steps');
    expect(codes(plan, { transform: { input: flightColumns(), stages: [{ op: 'limit', order: [], n: 5, offset: 0 }] } })).toContain('steps.pieces');
    expect(codes(plan, { judging: { pipeline: plan.pipeline.name, checks: [], bad: 'aside', atMost: { of: 'rows', rows: 5 } } })).toContain('vanished.aside');
    expect(codes(plan, { level: 'sampled' })).toContain('proof.sample');
  });
});
