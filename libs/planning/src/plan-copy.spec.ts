import { describe, expect, it } from '@jest/globals';
import { EtlError, type LoadTask, type Plan } from '@agent-etl/contracts';
import type { CopyInput } from './decide.ts';
import { planCopy } from './plan-copy.ts';
import { planHash } from './plan-hash.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile, flightColumns } from './testing.ts';
import { verifyPlan } from './verify-plan.ts';

function planned(more: Partial<CopyInput> = {}): Plan {
  const answer = planCopy(aCopyInput(more));
  if ('questions' in answer) throw new Error(`asks: ${answer.questions.map(({ text }) => text).join()}`);
  return answer.plan;
}
const choice = (plan: Plan, question: string) => plan.decisions.find((decision) => decision.question === question)?.choice;
const to = (load?: 'append' | 'replace' | 'upsert', key?: string[]) => aPipeline({ to: { connection: 'warehouse', dataset: 'mart.flights', ...(load ? { load } : {}), ...(key ? { key } : {}) } });
const filled = (more = {}) => aMissingTarget({ exists: true, columns: flightColumns(), rows: 500, rowsExact: true, bytes: 8192, pages: 1, primaryKey: ['flight_id'], ...more });
const codeOf = (work: () => unknown): string => {
  try { work(); } catch (error) { return error instanceof EtlError ? error.code : String(error); }
  return 'nothing thrown';
};

describe('the plan of the demo', () => {
  it.each([
    ['movement', 'splice binary frames'], ['key', '`flight_id`'], ['strategy', 'full'], ['chunks', '8 by ctid'], ['parallelism', '2 at once'], ['proof', 'full'], ['load', 'append'], ['publish', 'rename'],
  ])('decides %s: %s', (question, expected) => { expect(choice(planned(), question)).toBe(expected); });

  it('gives each choice a reason and something that lost', () => {
    for (const { reason, rejected } of planned().decisions) {
      expect(reason.text.length).toBeGreaterThan(10);
      expect(rejected.length).toBeGreaterThan(0);
    }
  });
  it('says why not by another column and why not by change data capture', () => {
    const text = JSON.stringify(planned().decisions.find(({ question }) => question === 'strategy'));
    expect(text).toContain('departed_at');
    expect(text).toContain('wal_level is replica, not logical');
    expect(text).toContain('`updated_at` is indexed and never NULL');
  });
  it('passes the verifier, has risk R1 and the same id every time', () => {
    expect(verifyPlan(planned(), {})).toEqual({ ok: true, issues: [] });
    expect(planned().risk).toBe('R1');
    expect(planHash(planned())).toBe(planHash(planned()));
  });
});

describe('what becomes of the target', () => {
  it('asks before it appends to, replaces or merges into a filled table', () => {
    const answer = planCopy(aCopyInput({ target: filled() }));
    expect('questions' in answer && answer.questions[0]?.choices).toEqual(['append', 'replace', 'upsert by flight_id']);
  });
  it.each([
    ['a filled table and append', to('append'), filled(), 'append', 'R1'],
    ['an empty table', to(), filled({ rows: 0, bytes: 0 }), 'append', 'R1'],
    ['replace', to('replace'), filled(), 'swap', 'R2'],
    ['replace under a view', to('replace'), filled({ dependents: { views: 1, foreignKeys: 0, policies: 0, grants: 0 } }), 'truncate-insert', 'R2'],
    ['upsert', to('upsert', ['flight_id']), filled(), 'upsert', 'R1'],
    ['upsert into nothing', to('upsert', ['flight_id']), aMissingTarget(), 'rename', 'R1'],
    ['a new table', to('replace'), aMissingTarget(), 'rename', 'R1'],
  ] as const)('for %s', (_, pipeline, target, how, risk) => {
    const plan = planned({ pipeline, target });
    expect([choice(plan, 'publish'), plan.risk, verifyPlan(plan, {}).issues]).toEqual([how === 'upsert' ? 'upsert' : how, risk, []]);
  });
  it('plans a replace that Airflow runs again and again', () => {
    const plan = planned({ pipeline: { ...to('replace'), runOn: 'airflow', schedule: { cron: '0 3 * * *' } } });
    expect([choice(plan, 'publish'), plan.risk, plan.driver, verifyPlan(plan, {}).issues]).toEqual(['swap', 'R2', 'airflow', []]);
  });
  it('lets a person approve a second full append', () => {
    const plan = planned({ pipeline: to('append'), target: filled(), earlierRuns: 1 });
    expect([plan.risk, plan.risks.length]).toEqual(['R2', 1]);
  });
  it('does not trust statistics that say a table is empty', () => {
    expect('questions' in planCopy(aCopyInput({ target: filled({ rows: 0, rowsExact: false, bytes: 8192 }) }))).toBe(true);
  });
  it('refuses an upsert whose key the target does not enforce', () => {
    expect(codeOf(() => planned({ pipeline: to('upsert', ['flight_id']), target: filled({ primaryKey: null }) }))).toBe('plan.refused');
  });
});

describe('files', () => {
  const lake = (more = {}) => aMissingTarget({ connector: 'file', connection: 'lake' as never, dataset: 'flights.parquet', system: 'parquet', ...more });
  const pipeline = (load?: 'replace' | 'append') => aPipeline({ to: { connection: 'lake', dataset: 'flights.parquet', ...(load ? { load } : {}) } });
  it('are one piece, hashed as text and renamed into place', () => {
    const plan = planned({ pipeline: pipeline(), target: lake() });
    expect([choice(plan, 'chunks'), choice(plan, 'publish'), choice(plan, 'movement'), plan.tasks[0]?.digest, plan.risk]).toEqual(['1, whole', 'file', 'stream as text', 'text-md5', 'R1']);
    expect(verifyPlan(plan, {}).issues).toEqual([]);
  });
  it('are replaced only after approval', () => { expect(planned({ pipeline: pipeline('replace'), target: lake({ exists: true }) }).risk).toBe('R2'); });
  it('ask when one is there and nothing is said', () => { expect('questions' in planCopy(aCopyInput({ pipeline: pipeline(), target: lake({ exists: true }) }))).toBe(true); });
  it('are never appended to', () => { expect(codeOf(() => planned({ pipeline: pipeline('append'), target: lake({ exists: true }) }))).toBe('request.unsupported'); });
});

describe('columns and types', () => {
  const enumColumn = { name: 'mood', type: { kind: 'other' as const }, native: 'mood', nullable: true };
  it('names the column that the target cannot hold', () => {
    expect(codeOf(() => planned({ source: aProfile({ columns: [...flightColumns(), enumColumn] }) }))).toBe('plan.type-unsupported');
  });
  it('leaves it out when the request selects others', () => {
    const pipeline = aPipeline({ from: { connection: 'ops', dataset: 'public.flights', select: ['flight_id', 'origin'] } });
    expect(planned({ pipeline, source: aProfile({ columns: [...flightColumns(), enumColumn] }) }).tasks[0]?.columns.map(({ source }) => source)).toEqual(['flight_id', 'origin']);
  });
  it('names the nearest column for a typo', () => {
    const pipeline = aPipeline({ from: { connection: 'ops', dataset: 'public.flights', select: ['fligt_id'] } });
    expect(() => planned({ pipeline })).toThrow(expect.objectContaining({ code: 'source.not-found', details: expect.objectContaining({ nearest: 'did you mean flight_id?' }) }));
  });
  it('keeps a narrower column of the target, streams text and says what that means', () => {
    const columns = flightColumns().map((column) => (column.name === 'flight_id' ? { ...column, native: 'integer', type: { kind: 'i32' as const } } : column));
    const plan = planned({ pipeline: to('append'), target: filled({ columns }) });
    expect([choice(plan, 'movement'), plan.risks[0]]).toEqual(['stream as text', 'flight_id goes from bigint into integer: a value that does not fit stops the run.']);
  });
  it('proves large text copies in full only the first time', () => {
    const target = aMissingTarget({ connector: 'file', dataset: 'a.csv' });
    const pipeline = aPipeline({ to: { connection: 'warehouse', dataset: 'a.csv' } });
    expect([choice(planned({ pipeline, target }), 'proof'), choice(planned({ pipeline, target, earlierRuns: 2 }), 'proof')]).toEqual(['full', 'counts']);
  });
  it('tells the load that only counts are compared, so that no digest is taken for nobody; a proof in full needs one', () => {
    const target = aMissingTarget({ connector: 'file', dataset: 'a.csv' });
    const pipeline = aPipeline({ to: { connection: 'warehouse', dataset: 'a.csv' } });
    const [full, counts] = [planned({ pipeline, target }), planned({ pipeline, target, earlierRuns: 2 })];
    expect([full, counts].map(({ tasks }) => tasks.map((task) => task.level))).toEqual([[undefined, 'full'], ['counts', 'counts']]);
    expect(verifyPlan(counts, {}).ok).toBe(true);
    const [load, publish] = counts.tasks;
    const [bare, again] = [{ ...load }, { ...publish, level: 'full' }] as unknown as Plan['tasks'];
    expect(verifyPlan({ ...counts, tasks: [bare!, again!] }, {}).issues.map(({ code }) => code)).toContain('publish.other-load');
    const { level: _, ...old } = load as LoadTask; // as an earlier release planned it: hashed, and compared by counts
    expect(verifyPlan({ ...counts, tasks: [old, publish!] }, {}).ok).toBe(true);
  });
});

it.each([[1, '1 by ctid', '1 at once'], [2048, '1 by ctid', '1 at once'], [2049, '2 by ctid', '2 at once'], [23_804, '8 by ctid', '2 at once'], [131_072, '16 by ctid', '2 at once'], [100_000_000, '4096 by ctid', '2 at once']])(
  'cuts %i pages into %s, %s', (pages, chunks, parallel) => {
    const plan = planned({ source: aProfile({ pages, bytes: pages * 8192 }) });
    expect([choice(plan, 'chunks'), choice(plan, 'parallelism'), verifyPlan(plan, {}).ok]).toEqual([chunks, parallel, true]);
  });

describe('a plan that Airflow runs again and again', () => {
  it('upserts from the first run on, though there is no target yet, and is accepted', () => {
    const pipeline = { ...aPipeline(), runOn: 'airflow' as const, to: { ...aPipeline().to, load: 'upsert' as const, key: ['flight_id'] } };
    const planned = planCopy(aCopyInput({ pipeline }));
    if (!('plan' in planned)) throw new Error('a plan was expected');
    const publish = planned.plan.tasks.find((task) => task.kind === 'publish');
    expect([publish?.how, publish?.keyFromSource, verifyPlan(planned.plan, {}).issues]).toEqual(['upsert', true, []]);
  });
});
