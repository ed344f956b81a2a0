import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ForeignDialect, POLICY_MODEL, POLICY_QUERY, type QueryPolicy, SqlSafetyError, type ValidatedQuery, checkQuery, compile, identifier, printQuery, relationsNamedIn, sqlFor } from '@agent-etl/sql-safety';
import { ATTACKED, attacks } from '@agent-etl/sql-safety/corpus';
import { loadPostgresParser, readPostgres, verifyPostgres } from '@agent-etl/sql-safety/postgres';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueryParser } from './query-parser.ts';

const run = { now: '2026-01-31 12:00:00' };
let scratch: string;
let parser: QueryParser;
beforeAll(async () => { await loadPostgresParser(); scratch = await mkdtemp(join(tmpdir(), 'queries-')); parser = new QueryParser(scratch); });
afterAll(async () => { await parser.stop(); await rm(scratch, { recursive: true }); });

interface Asked { readonly dialect?: ForeignDialect; readonly policy?: QueryPolicy }
async function read(text: string, { dialect = 'postgres', policy = POLICY_QUERY }: Asked = {}): Promise<ValidatedQuery> {
  const answer = await parser.validate({ text, dialect }, { path: '/query', schema: ATTACKED, policy });
  if (!answer.ok) throw new Error(answer.issues.map(({ code, text: said }) => `${code} ${said}`).join());
  return answer.value;
}
const refused = (text: string, asked: Asked = {}): Promise<string> => read(text, asked).then(() => 'accepted', (error: Error) => error.message.split(' ')[0] ?? '');
const printed = async (text: string, asked: Asked = {}): Promise<string> => compile(printQuery('postgres', await read(text, asked), run)).text;

describe('a query', () => {
  it.each<[string, string, ForeignDialect]>([
    ['select id, s from t where n > 1', `SELECT "t"."id" AS "id", "t"."s" AS "s" FROM "public"."t" AS "t" WHERE ("t"."n" > CAST('1' AS integer))`, 'postgres'],
    ['select n / 2 as half from t', `SELECT (CAST("t"."n" AS bigint) / nullif(CAST('2' AS bigint), 0)) AS "half" FROM "public"."t" AS "t"`, 'postgres'],
    ['select n / 2 as half from t', `SELECT (CAST("t"."n" AS double precision) / nullif(CAST('2' AS double precision), 0)) AS "half" FROM "public"."t" AS "t"`, 'duckdb'],
    ['select id from t order by s desc', `SELECT "t"."id" AS "id" FROM "public"."t" AS "t" ORDER BY "t"."s" COLLATE "C" DESC NULLS FIRST`, 'postgres'],
    ['select id from t order by s desc', `SELECT "t"."id" AS "id" FROM "public"."t" AS "t" ORDER BY "t"."s" COLLATE "C" DESC NULLS LAST`, 'duckdb'],
    ['select `id` from t left semi join u using (id)', `SELECT "t"."id" AS "id" FROM "public"."t" AS "t" WHERE EXISTS (SELECT 1 FROM "public"."u" AS "u" WHERE ("t"."id" = "u"."id"))`, 'spark'],
    ['with t as (select name from u) select * from t', `WITH "t_2" AS (SELECT "u"."name" AS "name" FROM "public"."u" AS "u") SELECT "t"."name" AS "name" FROM "t_2" AS "t"`, 'postgres'],
    ['select current_date as day, id from u', `SELECT CAST('2026-01-31' AS date) AS "day", "u"."id" AS "id" FROM "public"."u" AS "u"`, 'postgres'],
  ])('is read and printed anew: %s', async (text, sql, dialect) => { expect(await printed(text, { dialect })).toBe(sql); });

  it.each([
    ['select salary from t', 'SQL_POLICY'], ['select * from t', 'SQL_POLICY'], ['select t from t', 'SQL_COLUMN'], ['select s from secret', 'SQL_RELATION'], ['with a as (select * from secret), secret as (select 1) select * from a', 'SQL_RELATION'], ['select id from t; select 1', 'SQL_NOT_ONE_SELECT'], ['drop table t', 'SQL_NOT_ONE_SELECT'],
    ['select pg_sleep(1)', 'SQL_FUNCTION'], ['select id from t where max(n) > 1', 'SQL_AGGREGATE_PLACE'], ['select id, max(n) from t', 'SQL_AGGREGATE_PLACE'], ['select id from t limit 1.5', 'SQL_LITERAL'], ['select id from t tablesample system (1)', 'SQL_KEY'], ['select * from read_csv(\'x\')', 'SQL_NODE'],
    ['with recursive r as (select 1 union all select 2 from r) select * from r', 'SQL_NODE'], ['select s || 1 from t', 'SQL_TYPE'], ['select u.id from t, u where id = 1', 'SQL_COLUMN'], ['select id from t union select name from u', 'SQL_TYPE'], ['select id from t where s ~ \'(a+)+\'', 'SQL_LITERAL'], ['select s::varchar(3) from t', 'SQL_TYPE'],
  ])('is refused by name: %s', async (text, code) => { expect(await refused(text)).toBe(code); });

  it('is refused where an alias and a column of the query around have one name: PostgreSQL means the column, DuckDB the alias', async () => {
    const inner = (rest: string): string => `select id from t where exists (select u.id as n from u ${rest})`;
    expect([await refused(inner('where n = 1')), await refused(inner('where n = 1'), { dialect: 'duckdb' }), await refused(inner('having max(n) = 1'))]).toEqual(['SQL_COLUMN', 'SQL_COLUMN', 'SQL_COLUMN']);
    expect([await refused(inner('where u.id = t.n')), await refused(inner('group by n')), await refused('select u.id as n from u group by n order by n')]).toEqual(['accepted', 'accepted', 'accepted']);
  });
  it('keeps the one group of no keys, and does not choose rows that it drops', async () => {
    expect(await printed('select 1 as one from u group by ()')).toBe(`SELECT CAST('1' AS integer) AS "one" FROM "public"."u" AS "u" GROUP BY GROUPING SETS (())`);
    const both = await read('select distinct on (s) s, n from t qualify row_number() over (partition by s order by n) > 1', { dialect: 'duckdb' });
    expect(() => printQuery('postgres', both, run)).toThrow('DISTINCT ON chooses');
    expect(await refused('select distinct on (id) id from t order by id')).toBe('accepted');
  });
  it('is refused with its place, in characters', async () => {
    const answer = await parser.validate({ text: 'select \'ä€\' as x,\n  nmae from u', dialect: 'postgres' }, { path: (offset) => `q.sql:${offset}`, schema: ATTACKED, policy: POLICY_QUERY });
    expect(answer).toEqual({ ok: false, issues: [{ code: 'SQL_COLUMN', path: 'q.sql:20', text: 'There is no column nmae here; did you mean name.', offset: 20 }] });
  });
  it.each([
    ['select u.nmae from u', 'There is no column nmae in u; did you mean name.'], ['select person.id from u', 'There is no relation person before the dot here; there is u.'], ['select person.* from u', 'There is no relation person before the star here; there is u.'], ['select id from uu', 'There is no relation uu here; did you mean u.'],
    ['select id from u where name = "bob@example.com"', 'There is no such column here; write a text between single quotes.'], ['select elsewhere from u', 'There is no column elsewhere here; there are id, name.'], ['select id from t join u using (nmae)', 'There is no column nmae at one side of USING; there are id, n, s, d, salary.'],
    ['select id from t union select id from u order by idd', 'There is no column idd in the result of the set operation that is ordered; did you mean id.'], ['select rank_it() over () from u', 'There is no function rank_it with OVER here; did you mean rank.'],
  ])('tells what is not there by its name: %s', async (text, says) => {
    const answer = await parser.validate({ text, dialect: 'postgres' }, { path: '/', schema: ATTACKED, policy: POLICY_QUERY });
    expect(answer.ok || answer.issues[0]!.text.replace(/, at character.*$/, '.')).toBe(says);
  });
  it('says where its columns come from, and how', async () => {
    const { outputs, reads } = await read('select u.name, sum(x.n) as total, x.n2 from (select id, n, n + 1 as n2 from t) x join u on u.id = x.id group by u.name, x.n2');
    expect(outputs.map(({ name, type, how, origins }) => [name, type.kind, how, origins.map(({ relation, column }) => `${relation}.${column}`).join()])).toEqual([['name', 'text', 'copied', 'public.u.name'], ['total', 'i64', 'aggregated', 'public.t.n'], ['n2', 'i32', 'computed', 'public.t.n']]);
    expect(reads).toEqual([{ relation: 'public.t', columns: ['id', 'n'] }, { relation: 'public.u', columns: ['id', 'name'] }]);
  });
  it('names its relations without a schema, but not the names of WITH', async () => {
    const answer = await parser.read({ text: 'with a as (select x from b.c) select a.x, d.y from a join d on d.x = a.x', dialect: 'duckdb' }, '/');
    expect(answer.ok && relationsNamedIn(answer.value)).toEqual([{ relation: 'b.c', columns: ['x'] }, { relation: 'd', columns: ['x', 'y'] }]);
    const aliased = await parser.read({ text: 'select lower(name) as name, count(*) as n, n + 1 as m from d group by name having n > 1 order by n, z', dialect: 'duckdb' }, '/');
    expect(aliased.ok && relationsNamedIn(aliased.value)).toEqual([{ relation: 'd', columns: ['name', 'z'] }]);
  });
  it('reads names that stand for names, as long as they do not grow without end', async () => {
    const chain = (n: number, next: (name: string) => string): string => `select n as a0, ${Array.from({ length: n }, (_, nth) => `${next(`a${nth}`)} as a${nth + 1}`).join(', ')} from t`;
    expect((await read(chain(60, (name) => `${name} + 1`))).outputs).toHaveLength(61);
    expect(await refused(chain(40, (name) => `${name} + ${name}`))).toBe('SQL_LIMIT');
    expect((await read('select s as a, upper(a) as b, b || b as c, count(*) as n from t group by a, b, c')).outputs.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'n']);
  });
  it('is nothing that a model may propose', async () => { expect(await refused('select 1', { policy: POLICY_MODEL })).toBe('SQL_POLICY'); });
  it('cannot be forged, neither as a tree nor as what was checked', async () => {
    expect(() => printQuery('postgres', { outputs: [], reads: [], functions: [], notes: [] } as unknown as ValidatedQuery, run)).toThrow('only a checked query');
    const real = await read('select id from u');
    expect(() => printQuery('postgres', { ...real } as ValidatedQuery, run)).toThrow(SqlSafetyError);
    for (const tree of [null, {}, { ctes: [], body: { k: 'select' } }, JSON.parse('{"ctes":[],"body":{"k":"table","parts":["secret"]},"order":[],"limit":null,"offset":null,"__proto__":{}}')]) expect(() => checkQuery(tree, { schema: ATTACKED, policy: POLICY_QUERY })).toThrow('This is no query');
  });
});

describe('the second reading', () => {
  it('takes what was printed', async () => { const query = await read('select id, count(*) from t group by id'); await expect(verifyPostgres(compile(printQuery('postgres', query, run)), query)).resolves.toBeUndefined(); });
  it('refuses a statement of another query', async () => {
    const sql = sqlFor('postgres');
    await expect(verifyPostgres(compile(sql`SELECT s FROM ${identifier('secret')}`), await read('select id from t'))).rejects.toMatchObject({ code: 'SQL_RENDER_MISMATCH' });
  });
  it.each(['SELECT 1; SELECT 2', 'DELETE FROM t', 'SELECT pg_sleep(1)', 'SELECT current_user', 'SELECT 1 INTO x', 'SELECT 1 FROM t FOR UPDATE', 'SELECT s::regclass FROM t', 'SELECT s COLLATE "de" FROM t', 'WITH w AS (DELETE FROM t RETURNING id) SELECT * FROM w', ''])('refuses %s', (text) => { expect(() => readPostgres(text)).toThrow(SqlSafetyError); });
});

it('takes one attack of ten only to print it without what it was for', async () => {
  const tried = attacks().filter(({ of, isExpression }, index) => index % 10 === 0 && of !== 'resources' && !isExpression);
  const taken: string[] = [];
  for (const { text } of tried) {
    const answer = await parser.validate({ text, dialect: 'postgres' }, { path: '/', schema: ATTACKED, policy: POLICY_QUERY });
    if (answer.ok) taken.push(compile(printQuery('postgres', answer.value, run)).text);
  }
  expect(tried.length).toBeGreaterThan(300);
  for (const text of taken) expect([...readPostgres(text).relations].every((relation) => relation === 'public.t' || relation === 'public.u')).toBe(true);
});
