import { describe, expect, it } from '@jest/globals';
import { EtlError, type LoadTask, type Plan } from '@agent-etl/contracts';
import type { CopyInput } from './decide.ts';
import { planCopy } from './plan-copy.ts';
import { planHash } from './plan-hash.ts';
import { refusalOf } from './refusal.ts';
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
    ['movement', 'splice binary frames'], ['key', '`flight_id`'], ['strategy', 'full now, then incremental by (updated_at, flight_id)'], ['chunks', '8 by ctid'], ['parallelism', '2 at once'], ['proof', 'full'], ['load', 'append'], ['publish', 'rename'],
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
  describe('that its own schedule runs again and again', () => {
    const schedule = { cron: '15 1 * * *', timezone: 'Europe/Lisbon' };
    const lake = (more = {}) => aMissingTarget({ connector: 'file', connection: 'lake' as never, dataset: 'flights.parquet', system: 'parquet', ...more });
    const intoFile = aPipeline({ to: { connection: 'lake', dataset: 'flights.parquet', load: 'replace' } });
    it.each([
      ['a replace of nothing yet', to('replace'), aMissingTarget(), 'swap', 'R2', ['Each run replaces all rows of mart.flights.']],
      ['a replace', to('replace'), filled(), 'swap', 'R2', ['Each run replaces all rows of mart.flights, about 500 now.']],
      ['an upsert into nothing yet', to('upsert', ['flight_id']), aMissingTarget(), 'upsert', 'R1', []],
      ['a file that is not there yet', intoFile, lake(), 'file', 'R2', ['Each run replaces the file lake:flights.parquet.']],
    ] as const)('plans %s', (_, pipeline, target, how, risk, risks) => {
      const plan = planned({ pipeline: { ...pipeline, schedule }, target });
      expect([choice(plan, 'publish'), plan.risk, plan.risks, plan.schedule, plan.driver, verifyPlan(plan, {}).issues]).toEqual([how, risk, risks, schedule, 'workers', []]);
      expect([choice(plan, 'driver'), choice(plan, 'schedule')]).toEqual(['workers', '15 1 * * * (Europe/Lisbon)']);
    });
    it('asks when nothing says how each run loads', () => {
      const asked = (more: object) => { const answer = planCopy(aCopyInput(more)); return 'questions' in answer ? answer.questions[0]?.choices : []; };
      expect([asked({ pipeline: { ...to(), schedule } }), asked({ pipeline: { ...intoFile, to: { connection: 'lake', dataset: 'flights.parquet' }, schedule }, target: lake() })]).toEqual([['replace', 'upsert by flight_id'], ['replace']]);
    });
    it('refuses to add the whole source each time', () => { expect(codeOf(() => planned({ pipeline: { ...to('append'), schedule } }))).toBe('request.unsupported'); });
    it('refuses a time that never comes', () => {
      expect(() => planned({ pipeline: { ...to('replace'), schedule: { cron: '0 0 31 2 *' } } })).toThrow('/pipeline/schedule/cron: names a time that never comes.');
    });
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
  it('go into a table as binary frames where its types take theirs, and as text where one does not', () => {
    const source = aProfile({ connector: 'file', connection: 'lake' as never, dataset: 'flights.parquet', system: 'parquet', pages: null, walLevel: null, positions: undefined });
    const from = aPipeline({ from: { connection: 'lake', dataset: 'flights.parquet' } });
    const binary = planned({ source, pipeline: from });
    expect([choice(binary, 'movement'), choice(binary, 'engine'), (binary.tasks[0] as LoadTask).carrier, binary.tasks[0]?.digest]).toEqual(['write binary frames', 'duckdb', 'frames', 'text-md5']);
    expect(verifyPlan(binary, {}).issues).toEqual([]);
    const narrow = structuredClone(binary);
    (narrow.tasks[0] as LoadTask).columns[0]!.targetNative = 'integer';
    expect(verifyPlan(narrow, {}).issues.map(({ code }) => code)).toContain('carrier.frames');
    const hashed = structuredClone(binary);
    (hashed.tasks[0] as LoadTask).digest = 'pg-frame';
    expect(verifyPlan(hashed, {}).issues.map(({ code }) => code)).toContain('digest.kind');
    const target = filled({ columns: flightColumns().map((column, index) => (index === 0 ? { ...column, native: 'integer', type: { kind: 'i32' as const } } : column)) });
    const text = planned({ source, target, pipeline: aPipeline({ from: { connection: 'lake', dataset: 'flights.parquet' }, to: { connection: 'warehouse', dataset: 'mart.flights', load: 'append' } }) });
    expect([choice(text, 'movement'), (text.tasks[0] as LoadTask).carrier]).toEqual(['stream as text', 'text']);
    expect(verifyPlan(text, {}).issues.map(({ code }) => code)).not.toContain('digest.kind');
  });
  it('are replaced only after approval', () => { expect(planned({ pipeline: pipeline('replace'), target: lake({ exists: true }) }).risk).toBe('R2'); });
  it('ask when one is there and nothing is said', () => { expect('questions' in planCopy(aCopyInput({ pipeline: pipeline(), target: lake({ exists: true }) }))).toBe(true); });
  it('are never appended to', () => { expect(codeOf(() => planned({ pipeline: pipeline('append'), target: lake({ exists: true }) }))).toBe('request.unsupported'); });
});

describe('a file of SQLite', () => {
  const lite = (more = {}) => aProfile({ connector: 'sqlite', system: 'SQLite 3.53.4', pages: null, walLevel: null, range: 'rowid', dataset: 'flights', rowsExact: true, ...more });
  const into = (load?: 'replace' | 'upsert', more = {}) => planned({ pipeline: aPipeline({ to: { connection: 'warehouse', dataset: 'flights', ...(load ? { load } : {}), ...(load === 'upsert' ? { key: ['flight_id'] } : {}) }, ...more }),
    target: lite({ connection: 'warehouse', exists: load !== undefined && !('runOn' in more), ...(load && !('runOn' in more) ? {} : { columns: [] }), bytes: 0, rows: load ? 5 : 0 }) });
  it('is read by ranges of its rowid, one after the other, and hashed as text without an engine', () => {
    const plan = planned({ source: lite(), pipeline: aPipeline({ from: { connection: 'ops', dataset: 'flights' } }) });
    expect([choice(plan, 'chunks'), choice(plan, 'parallelism'), choice(plan, 'engine'), plan.tasks[0]?.digest, (plan.tasks[0] as LoadTask).carrier]).toEqual(['8 by rowid', '1 at once', 'stream', 'text-md5', 'text']);
    expect(verifyPlan(plan, {}).issues).toEqual([]);
  });
  it('is not alone in being read by one reader: the snapshot of MySQL belongs to one connection', () => {
    const plan = planned({ source: lite({ connector: 'mysql', system: 'MariaDB 10.11.19', range: 'flight_id' }), parallel: 4 });
    expect(plan.decisions.find(({ question }) => question === 'parallelism')).toMatchObject({ choice: '1 at once', rejected: [{ because: expect.stringContaining('One connection holds the snapshot') as unknown }] });
    expect([choice(plan, 'chunks'), verifyPlan(plan, {}).issues]).toEqual(['8 by flight_id', []]);
  });
  it('is one piece on its way into a file', () => {
    const plan = planned({ source: lite(), pipeline: aPipeline({ to: { connection: 'lake', dataset: 'f.parquet' } }), target: aMissingTarget({ connector: 'file', connection: 'lake' as never, dataset: 'f.parquet' }) });
    expect([choice(plan, 'chunks'), choice(plan, 'engine'), verifyPlan(plan, {}).issues]).toEqual(['1, whole', 'duckdb', []]);
  });
  it.each([[undefined, {}, 'rename'], ['replace', {}, 'truncate-insert'], ['upsert', {}, 'upsert'], ['replace', { runOn: 'airflow', schedule: { cron: '0 3 * * *' } }, 'truncate-insert']] as const)('is written by %s %j: %s', (load, more, how) => {
    const plan = into(load, more);
    expect([choice(plan, 'publish'), choice(plan, 'parallelism'), verifyPlan(plan, {}).issues]).toEqual([how, '2 at once', []]);
  });
  it('tells no names apart by case, and has names of its own', () => {
    const plan = into();
    plan.tasks[0]!.columns[1]!.target = 'FLIGHT_ID';
    expect(verifyPlan(plan, {}).issues.map(({ code }) => code)).toContain('name.twin');
    expect(verifyPlan({ ...plan, pipeline: { ...plan.pipeline, to: { ...plan.pipeline.to, dataset: 'sqlite_x' } } }, {}).issues.map(({ code }) => code)).toContain('name.reserved');
  });
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
  const refusal = (work: () => unknown): [string, string, string | null] => {
    try { work(); } catch (error) { if (error instanceof EtlError) return [error.code, error.message, error.next]; throw error; }
    throw new Error('was accepted');
  };
  const renamed = (name: string, more: object) => flightColumns().map((column) => (column.name === name ? { ...column, ...more } : column));
  it('says which column the target has not, and what it may be called there', () => {
    expect(refusal(() => planned({ pipeline: to('append'), target: filled({ columns: renamed('origin', { name: 'orign' }) }) }))).toEqual(
      ['plan.refused', 'The plan breaks target.column-missing: mart.flights has no column origin: did you mean orign?', 'add the column to the target, or choose others with from.select']);
  });
  it('refuses a target that needs what nothing fills, and takes one that fills it itself', () => {
    const more = (extra: object) => filled({ columns: [...flightColumns(), { name: 'must', type: { kind: 'i32' }, native: 'integer', nullable: false, ...extra }] });
    expect(refusal(() => planned({ pipeline: to('append'), target: more({}) }))).toEqual(
      ['plan.refused', 'The plan breaks target.column-unfilled: mart.flights needs must: it may not be NULL, has no default, and the source has no such column.', 'give the column a default or allow NULL, or let the source have it']);
    expect(planned({ pipeline: to('append'), target: more({ filled: 'default' }) }).tasks[0]?.columns).toHaveLength(flightColumns().length);
  });
  it('refuses to write what the target makes itself', () => {
    expect(refusal(() => planned({ pipeline: to('append'), target: filled({ columns: renamed('origin', { filled: 'always' }) }) }))).toEqual(
      ['plan.refused', 'The plan breaks target.column-generated: mart.flights makes origin itself and takes no value for it.', 'leave it out with from.select']);
  });
  it('reads the cells of a CSV as what the target is, where a cell can be that', () => {
    const guessed = (native: string, kind: 'f64' | 'i64') => ({ name: 'v', type: { kind }, native, nullable: true });
    const into = (native: string, type: object) => planned({
      source: aProfile({ connector: 'file', columns: [guessed('DOUBLE', 'f64')], primaryKey: null, pages: null, options: { format: 'csv' } }), pipeline: to('append'),
      target: filled({ columns: [{ name: 'v', type, native, nullable: true }], primaryKey: null }) });
    for (const [native, type] of [['text', { kind: 'text' }], ['integer', { kind: 'i32' }], ['numeric(12,2)', { kind: 'dec', precision: 12, scale: 2 }], ['date', { kind: 'date' }]] as const) {
      const plan = into(native, type);
      expect([plan.tasks[0]?.columns[0]?.type, plan.risks[0], verifyPlan(plan, {}).issues]).toEqual([type, `v is read as ${native}: a cell that is none stops the run.`, []]);
    }
    expect(codeOf(() => into('numeric', { kind: 'dec' }))).toBe('plan.type-unsupported');
  });
  it.each(['ndjson', 'json'])('reads the values of %s as what the target is, too', (format) => {
    const source = aProfile({ connector: 'file', columns: [{ name: 'v', type: { kind: 'text' }, native: 'VARCHAR', nullable: true }], primaryKey: null, pages: null, options: { format } });
    const plan = planned({ source, pipeline: to('append'), target: filled({ columns: [{ name: 'v', type: { kind: 'ts' }, native: 'timestamp without time zone', nullable: true }], primaryKey: null }) });
    expect(plan.tasks[0]?.columns[0]?.type).toEqual({ kind: 'ts' });
  });
  it('makes a Decision of what a profile says of a column, unless the column does not travel or becomes something else', () => {
    const notices = [{ code: 'mixed-as-text', column: 'origin', text: 'origin holds 3191 texts, 9 numbers.', instead: { choice: 'the type that most values have', because: 'The others would be lost.' } }];
    const told = (more: Partial<CopyInput>) => planned({ source: aProfile({ notices }), ...more }).decisions.filter(({ reason }) => reason.code === 'mixed-as-text');
    expect(told({})).toEqual([{ question: 'types', choice: '`origin` as it was profiled', by: 'rules', reason: { code: 'mixed-as-text', text: notices[0]?.text },
      rejected: [{ choice: 'the type that most values have', because: 'The others would be lost.' }] }]);
    expect(told({ pipeline: aPipeline({ from: { connection: 'shop', dataset: 'ops.flights', select: ['flight_id'] } }) })).toEqual([]);
  });
  it('keeps a name with a dot in it, and says what to do about names that fit nowhere', () => {
    const named = (dataset: string) => planned({ pipeline: aPipeline({ to: { connection: 'warehouse', dataset } }), target: aMissingTarget({ dataset }) });
    expect(verifyPlan(named('mart."we.ird"'), {}).issues).toEqual([]);
    for (const [dataset, code] of [['a.b.c', 'name.parts'], ['pg_catalog.x', 'name.reserved'], ['_etl.ledger', 'name.reserved'], [`mart.${'x'.repeat(64)}`, 'name.length']] as const) {
      const { issues } = verifyPlan(named(dataset), {});
      expect([issues.map((each) => each.code), refusalOf(issues).next]).toEqual([[code], expect.any(String)]);
    }
  });
  it('says how to take a table whose plan is larger than a message', () => {
    const columns = Array.from({ length: 1600 }, (_, index) => ({ name: `column_number_${index}`, type: { kind: 'i32' as const }, native: 'integer', nullable: true }));
    const { issues } = verifyPlan(planned({ source: aProfile({ columns, primaryKey: null, indexes: [] }) }), {});
    expect([issues.map(({ code }) => code), refusalOf(issues).next]).toEqual([['plan.size'], 'take fewer columns with from.select, and the others in a second pipeline']);
  });
  it('prints the grant that an upsert or a replace lacks, before a row has moved', () => {
    const target = filled({ lacks: { UPDATE: 'GRANT U', TRUNCATE: 'GRANT T', DELETE: 'GRANT D' } });
    const denied = (action: string, grant: string) => ['connection.permission-denied', `warehouse does not allow ${action} on mart.flights.`, grant];
    expect(refusal(() => planned({ pipeline: to('upsert', ['flight_id']), target }))).toEqual(denied('UPDATE', 'GRANT U'));
    expect(refusal(() => planned({ pipeline: to('replace'), target }))).toEqual(denied('TRUNCATE', 'GRANT T'));
    expect(refusal(() => planned({ pipeline: to('replace'), target: { ...target, dependents: { ...target.dependents, foreignKeys: 1 } } }))).toEqual(denied('DELETE', 'GRANT D'));
    expect(choice(planned({ pipeline: to('append'), target }), 'publish')).toBe('append');
  });
  it('prints an index that can be pasted when an upsert has none', () => {
    const pipeline = aPipeline({ to: { connection: 'warehouse', dataset: 'mart.Flights', load: 'upsert', key: ['flight_id'] } });
    expect(refusal(() => planned({ pipeline, target: filled({ primaryKey: null }) }))[2]).toBe('add one, over columns that are NOT NULL: CREATE UNIQUE INDEX ON "mart"."Flights" ("flight_id")');
  });
  it('proves large text copies in full only the first time', () => {
    const target = aMissingTarget({ connector: 'file', dataset: 'a.csv' });
    const pipeline = aPipeline({ to: { connection: 'warehouse', dataset: 'a.csv' } });
    expect([choice(planned({ pipeline, target }), 'proof'), choice(planned({ pipeline, target, earlierRuns: 2 }), 'proof')]).toEqual(['full', 'sampled, 256 of 4,096 buckets']);
  });
  it('tells the load that only counts are compared, so that no digest is taken for nobody; a proof in full needs one', () => {
    const target = aMissingTarget({ connector: 'file', dataset: 'a.csv' });
    const pipeline = aPipeline({ to: { connection: 'warehouse', dataset: 'a.csv' } });
    const [full, counts] = [planned({ pipeline, target }), planned({ pipeline: { ...pipeline, reconcile: 'counts' }, target, earlierRuns: 2 })];
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
