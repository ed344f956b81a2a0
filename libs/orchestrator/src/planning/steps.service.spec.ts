import { afterAll, describe, expect, it } from '@jest/globals';
import { type Column, type Pipeline, Profile } from '@agent-etl/contracts';
import { planCopy, verifyPlan } from '@agent-etl/planning';
import { StepsService } from './steps.service.ts';

const column = (name: string, kind: Column['type']['kind'], native: string): Column => ({ name, native, nullable: false, type: { kind } });
const profile = (more: Partial<Profile>): Profile => Profile.parse({
  connection: 'shop', dataset: 'public.orders', connector: 'postgres', system: 'PostgreSQL 18', exists: true, primaryKey: ['id'], uniqueKeys: [], indexes: [['id'], ['changed_at', 'id']], rows: 1000, rowsExact: true, bytes: 80_000, pages: 10, walLevel: null,
  columns: [column('id', 'i64', 'bigint'), column('status', 'text', 'text'), { ...column('total', 'dec', 'numeric(10,2)'), type: { kind: 'dec', precision: 10, scale: 2 } }, column('changed_at', 'ts', 'timestamp without time zone')],
  dependents: { views: 0, foreignKeys: 0, policies: 0, grants: 0 }, columnStats: {}, options: {}, fingerprint: 'a'.repeat(64), ...more });
const target = profile({ connection: 'lake', dataset: 'orders.parquet', connector: 'file', exists: false, columns: [], primaryKey: null, indexes: [], rows: 0, pages: null });
const pipeline = (steps: Pipeline['steps']): Pipeline => ({ name: 'orders', from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'lake', dataset: 'orders.parquet' }, steps });
const mapColumn = ({ }: string | object, { native }: Column) => ({ native });

describe('the steps of a pipeline', () => {
  const means = { memoryBytes: 512 * 1024 * 1024, spark: 'none' } as const;
  const steps = new StepsService(means);
  afterAll(async () => { await steps.stop(); });

  it('make a source that its readers see behind them, and a plan that passes the verifier', async () => {
    const asked = pipeline([{ filter: "status <> 'test'" }, { derive: { total_eur: 'round(total * 0.92, 2)' } }, { rename: { id: 'order_id' } }, { drop: ['status'] }]);
    const { source, transform } = await steps.behind(asked, profile({}));
    expect(source.columns.map(({ name, native }) => `${name} ${native}`)).toEqual(['order_id bigint', 'total numeric(10,2)', 'changed_at timestamp without time zone', 'total_eur numeric(12,2)']);
    expect([source.primaryKey, source.indexes, source.rowsExact]).toEqual([['order_id'], [['order_id'], ['changed_at', 'order_id']], false]);
    const planned = planCopy({ pipeline: asked, source, target, ...(transform ? { transform } : {}), policy: {}, mapColumn });
    if (!('plan' in planned)) throw new Error('questions');
    expect(verifyPlan(planned.plan, {})).toEqual({ ok: true, issues: [] });
    expect(planned.plan.decisions[0]).toMatchObject({ question: 'steps', choice: 'filter, derive, rename, drop, while the source is read' });
  });
  it('go to Spark when the pipeline says so: what comes back are files, the plan passes the verifier and says why', async () => {
    const asked: Pipeline = { ...pipeline([{ filter: "status <> 'test'" }, { aggregate: { by: ['status'], measures: [{ as: 'sum', fn: 'sum', arg: 'total' }] } }]), engine: 'spark' };
    const behind = await steps.behind(asked, profile({}));
    const planned = planCopy({ pipeline: asked, target, ...behind, policy: {}, mapColumn });
    if (!('plan' in planned)) throw new Error('questions');
    const { plan } = planned;
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
    const [load, ...rest] = plan.tasks;
    const changed = (more: object): string[] => verifyPlan({ ...plan, tasks: [{ ...load!, ...more } as typeof load & {}, ...rest] }, {}).issues.map(({ code }) => code);
    expect([changed({ engine: 'duckdb' }), changed({ carrier: 'frames' })]).toEqual([['steps.spark'], expect.arrayContaining(['steps.spark'])]);
    expect(verifyPlan({ ...plan, pipeline: { ...asked, engine: 'duckdb' } }, {}).issues.map(({ code }) => code)).toEqual(['steps.spark']);
    expect(plan.tasks[0]).toMatchObject({ engine: 'spark', carrier: 'text', digest: 'text-md5', chunks: { by: 'whole', count: 1 }, transform: { engine: 'spark' }, columns: [{ source: 'status', sourceNative: 'VARCHAR' }, { source: 'sum', sourceNative: 'DECIMAL(38,2)' }] });
    expect(plan.decisions.filter(({ question }) => question === 'engine')).toMatchObject([{ choice: 'spark', by: 'person', rejected: [{ choice: 'duckdb' }] }]);
  });
  it('are refused where the engine that is named cannot compute them, each with what can', async () => {
    const some = [{ filter: 'id > 0' }];
    const refused = (engine: Pipeline['engine'], more: Partial<Pipeline> = {}, source: Partial<Profile> = {}) => expect(steps.behind({ ...pipeline(some), engine, ...more }, profile(source))).rejects;
    await refused('duckdb').toMatchObject({ code: 'request.unsupported', details: { allowed: 'engine: postgres or engine: spark' } });
    await refused('postgres', {}, { connector: 'file' }).toMatchObject({ code: 'request.unsupported', details: { allowed: 'engine: duckdb or engine: spark' } });
    await refused('spark', {}, { connector: 'mysql' }).toMatchObject({ code: 'request.unsupported' });
    await refused('spark', { steps: [] }).toMatchObject({ code: 'request.unsupported', details: { found: 'engine: spark without steps' } });
    await refused('spark', { checks: [{ not_null: ['id'] }] }).toMatchObject({ code: 'request.unsupported' });
    await refused('spark', { steps: [{ cast: { column: 'status', to: 'date', format: '%Y' } }] }).toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_NO_FORM', path: '/pipeline/steps/0/cast', text: expect.stringContaining('spark') }] });
  });
  it('are refused by name where Spark has no form for them, and masked there as anywhere', async () => {
    const other = profile({ connection: 'shop', dataset: 'public.people' });
    const onSpark = (some: Pipeline['steps'], others: readonly Profile[] = []) => steps.behind({ ...pipeline(some), engine: 'spark' }, profile({}), { others });
    const refused = (some: Pipeline['steps'], others?: readonly Profile[]) => expect(onSpark(some, others)).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_NO_FORM', text: expect.stringContaining('spark') }] });
    // A type that Spark has not may pass; what is made of it may not.
    const named = profile({ columns: [...profile({}).columns, column('u', 'uuid', 'uuid')] });
    await expect(steps.behind({ ...pipeline([{ window: { partitionBy: ['status'], orderBy: [{ column: 'id' }], columns: [{ as: 'before', fn: 'lag', arg: 'u' }] } }]), engine: 'spark' }, named)).rejects.toMatchObject({ issues: [{ code: 'SQL_NO_FORM', path: '/pipeline/steps/0/window', text: expect.stringContaining('cast it to text first') }] });
    await refused([{ join: { right: 'shop.public.people', kind: 'left', on: { id: 'id' }, take: { person: 'u' } } }], [{ ...other, columns: named.columns } as Profile]);
    await refused([{ derive: { far: 'ln(2.5)' } }]);
    expect((await onSpark([{ mask: { column: 'status', method: 'sha256' } }])).source.columns.map(({ native }) => native)).toEqual(['BIGINT', 'VARCHAR', 'DECIMAL(10,2)', 'TIMESTAMP']);
  });
  it('join on Spark whatever lies beside the source, from files that are staged, and the plan passes the verifier', async () => {
    const other = profile({ connection: 'hr', dataset: 'people.csv', connector: 'file' });
    const asked: Pipeline = { ...pipeline([{ join: { right: 'hr:people.csv', kind: 'left', on: { id: 'id' }, take: { person: 'status' } } }]), engine: 'spark' };
    const planned = planCopy({ pipeline: asked, target, ...await steps.behind(asked, profile({}), { others: [other] }), policy: {}, mapColumn });
    if (!('plan' in planned)) throw new Error('questions');
    expect(verifyPlan(planned.plan, {})).toEqual({ ok: true, issues: [] });
    expect(planned.plan.tasks[0]).toMatchObject({ engine: 'spark', carrier: 'text', transform: { engine: 'spark', inputs: [{ source: { dataset: 'people.csv' }, unread: ['total', 'changed_at'] }] } });
    expect(planned.plan.decisions[0]).toMatchObject({ question: 'steps', choice: 'join, on Spark', by: 'person', reason: { text: expect.stringContaining('hr:people.csv beside it') } });
  });
  it('are computed by the engine that rows are handed to, and no other may be named for them', async () => {
    const others = [profile({ connection: 'hr', dataset: 'public.people' })];
    const asked = pipeline([{ join: { right: 'hr.public.people', kind: 'left', on: { id: 'id' }, take: { person: 'status' } } }]);
    expect(await steps.behind(asked, profile({}), { others, mapColumn })).toMatchObject({ engine: 'duckdb', source: { connector: 'file' }, transform: { engine: 'duckdb', handOff: {} } });
    expect(await steps.behind({ ...asked, engine: 'duckdb' }, profile({}), { others, mapColumn })).toMatchObject({ engine: 'duckdb' });
    await expect(steps.behind({ ...asked, engine: 'postgres' }, profile({}), { others, mapColumn })).rejects.toMatchObject({ code: 'request.unsupported', details: { allowed: 'engine: duckdb' } });
  });
  it('say beside their source how much they would have to hold', async () => {
    const asked = pipeline([{ aggregate: { by: ['status'], measures: [{ as: 'n', fn: 'count' }] } }]);
    const planned = planCopy({ pipeline: asked, target, ...await steps.behind(asked, profile({})), policy: {}, mapColumn });
    expect('plan' in planned && planned.plan.decisions[0]).toMatchObject({ question: 'steps', rejected: [{}, { choice: 'spark', because: 'The groups may have to hold 1,000 rows of 80 bytes at once, 80 kB; PostgreSQL holds it where the rows lie, in its own memory and on its own disk, and they would travel to Spark first.' }] });
    expect('plan' in planned && planned.plan.tasks[0]).toMatchObject({ transform: { engine: 'postgres' } });
  });
  describe('on machines with a Spark', () => {
    const there = new StepsService({ memoryBytes: 200_000_000, spark: 'configured' });
    afterAll(async () => { await there.stop(); });
    const large = profile({ connector: 'file', dataset: 'orders.parquet', rows: 10_000_000, bytes: 800_000_000 });
    const latest = [{ dedupe: { keys: ['status'], keep: [{ column: 'id' }] } }];
    const planOf = async (service: StepsService, asked: Pipeline) => {
      const planned = planCopy({ pipeline: asked, target, ...await service.behind(asked, large), policy: {}, mapColumn });
      if (!('plan' in planned)) throw new Error('questions');
      expect(verifyPlan(planned.plan, {})).toEqual({ ok: true, issues: [] });
      return planned.plan;
    };
    it('go there by themselves once they outgrow the memory of one, and the plan says by how much', async () => {
      const plan = await planOf(there, pipeline(latest));
      expect(plan.tasks[0]).toMatchObject({ engine: 'spark', transform: { engine: 'spark' } });
      expect(plan.decisions.filter(({ question }) => question === 'engine')).toMatchObject([{ choice: 'spark', by: 'rules', reason: { code: 'state-outgrows-memory', text: expect.stringContaining('The dedupe may have to hold 10,000,000 rows of 96 bytes at once, 960 MB; the engine of a worker keeps 200 MB in memory and would spill the other 760 MB to its disk. So Spark computes the steps') } }]);
    });
    it.each<[string, () => Promise<Awaited<ReturnType<typeof planOf>>>, string]>([
      ['there is none', () => planOf(steps, pipeline(latest)), 'No Spark is configured. The dedupe may have to hold 10,000,000 rows of 96 bytes at once, 960 MB'],
      ['a function has no form there', () => planOf(there, pipeline([{ derive: { far: 'ln(2.5)' } }, ...latest])), 'Spark would hold it, but ln is not available on spark, whose last digit may be another.'],
      ['the request names DuckDB', () => planOf(there, { ...pipeline(latest), engine: 'duckdb' }), 'The request names duckdb. The dedupe may have to hold'],
      ['nothing is held', () => planOf(there, pipeline([{ filter: 'id > 0' }])), 'Steps over single rows keep none of them'],
    ])('stay on DuckDB where %s', async (_, make, because) => {
      const plan = await make();
      expect(plan.tasks[0]).toMatchObject({ engine: 'duckdb', transform: { engine: 'duckdb' } });
      expect(plan.decisions.find(({ question }) => question === 'steps')?.rejected).toContainEqual({ choice: 'spark', because: expect.stringContaining(because) });
    });
  });
  it('copy a column with its type as the engine spells it, and know the key by its own name', async () => {
    const { source } = await steps.behind(pipeline([{ derive: { a_copy: 'id', place_too: 'place' } }]), profile({ columns: [column('id', 'i64', 'bigint'), column('place', 'other', 'point')] }));
    expect(source.columns.map(({ name, native, nullable }) => [name, native, nullable])).toEqual([['id', 'bigint', false], ['place', 'point', false], ['a_copy', 'bigint', false], ['place_too', 'point', false]]);
    expect(source.primaryKey).toEqual(['id']);
  });
  it('are refused with an issue for every text, at its place', async () => {
    await expect(steps.behind(pipeline([{ filter: 'statuss = 1' }, { derive: { a: 'pg_sleep(1)', b: '(select 1)' } }]), profile({}))).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_FUNCTION', path: '/pipeline/steps/1/derive/a' }, { code: 'SQL_NODE', path: '/pipeline/steps/1/derive/b' }] });
    const cast = (onError: 'null' | 'fail', format?: string) => [{ filter: 'id > 0' }, { cast: { column: 'status', to: 'date', onError, ...(format ? { format } : {}) } }];
    await expect(steps.behind(pipeline(cast('null', '%Y')), profile({}))).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_NO_FORM', path: '/pipeline/steps/1/cast' }] });
    await expect(steps.behind(pipeline(cast('fail', '%Q')), profile({ connector: 'file' }))).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_LITERAL', path: '/pipeline/steps/1/cast' }] });
    await expect(steps.behind(pipeline([{ filter: 'total > 1e400' }]), profile({}))).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_LITERAL', path: '/pipeline/steps/0/filter' }] });
    await expect(steps.behind(pipeline([{ drop: ['total'] }, { filter: 'total > 1' }]), profile({}))).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code: 'SQL_COLUMN', path: '/pipeline/steps/1/filter' }] });
  });

  const sql = (text: string, more: object = {}) => [{ query: { sql: text, ...more } }];
  it('may be a SELECT of a person: its columns, types and origins are known before anything runs', async () => {
    const asked: Pipeline = { ...pipeline([{ filter: "status <> 'test'" }, ...sql('select status, count(*) as orders, sum(total) / count(*) as mean\nfrom input\ngroup by status')]), from: { connection: 'shop', dataset: 'public.orders', pii: ['status', 'id'] } } as Pipeline;
    const behind = await steps.behind(asked, profile({}));
    expect(behind.source.columns.map(({ name, native }) => `${name} ${native}`)).toEqual(['status text', 'orders bigint', 'mean double precision']);
    expect([behind.source.primaryKey, behind.transform?.stages.map(({ op }) => op)]).toEqual([null, ['rows', 'query']]);
    const planned = planCopy({ pipeline: asked, target, ...behind, policy: {}, mapColumn });
    if (!('plan' in planned)) throw new Error('questions');
    expect(verifyPlan(planned.plan, {})).toEqual({ ok: true, issues: [] });
    expect(verifyPlan(planned.plan, { pii: { clearIn: [] } }).issues.map(({ path }) => path)).toEqual(['/tasks/load/columns/status']);
    expect(planned.plan.tasks[0]).toMatchObject({ chunks: { by: 'whole' } });
  });
  it.each<[string, string, object, string, RegExp]>([
    ['a relation that is not the input', 'select * from orders', {}, 'SQL_RELATION', /line 1, column 15 of the query/],
    ['a name of the catalogue', 'select *\nfrom public.orders', {}, 'SQL_RELATION', /line 2, column 6 of the query/],
    ['a misspelled column', "select 'ä€' as x,\n  statsu from input", {}, 'SQL_COLUMN', /did you mean status.* line 2, column 3 of the query/],
    ['two statements', 'select id from input; select 1', {}, 'SQL_NOT_ONE_SELECT', /./],
    ['the time of the run', 'select now() as t from input', {}, 'SQL_POLICY', /time of the run/],
    ['a sum of doubles', 'select sum(total / 2.0) as s from (select cast(total as double precision) as total from input) t', {}, 'SQL_TYPE', /order of rows/],
    ['an order that is lost', 'select id from input order by id', {}, 'STEP_SORT_LOST', /ORDER BY/],
    ['a choice among equal rows', 'select max_by(id, total) as best from input', {}, 'STEP_ORDER_NOT_TOTAL', /row_number/],
    ['a function of the server', 'select pg_read_file(status) as x from input', {}, 'SQL_FUNCTION', /./],
    ['a range that engines choose in', 'select last_value(id) over (order by status) as x from input', {}, 'STEP_ORDER_NOT_TOTAL', /ROWS BETWEEN/],
  ])('refuse in a SELECT %s, with its place', async (_, text, more, code, says) => {
    await expect(steps.behind(pipeline(sql(text, more)), profile({}))).rejects.toMatchObject({ code: 'sql.rejected', issues: [{ code, path: '/pipeline/steps/0/query/sql', text: expect.stringMatching(says) }] });
  });
  it('refuse a SELECT on Spark by name', async () => {
    await expect(steps.behind({ ...pipeline(sql('select id from input')), engine: 'spark' }, profile({}))).rejects.toMatchObject({ issues: [{ code: 'SQL_NO_FORM', text: expect.stringContaining('query') }] });
  });
  it('hand the rows over where a SELECT names a dataset that the source does not reach, and no further column travels', async () => {
    const people = profile({ connection: 'files', dataset: 'people.csv', connector: 'file', columns: [column('pid', 'i64', 'BIGINT'), column('city', 'text', 'VARCHAR'), column('mail', 'text', 'VARCHAR')] });
    const asked = pipeline(sql('select i.id, p.city from input i join people p on p.pid = i.id', { with: { people: 'files:people.csv' } }));
    const { transform, source } = await steps.behind(asked, profile({}), { others: [people] });
    expect(transform).toMatchObject({ handOff: { after: 1 }, inputs: [{ columns: [{ name: 'pid' }, { name: 'city' }], unread: ['mail'] }] });
    expect(source.connector).toBe('file');
  });
});
