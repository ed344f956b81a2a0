import { describe, expect, it } from '@jest/globals';
import { Column, EtlError, type LoadTask, type Pipeline, type Plan, type Profile, type PublishTask } from '@agent-etl/contracts';
import { planCopy } from '../plan-copy.ts';
import { planHash } from '../plan-hash.ts';
import { aCopyInput, aMissingTarget, aPipeline, aProfile, flightColumns } from '../testing.ts';
import { transformed } from '../transformed.ts';
import { verifyPlan } from '../verify-plan.ts';
import { saysChange } from './cursor.ts';

const answer = (pipeline: Pipeline, source: Profile, target: Profile) => planCopy(aCopyInput({ pipeline, source, target, earlierRuns: 1 }));
function planned(pipeline: Pipeline = aPipeline(), { source = aProfile(), target = aMissingTarget() } = {}): Plan {
  const found = answer(pipeline, source, target);
  if ('questions' in found) throw new Error(`asks: ${found.questions.map(({ text }) => text).join()}`);
  return found.plan;
}
const loadOf = ({ tasks }: Plan) => tasks[0] as LoadTask;
const publishOf = ({ tasks }: Plan) => tasks[1] as PublishTask;
const said = ({ decisions }: Plan, question: string) => decisions.find((decision) => decision.question === question);
const scope = loadOf(planned()).cursor!.scope;
const position = { pipeline: 'flights_to_warehouse', scope, value: '2001-06-30 03:00:00.000001+00' };
/** The table that an earlier run of this pipeline has made. */
const made = (more: Partial<Profile> = {}): Profile => aMissingTarget({ exists: true, columns: flightColumns(), primaryKey: ['flight_id'], rows: 2_984_094, bytes: 195_002_368, pages: 23_804, positions: [position], ...more });
const to = (load?: 'append' | 'replace' | 'upsert', cursor?: string, key?: string[]) =>
  aPipeline({ from: { ...aPipeline().from, ...(cursor ? { cursor } : {}) }, to: { ...aPipeline().to, ...(load ? { load } : {}), ...(key ? { key } : {}) } });
const columns = (change: Record<string, Partial<Column>>) => flightColumns().map((column) => Column.parse({ ...column, ...change[column.name] }));
const codeOf = (work: () => unknown): string => {
  try { work(); } catch (error) { return error instanceof EtlError ? `${error.code} ${JSON.stringify(error.details)}` : String(error); }
  return 'nothing thrown';
};

describe('the first run', () => {
  it('reads all and sets the position', () => {
    const plan = planned();
    expect(said(plan, 'strategy')?.choice).toBe('full now, then incremental by (updated_at, flight_id)');
    expect(loadOf(plan)).toMatchObject({ cursor: { column: 'updated_at', kind: 'tstz', read: 'all' }, chunks: { by: 'ctid' } });
    expect(publishOf(plan).cursor).toEqual(loadOf(plan).cursor);
    expect(verifyPlan(plan, {}).issues).toEqual([]);
  });
});

describe('the next run of a pipeline that made its target', () => {
  const plan = planned(aPipeline(), { target: made() });
  it('reads what changed, with an overlap, and merges it by key', () => {
    expect(loadOf(plan)).toMatchObject({ cursor: { read: 'since', overlapSeconds: 3600, scope }, chunks: { by: 'cursor' } });
    expect(publishOf(plan)).toMatchObject({ how: 'upsert', key: ['flight_id'], level: 'full' });
    expect([plan.target.load, plan.risk, verifyPlan(plan, {}).issues, said(plan, 'strategy')?.choice, said(plan, 'overlap')?.choice, said(plan, 'load')?.by]).toEqual(
      ['upsert', 'R1', [], 'incremental by (updated_at, flight_id)', '1 h', 'rules']);
    expect(planHash(plan)).toBe(planHash(planned(aPipeline(), { target: made() })));
  });
  it('says what it does not see, and what each other way would cost, with numbers', () => {
    const strategy = said(plan, 'strategy')!;
    expect(strategy.reason.text).toMatch(/2001-06-30 03:00:00\.000001\+00.*not seen, nor is a delete/);
    expect(strategy.rejected.map(({ choice, because }) => `${choice}: ${because}`)).toEqual([
      'full: It reads about 2,984,094 rows again.',
      'only rows newer by `departed_at`: It is not indexed, so each run would scan about 2,984,094 rows, and rows may come late: they would be missed.',
      'only rows above `flight_id`: It misses updates of about 2,984,094 rows that are there already.',
      'change data capture: wal_level is replica, not logical.']);
  });
  it.each<[string, Partial<Profile>, Partial<Profile>]>([
    ['the position of another pipeline', {}, { positions: [{ ...position, pipeline: 'other' }] }],
    ['a position of other columns or another source', {}, { positions: [{ ...position, scope: 'f'.repeat(64) }] }],
    ['no position', {}, { positions: [] }],
    ['a target that enforces no key', {}, { primaryKey: null }],
    ['another database under the same address', { origin: '7/5/3' }, {}],
    ['a column that came to both ends', { columns: [...flightColumns(), Column.parse({ name: 'extra', type: { kind: 'text' }, native: 'text', nullable: true })] },
      { columns: [...flightColumns(), Column.parse({ name: 'extra', type: { kind: 'text' }, native: 'text', nullable: true })] }],
  ])('asks as before where there is %s', (_, source, target) => {
    const found = answer(aPipeline(), aProfile(source), made(target));
    expect('questions' in found && found.questions[0]?.choices).toEqual(['append', 'replace', 'upsert by flight_id']);
  });
  it('reads all of it again when somebody emptied the target', () => {
    const plan = planned(aPipeline(), { target: made({ rows: 0, rowsExact: true, bytes: 0 }) });
    expect([publishOf(plan).how, loadOf(plan).cursor?.read]).toEqual(['append', 'all']);
  });
});

describe('a load mode that a person wrote keeps its meaning', () => {
  it.each([['append', undefined, 'append'], ['replace', 'all', 'swap'], ['upsert', 'all', 'upsert']] as const)('%s is about all rows', (load, read, how) => {
    const plan = planned(to(load), { target: made() });
    expect([loadOf(plan).cursor?.read, publishOf(plan).how, said(plan, 'strategy')?.choice, verifyPlan(plan, {}).issues]).toEqual([read, how, 'full', []]);
    expect(said(plan, 'strategy')?.reason.text).toContain(`The request says ${load}: `);
  });
  it('upsert reads only what changed when the person names the cursor', () => {
    const plan = planned(to('upsert', 'updated_at'), { target: made() });
    expect([loadOf(plan).cursor?.read, publishOf(plan).how, said(plan, 'strategy')?.by, said(plan, 'load')?.by]).toEqual(['since', 'upsert', 'person', 'person']);
  });
  it.each(['append', 'replace'] as const)('refuses %s beside a cursor', (load) => { expect(codeOf(() => planned(to(load, 'updated_at')))).toContain('request.invalid'); });
});

describe('a cursor', () => {
  it.each<[string, Partial<Profile>, string]>([
    ['may be NULL', { columns: columns({ updated_at: { nullable: true } }) }, 'It may be NULL'],
    ['is not indexed', { indexes: [['flight_id']] }, 'It is not indexed'],
    ['is set once, as its name says', { columns: columns({ updated_at: { name: 'created_at' } }), indexes: [['created_at']] }, 'from.cursor: created_at'],
    ['has no key beside it', { primaryKey: null }, 'No unique key'],
  ])('is none where it %s', (_, source, because) => {
    const plan = planned(aPipeline(), { source: aProfile(source) });
    expect([loadOf(plan).cursor, said(plan, 'strategy')?.choice]).toEqual([undefined, 'full']);
    expect(JSON.stringify(said(plan, 'strategy')?.rejected)).toContain(because);
  });
  it('that a person names needs no telling name and no index, and a missing index is said', () => {
    const source = aProfile({ columns: columns({ updated_at: { name: 'seen' } }), indexes: [['flight_id']] });
    const first = planned(to(undefined, 'seen'), { source });
    const target = made({ columns: source.columns, positions: [{ ...position, scope: loadOf(first).cursor!.scope }] });
    const plan = planned(to(undefined, 'seen'), { source, target });
    expect([loadOf(plan).cursor?.column, plan.risks, verifyPlan(plan, {}).issues]).toEqual(['seen', ['`seen` is not indexed: each run scans about 2,984,094 rows to find what changed.'], []]);
  });
  it.each<[string, string, Partial<Profile>, string]>([
    ['a typo', 'update_at', {}, 'did you mean updated_at?'], ['a number', 'delay_min', {}, 'delay_min is integer: a cursor is a timestamp'],
    ['NULLs', 'updated_at', { columns: columns({ updated_at: { nullable: true } }) }, 'plan.refused'], ['no key', 'updated_at', { primaryKey: null }, 'profile.unusable'],
  ])('that a person names is refused with %s', (_, cursor, source, words) => { expect(codeOf(() => planned(to(undefined, cursor), { source: aProfile(source) }))).toContain(words); });
  it('is nothing for files, and the plan says why', () => {
    const target = aMissingTarget({ connector: 'file', dataset: 'a.parquet' });
    const plan = planned(aPipeline({ to: { connection: 'warehouse', dataset: 'a.parquet' } }), { target });
    expect([loadOf(plan).cursor, said(plan, 'strategy')?.reason.code]).toEqual([undefined, 'file-target']);
    expect(codeOf(() => planned(to(undefined, 'updated_at'), { target }))).toContain('request.unsupported');
  });
  it('is none that the steps rename or compute: the source is cut by its own column of that name', () => {
    const source = aProfile();
    const input = source.columns.map(({ name, type, native, nullable }) => ({ name, type, native, nullable }));
    const stepped = (renamed: Readonly<Record<string, string>>, cursor?: string) => {
      const made = { ...transformed(source, { columns: source.columns.map(({ name, type }) => ({ name: renamed[name] ?? name, type, source: name })), stages: [{ op: 'rows', where: null, columns: input.map(({ name }) => ({ name: renamed[name] ?? name, expr: { k: 'col', name } })) }] }, 'postgres') };
      const found = planCopy(aCopyInput({ pipeline: to(undefined, cursor), ...made }));
      if ('questions' in found) throw new Error('asks');
      return found.plan;
    };
    expect([loadOf(stepped({})).cursor?.column, loadOf(stepped({ updated_at: 'changed_at' })).cursor, loadOf(stepped({ updated_at: 'departed_at', departed_at: 'updated_at' })).cursor]).toEqual(['updated_at', undefined, undefined]);
    expect(codeOf(() => stepped({ updated_at: 'changed_at' }, 'changed_at'))).toContain('a cursor passes through the steps');
    const plan = stepped({});
    const [stage] = loadOf(plan).transform!.stages;
    if (stage?.op === 'rows') stage.columns.find(({ name }) => name === 'updated_at')!.expr = { k: 'col', name: 'departed_at' };
    expect(verifyPlan(plan, {}).issues.map(({ code }) => code)).toContain('cursor.steps');
  });
  it.each([['updated_at', true], ['lastModified', true], ['last_update', true], ['row_changed_on', true], ['mtime', true], ['created_at', false], ['departed_at', false], ['next_update', false], ['exchange_date', false]])(
    '%s says that a change moves it: %s', (name, says) => { expect(saysChange(name)).toBe(says); });
});

describe('the verifier refuses', () => {
  it.each<[string, (parts: { plan: Plan; load: LoadTask; publish: PublishTask }) => void, string]>([
    ['two cursors', ({ publish }) => { delete publish.cursor; }, 'cursor.publish'],
    ['a part cut by pages', ({ load }) => { load.chunks.by = 'ctid'; }, 'cursor.chunks'],
    ['a part without a position', ({ plan }) => { plan.profiles.target.positions = []; }, 'cursor.position'],
    ['a position of somebody else', ({ plan }) => { plan.pipeline.name = 'other'; }, 'cursor.pipeline'],
    ['a part that replaces the whole', ({ plan, publish }) => { plan.target.load = 'replace'; publish.how = 'swap'; }, 'cursor.way'],
    ['a key that the source does not enforce', ({ plan }) => { plan.profiles.source.primaryKey = null; }, 'cursor.key'],
    ['a cursor with NULLs', ({ plan }) => { plan.profiles.source.columns.at(-1)!.nullable = true; }, 'cursor.column'],
  ])('%s', (_, change, code) => {
    const plan = structuredClone(planned(aPipeline(), { target: made() }));
    change({ plan, load: loadOf(plan), publish: publishOf(plan) });
    expect(verifyPlan(plan, {}).issues.map((issue) => issue.code)).toContain(code);
  });
});
