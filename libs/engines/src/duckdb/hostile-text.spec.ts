import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { type ForeignDialect, POLICY_QUERY, checkExpression, checked } from '@agent-etl/sql-safety';
import { ATTACKED } from '@agent-etl/sql-safety/corpus';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExpressionParser } from './expression-parser.ts';
import { QueryParser } from './query-parser.ts';

/** A text is refused, or its parser given up, within this. The bound is for a busy machine. */
const SOON_MS = 5_000;
const input = new Map<string, ColumnType>([['id', { kind: 'i64' }], ['n', { kind: 'i32' }], ['s', { kind: 'text' }], ['d', { kind: 'date' }]]);
let scratch: string;
let expressions: ExpressionParser;
let queries: QueryParser;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'hostile-')); expressions = new ExpressionParser(scratch); queries = new QueryParser(scratch); });
afterAll(async () => { await Promise.all([expressions.stop(), queries.stop()]); await rm(scratch, { recursive: true }); });

const lost = (error: unknown): string => String((error as { code?: string }).code ?? error);
const asQuery = async (text: string, dialect: ForeignDialect = 'postgres'): Promise<string> => {
  const answer = await queries.validate({ text, dialect }, { path: '/', schema: ATTACKED, policy: POLICY_QUERY }).catch(lost);
  return typeof answer === 'string' ? answer : answer.ok ? 'accepted' : answer.issues[0]!.code;
};
const asExpression = async (text: string): Promise<string> => {
  const parsed = await expressions.parse(text, '/').catch(lost);
  if (typeof parsed === 'string') return parsed;
  const answer = parsed.ok ? checked('/', () => checkExpression(parsed.value, { input })) : parsed;
  return answer.ok ? 'accepted' : answer.issues[0]!.code;
};
const soon = async (work: () => Promise<string>): Promise<string> => {
  const began = performance.now();
  const answer = await work();
  expect(performance.now() - began).toBeLessThan(SOON_MS);
  return answer;
};
const nested = (open: string, close: string, depth: number, inner = 'n'): string => `${open.repeat(depth)}${inner}${close.repeat(depth)}`;
const chain = (n: number, part: (nth: number) => string, by: string): string => Array.from({ length: n }, (_, nth) => part(nth)).join(by);

describe('a hostile query', () => {
  it.each<[string, string, string, ForeignDialect?]>([
    ['a stacked statement', 'select id from t; drop table t', 'SQL_NOT_ONE_SELECT'], ['a stacked select', 'select id from t; select 1', 'SQL_NOT_ONE_SELECT'], ['DML in WITH', 'with x as (delete from t returning id) select * from x', 'SQL_SYNTAX'], ['an update in WITH', 'with x as (update t set n = 1 returning id) select * from x', 'SQL_SYNTAX'],
    ['SELECT INTO', 'select id into x from t', 'SQL_SYNTAX'], ['COPY', "copy t to '/tmp/x'", 'SQL_NOT_ONE_SELECT'], ['an escape by U&', "select U&'\\0061' from t", 'SQL_SYNTAX'], ['a name by U&', 'select U&"\\0073alary" from t', 'SQL_SYNTAX'],
    ['a file function', "select pg_read_file('/etc/passwd') from t", 'SQL_FUNCTION'], ['a network function', "select dblink('host=x', 'select 1') from t", 'SQL_FUNCTION'], ['a sleep', 'select pg_sleep(9) from t', 'SQL_FUNCTION'], ['a setting', "select set_config('a.b', 'c', false) from t", 'SQL_FUNCTION'],
    ['a recursion', 'with recursive r as (select 1 as n union all select n + 1 from r) select n from r', 'SQL_NODE'], ['a catalogue', 'select usename from pg_catalog.pg_user', 'SQL_RELATION'], ['a catalogue of standard SQL', 'select table_name from information_schema.tables', 'SQL_RELATION'],
    ['a file reader of DuckDB', "select * from read_csv('/etc/passwd')", 'SQL_NODE', 'duckdb'], ['a quoted file name', "select * from '/etc/passwd'", 'SQL_RELATION', 'duckdb'], ['a file name as a name', 'select * from "secret.csv"', 'SQL_RELATION', 'duckdb'], ['a path as a schema of Spark', 'select * from parquet.`/tmp/x`', 'SQL_RELATION', 'spark'],
    ['a substitution of Spark', "select '${env:HOME}' as x from t", 'accepted', 'spark'], ['a script of Spark', "select transform(s) using 'sh' from t", 'SQL_SYNTAX', 'spark'], ['a Java method', "select reflect('java.lang.System', 'exit', 1) from t", 'SQL_FUNCTION', 'spark'],
    ['nesting by brackets', `select ${nested('(', ')', 70)} from t`, 'SQL_TOO_DEEP'], ['nesting by thousands of brackets', `select ${nested('(', ')', 5_000)} from t`, 'SQL_TOO_DEEP'], ['nesting by lists', `select ${nested('[', ']', 20)} from t`, 'SQL_TOO_DEEP'], ['nesting by calls', `select ${nested('abs(', ')', 300)} from t`, 'SQL_TOO_DEEP'], ['nesting by NOT', `select id from t where ${'not '.repeat(3_000)}true`, 'SQL_SYNTAX'],
    ['nesting by CASE', `select ${nested('case when true then ', ' end', 300)} from t`, 'SQL_TOO_DEEP'], ['nesting by minus', `select ${'- '.repeat(3_000)}n from t`, 'SQL_SYNTAX'], ['nesting by queries', `select * from ${nested('(select * from ', ') x', 40, 't')}`, 'SQL_TOO_DEEP'],
    ['comments that open and never close', `select id ${'/*'.repeat(30_000)}`, 'SQL_TOO_MANY_COMMENTS'], ['comments that close', `select id ${'/**/'.repeat(10_000)} from t`, 'SQL_TOO_MANY_COMMENTS'], ['line comments', `select id ${'-- x\n'.repeat(10_000)} from t`, 'accepted'],
    ['a value of a thousand million letters', "select repeat('a', 1000000000) from t", 'SQL_FUNCTION'], ['a padding as long', "select lpad(s, 1000000000, 'x') from t", 'SQL_LITERAL'], ['a repeat of a repeat', "select repeat(repeat(repeat('aaaaaaaaaa', 10000), 10000), 10000) from t", 'SQL_FUNCTION'], ['a count that a column says', 'select repeat(s, n) from t', 'SQL_FUNCTION'],
    ['rows out of nothing', 'select * from generate_series(1, 1000000000)', 'SQL_NODE'], ['a product of tables', `select count(*) from ${chain(40, (nth) => `t as t${nth}`, ' cross join ')}`, 'SQL_LIMIT'], ['an endless list', `select id from t where n in (${chain(12_000, String, ',')})`, 'SQL_LIMIT'], ['an endless condition', `select id from t where ${chain(12_000, (nth) => `n = ${nth}`, ' or ')}`, 'SQL_TOO_LARGE'],
    ['an endless union', chain(3_000, () => 'select id from t', ' union all '), 'SQL_TOO_LARGE'], ['names that double', `select n as a0, ${chain(40, (nth) => `a${nth} + a${nth} as a${nth + 1}`, ', ')} from t`, 'SQL_LIMIT'], ['a text that is too large', `select '${'x'.repeat(70_000)}' from t`, 'SQL_TOO_LARGE'],
    ['a NUL', 'select id\u0000 from t', 'SQL_BAD_CHAR'], ['a line end of some engines alone', 'select id -- c\r, s from t', 'SQL_BAD_CHAR'], ['a letter that turns the direction', 'select id as "a\u202e" from t', 'SQL_BAD_CHAR'], ['half a surrogate', "select '\ud800' from t", 'SQL_BAD_CHAR'],
    ['a date that is none', "select date '2024-02-30' from t", 'SQL_LITERAL'], ['a date without end', "select date 'infinity' from t", 'SQL_LITERAL'], ['a day that moves', "select date 'today' from t", 'SQL_LITERAL'], ['no number', "select cast('NaN' as double precision) from t", 'SQL_LITERAL'], ['a number without end', "select cast('Infinity' as double precision) from t", 'SQL_LITERAL'], ['a double that is too large', 'select 1e999 from t', 'SQL_LITERAL'],
    ['a whole number that is too large', 'select cast(999999999999999999999999999999999999999 as bigint) from t', 'SQL_LITERAL'], ['a decimal of more digits than there are', 'select cast(n as decimal(39,0)) from t', 'SQL_TYPE'], ['a collation', 'select id from t order by s collate "de_DE"', 'SQL_NODE'],
    ['a pattern that takes for ever', "select id from t where s ~ '(a+)+$'", 'SQL_LITERAL'], ['a pattern that a column says', 'select id from t where s ~ s', 'SQL_LITERAL'],
  ])('%s ends in its code', async (_, text, code, dialect: ForeignDialect = 'postgres') => { expect(await soon(() => asQuery(text, dialect))).toBe(code); });
  it('leaves its parser able to read the next', async () => { expect(await asQuery('select id from t')).toBe('accepted'); });
});

describe('a hostile expression', () => {
  it.each<[string, string, string]>([
    ['a second statement', "n = 1; drop table t", 'SQL_SYNTAX'], ['a way out of its brackets', 'n = 1) or (true', 'SQL_SYNTAX'], ['a query inside', 'n = (select max(n) from t)', 'SQL_NODE'], ['a union', 'n = 1 union select 1', 'SQL_NOT_ONE_EXPRESSION'], ['a sleep', 'pg_sleep(9) is null', 'SQL_FUNCTION'], ['a file', "pg_read_file('/etc/passwd') = s", 'SQL_FUNCTION'], ['a comment that hides', 'n = 1 -- \r or true', 'SQL_BAD_CHAR'], ['comments that never close', `n = 1 ${'/*'.repeat(4_000)}`, 'SQL_TOO_MANY_COMMENTS'],
    ['nesting', `${nested('(', ')', 5_000 / 2)} = 1`, 'SQL_TOO_DEEP'], ['nesting by lists', `${nested('[', ']', 20)} = 1`, 'SQL_TOO_DEEP'], ['nesting by calls', `${nested('abs(', ')', 300)} = 1`, 'SQL_TOO_DEEP'], ['nesting by NOT', `${'not '.repeat(1_500)}true`, 'SQL_SYNTAX'], ['a long text', `s = '${'x'.repeat(9_000)}'`, 'SQL_TOO_LARGE'], ['a list that is not endless', `n in (${chain(1_700, String, ',')}, ${chain(200, () => '1', ',')})`, 'accepted'],
    ['a value of a thousand million letters', "repeat('a', 1000000000) = s", 'SQL_FUNCTION'], ['a date that is none', "d = '2024-02-30'", 'SQL_TYPE'], ['a cast of a date that is none', "cast('2023-02-29' as date) = d", 'SQL_LITERAL'], ['no number', "cast('NaN' as double) > 1", 'SQL_LITERAL'], ['a constant that overflows', 'n + 1 = 999999999999999999999999999999999999999', 'SQL_LITERAL'], ['a constant of another type', "n = 'seven'", 'SQL_TYPE'], ['the clock of the engine', 'd < current_date', 'SQL_COLUMN'], ['chance', 'random() < 0.5', 'SQL_FUNCTION'],
  ])('%s ends in its code', async (_, text, code) => { expect(await soon(() => asExpression(text))).toBe(code); });
  it('leaves its parser able to read the next', async () => { expect(await asExpression('n = 1')).toBe('accepted'); });
});
