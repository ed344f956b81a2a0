import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ColumnType, Expr, Query, QueryItem } from '@agent-etl/contracts';
import type { DuckChild } from '@agent-etl/engines';
import { type SqlFragment, type ValidatedExpr, checkExpression, checked, compile, fuseSteps, identifier, literal, printExpression, printTransform, sqlFor } from '@agent-etl/sql-safety';
import type { ExprDialect } from '@agent-etl/sql-safety';
import { describeColumns } from '../postgres/describe-relation.ts';
import type { PostgresSession } from '../postgres/postgres-session.ts';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { Forge, ownKinds } from './forge.ts';
import { compareChain, nothingCompared } from './testing/compared-chains.ts';
import { columnsOf, input, ownChains, rows, values } from './testing/edge-chains.ts';
import { type TwoEngines, told, twoEngines } from './testing/two-engines.ts';

const COUNT = Number(process.env['ETL_TEST_EXPRESSIONS'] ?? 800);
const CHAINS = Number(process.env['ETL_TEST_CHAINS'] ?? 400);
const SEED = Number(process.env['ETL_TEST_SEED'] ?? 20_301);
function statement<D extends ExprDialect>(dialect: D, expression: SqlFragment<D>, type: ColumnType): SqlFragment<D> {
  const sql = sqlFor(dialect);
  return sql`SELECT ${told(dialect, sql`v`, type)} AS v FROM (SELECT nth, ${expression} AS v FROM (VALUES ${values(dialect)}) AS t(nth, ${columnsOf(dialect)})) AS rows ORDER BY nth`;
}

describeServer('an expression means the same in DuckDB and in PostgreSQL', (adminUrl) => {
  let engines: TwoEngines;
  let duck: DuckChild;
  let postgres: PostgresSession;
  beforeAll(async () => { engines = await twoEngines(adminUrl, 'expressions'); ({ duck, postgres } = engines); });
  afterAll(() => engines.end());

  // DuckDB shows a decimal that is all fraction without its zero.
  const shown = (value: unknown, { kind }: ColumnType): unknown => (value === null || value === undefined ? null : kind === 'f64' ? Number(value) + 0 : kind === 'dec' ? String(value).replace(/^(-?)\./, '$10.') : value);
  async function answer<D extends ExprDialect>(expr: ValidatedExpr, dialect: D, run: (sql: SqlFragment<D>) => Promise<readonly Record<string, unknown>[]>): Promise<unknown> {
    const sql = sqlFor(dialect);
    let printed: SqlFragment<D>;
    try { printed = printExpression(dialect, expr, (name) => sql`${identifier(name)}`); } catch (error) { return `no form: ${(error as { code?: string }).code}`; }
    try { return (await run(statement(dialect, printed, expr.type))).map(({ v }) => shown(v, expr.type)); } catch { return 'failed'; }
  }

  it(`${COUNT} random expressions of seed ${SEED} over ${rows.length} rows of edges`, async () => {
    const forge = new Forge(SEED, input);
    const differ: unknown[] = [];
    let [answered, failed, eager] = [0, 0, 0];
    for (let n = 0; n < COUNT; n += 1) {
      const expr = forge.next();
      const [a, b] = await Promise.all([answer(expr, 'duckdb', (sql) => duck.query(compile(sql))), answer(expr, 'postgres', (sql) => postgres.run<Record<string, unknown>>(compile(sql)))]);
      if (String(b).startsWith('no form')) continue;
      if (a === 'failed' && b === 'failed') { failed += 1; continue; }
      // DuckDB also computes what a branch does not need, and PostgreSQL folds constants of such a branch: then one fails where the other answers. None answers otherwise.
      if (a === 'failed' || b === 'failed') { eager += 1; continue; }
      answered += 1;
      if (JSON.stringify(a) !== JSON.stringify(b)) differ.push({ n, expr: JSON.stringify(expr.expr), a: JSON.stringify(a), b: JSON.stringify(b) });
    }
    process.stdout.write(`expressions: ${answered} answered by both, ${failed} failed in both, ${eager} failed in one alone, ${differ.length} differ\n`);
    expect(differ.slice(0, 5)).toEqual([]);
    expect(answered).toBeGreaterThan(COUNT / 2);
    expect(eager).toBeLessThanOrEqual(COUNT / 100);
  }, 300_000 + 500 * CHAINS);
  it.each<[string, Expr]>([
    ['a decimal that is all fraction as text', { k: 'cast', e: { k: 'col', name: 'j' }, to: { kind: 'text' }, onError: 'fail' }],
    ['what is no number as a decimal', { k: 'cast', e: { k: 'bin', op: '-', l: { k: 'col', name: 'd' }, r: { k: 'col', name: 'd' } }, to: { kind: 'dec', precision: 18, scale: 4 }, onError: 'fail' }],
    ['a year before the first', { k: 'call', fn: 'make_date', args: [{ k: 'neg', e: { k: 'call', fn: 'coalesce', args: [{ k: 'call', fn: 'abs', args: [{ k: 'bin', op: '%', l: { k: 'col', name: 'b' }, r: { k: 'lit', t: { kind: 'i64' }, v: '9' } }] }, { k: 'lit', t: { kind: 'i64' }, v: '1' }] } }, { k: 'lit', t: { kind: 'i64' }, v: '1' }, { k: 'lit', t: { kind: 'i64' }, v: '1' }] }],
  ])('%s', async (_, expr) => {
    const checkedExpr = checkExpression(expr, { input });
    const [a, b] = await Promise.all([answer(checkedExpr, 'duckdb', (sql) => duck.query(compile(sql))), answer(checkedExpr, 'postgres', (sql) => postgres.run<Record<string, unknown>>(compile(sql)))]);
    expect(a).toEqual(b);
  });
  it('reads a text of fixed length without the blanks that PostgreSQL adds, and passes it as it is', async () => {
    const sql = sqlFor('postgres');
    const columns = new Map<string, ColumnType>([['n', { kind: 'i32' }], ['p', { kind: 'text' }], ['q', { kind: 'text' }]]);
    const natives = ['integer', 'character(5)', '"char"'];
    const p: Expr = { k: 'col', name: 'p' };
    const { stages } = fuseSteps([
      { op: 'filter', where: { k: 'like', e: p, pattern: '%2', ci: false, neg: false } }, { op: 'rename', names: new Map([['q', 'r']]) }, { op: 'derive', columns: [{ as: 'whole', expr: { k: 'cast', e: p, to: { kind: 'i32' }, onError: 'null' } }] },
      { op: 'first', keys: ['p'], order: [{ e: { k: 'col', name: 'r' }, dir: 'desc', nulls: 'last' }] }, { op: 'limit', order: [{ e: p, dir: 'asc', nulls: 'last' }], n: 2, offset: 0 }], columns, { dialect: 'postgres' });
    const { rows: made } = printTransform('postgres', { input: [...columns].map(([name, type], index) => ({ name, type, native: natives[index]!, nullable: true })), stages: [...stages] },
      { from: sql`(VALUES (1, '12'::character(5), 'a'::"char"), (2, '12'::character(5), 'b'::"char"), (3, '13'::character(5), 'c'::"char")) AS t(n, p, q)`, column: (name) => sql`t.${identifier(name)}` });
    expect(await postgres.run(compile(sql`SELECT c0, pg_typeof(c1)::text AS type, octet_length(c1) AS size, c2::text AS c2, c3 FROM (${made}) AS made`))).toEqual([{ c0: 2, type: 'character', size: 5, c2: 'b', c3: 12 }]);
  });
  it('compares an enumeration with its values, and refuses what engines would order differently', async () => {
    const sql = sqlFor('postgres');
    await postgres.run(compile(sql`CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`));
    await postgres.run(compile(sql`CREATE TABLE moods (id int, mood mood); `));
    await postgres.run(compile(sql`INSERT INTO moods VALUES (1, 'sad'), (2, 'happy'), (3, NULL), (4, 'ok')`));
    const [, described] = await describeColumns(postgres, { schema: 'public', table: 'moods', text: 'public.moods' } as never);
    expect(described).toMatchObject({ native: 'mood', type: { kind: 'other', labels: ['sad', 'ok', 'happy'] } });
    const input = new Map<string, ColumnType>([['id', { kind: 'i32' }], ['mood', described!.type]]);
    const mood: Expr = { k: 'col', name: 'mood' };
    const word = (v: string): Expr => ({ k: 'lit', t: { kind: 'text' }, v });
    const kept = async (where: Expr): Promise<unknown> => {
      const { stages, columns } = fuseSteps([{ op: 'filter', where }, { op: 'derive', columns: [{ as: 'said', expr: { k: 'bin', op: '||', l: mood, r: word('!') } }, { as: 'same', expr: mood }] }], input, { dialect: 'postgres' });
      expect(columns.at(-1)).toMatchObject({ name: 'same', source: 'mood', type: { kind: 'other' } });
      const { rows: made } = printTransform('postgres', { input: [...input].map(([name, type]) => ({ name, type, native: '', nullable: true })), stages: [...stages] }, { from: sql`moods AS m`, column: (name) => sql`m.${identifier(name)}` });
      return (await postgres.run<{ c0: number; c2: string }>(compile(sql`SELECT c0, c2 FROM (${made}) AS made ORDER BY c0`))).map(({ c0, c2 }) => `${c0} ${c2}`);
    };
    expect(await kept({ k: 'in', e: mood, es: [word('ok'), word('happy')], neg: false })).toEqual(['2 happy!', '4 ok!']);
    expect(await kept({ k: 'bin', op: 'differs', l: mood, r: word('ok') })).toEqual(['1 sad!', '2 happy!', '3 null']);
    const refused = (where: Expr) => checked('', () => fuseSteps([{ op: 'filter', where }], input, { dialect: 'postgres' }));
    expect(refused({ k: 'bin', op: '<', l: mood, r: word('ok') })).toMatchObject({ ok: false, issues: [{ code: 'SQL_TYPE', text: expect.stringContaining('cast it to text') }] });
    expect(refused({ k: 'bin', op: '=', l: mood, r: word('hapy') })).toMatchObject({ ok: false, issues: [{ code: 'SQL_LITERAL', text: 'The enumeration has no such value; did you mean happy.' }] });
    expect(await kept({ k: 'bin', op: '<', l: { k: 'cast', e: mood, to: { kind: 'text' }, onError: 'fail' }, r: word('ok') })).toEqual(['2 happy!']);
    const shown: QueryItem = { k: 'value', as: null, value: { expr: { k: 'col', name: '$0' }, uses: [{ k: 'column', rel: null, name: 'mood' }] } };
    const asked: Query = { ctes: [], order: [], limit: null, offset: null, body: { k: 'select', distinct: false, distinctOn: [], items: [shown], from: { k: 'table', name: ['input'], as: null, columns: [] }, where: null, group: null, having: null, qualify: null } };
    const { stages } = fuseSteps([{ op: 'query', query: asked, relations: [] }], input, { dialect: 'postgres' });
    const { rows: said } = printTransform('postgres', { input: [...input].map(([name, type]) => ({ name, type, native: '', nullable: true })), stages: [...stages] }, { from: sql`moods AS m`, column: (name) => sql`m.${identifier(name)}` });
    expect(await postgres.run(compile(sql`SELECT c0, pg_typeof(c0)::text AS type FROM (${said}) AS said ORDER BY c0 COLLATE "C"`))).toEqual(['happy', 'ok', 'sad', null].map((c0) => ({ c0, type: 'text' })));
  });
  it.each<[string, string, (string | number)[]]>([['a number with a fraction as text', '{"a":1.5}', ['a']], ['what is no JSON', 'nope', ['a']]])('refuses %s in both, with the value for whoever asked', async (_, document, path) => {
    const input = new Map<string, ColumnType>([['doc', { kind: 'text' }]]);
    const { stages } = fuseSteps([{ op: 'json', column: 'doc', fields: [{ as: 'x', path, to: { kind: 'text' }, onError: 'fail' }] }], input);
    const made = <D extends ExprDialect>(dialect: D) => compile(printTransform(dialect, { input: [{ name: 'doc', type: { kind: 'text' }, native: '', nullable: true }], stages: [...stages] }, { from: sqlFor(dialect)`(VALUES (${literal(dialect, document)})) AS t(doc)`, column: () => sqlFor(dialect)`t.doc` }).rows);
    await expect(duck.query(made('duckdb'))).rejects.toMatchObject({ code: 'data.value-out-of-range' });
    await expect(postgres.run(made('postgres'))).rejects.toMatchObject({ code: 'data.value-out-of-range' });
  });
  it('refuses an object that names a key twice where DuckDB reads it', async () => {
    const { stages } = fuseSteps([{ op: 'json', column: 'doc', fields: [{ as: 'x', path: ['a', 'b'], to: { kind: 'text' }, onError: 'fail' }] }], new Map<string, ColumnType>([['doc', { kind: 'text' }]]));
    const sql = sqlFor('duckdb');
    const asked = (document: string) => duck.query(compile(printTransform('duckdb', { input: [{ name: 'doc', type: { kind: 'text' }, native: '', nullable: true }], stages: [...stages] }, { from: sql`(VALUES (${literal('duckdb', document)})) AS t(doc)`, column: () => sql`t.doc` }).rows));
    await expect(asked('{"a":{"b":"x","b":"y"}}')).rejects.toMatchObject({ code: 'data.format-invalid' });
    expect(await asked('{"a":{"b":"x","c":{"d":1,"d":2}}}')).toEqual([{ c0: '{"a":{"b":"x","c":{"d":1,"d":2}}}', c1: 'x' }]);
  });
  it(`${CHAINS} random chains of steps of seed ${SEED}`, async () => {
    const next = ownChains(SEED + 1);
    const into = nothingCompared();
    for (let n = 0; n < CHAINS; n += 1) await compareChain(engines, next(), { n, into });
    const { answered, failed, eager, differ, kinds } = into;
    process.stdout.write(`chains: ${answered} answered by both, ${failed} failed in both, ${eager} failed in one alone, ${differ.length} differ; ${[...kinds].sort().map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`);
    // A kind that fails everywhere would agree with itself.
    for (const kind of ownKinds) expect([kind, (kinds.get(kind) ?? 0) >= CHAINS / 100]).toEqual([kind, true]);
    expect(differ.slice(0, 3)).toEqual([]);
    expect(answered).toBeGreaterThan(CHAINS / 2);
    expect(eager).toBeLessThanOrEqual(CHAINS / 50);
  }, 300_000);
});
