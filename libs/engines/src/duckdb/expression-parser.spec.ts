import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { type Checked, type ValidatedExpr, checkExpression, checked, compile, identifier, printExpression, sqlFor } from '@agent-etl/sql-safety';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExpressionParser } from './expression-parser.ts';

const input = new Map<string, ColumnType>([
  ['id', { kind: 'i64' }], ['n', { kind: 'i32' }], ['total', { kind: 'dec', precision: 10, scale: 2 }], ['rate', { kind: 'f64' }], ['status', { kind: 'text' }], ['is_open', { kind: 'bool' }],
  ['day', { kind: 'date' }], ['at', { kind: 'ts' }], ['Release Date', { kind: 'text' }], ['blob', { kind: 'bytes' }],
]);
let scratch: string;
let parser: ExpressionParser;
beforeAll(async () => { scratch = await mkdtemp(join(tmpdir(), 'expressions-')); parser = new ExpressionParser(scratch); });
afterAll(async () => { await parser.stop(); await rm(scratch, { recursive: true }); });

async function read(text: string, expect?: ColumnType): Promise<Checked<ValidatedExpr>> {
  const parsed = await parser.parse(text, '/where');
  return parsed.ok ? checked('/where', () => checkExpression(parsed.value, { input, ...(expect ? { expect } : {}) })) : parsed;
}
async function printed(text: string): Promise<string> {
  const read_ = await read(text);
  if (!read_.ok) throw new Error(JSON.stringify(read_.issues));
  const column = sqlFor('postgres');
  return compile(printExpression('postgres', read_.value, (name) => column`${identifier(name)}`)).text;
}
async function refused(text: string): Promise<string> {
  const answer = await read(text);
  return answer.ok ? 'accepted' : answer.issues.map(({ code }) => code).join();
}

describe('an expression', () => {
  it.each([
    ["status <> 'test'", `("status" <> CAST('test' AS text))`],
    ['round(total * 0.92, 2)', `CAST(pg_catalog.round(CAST(("total" * CAST('0.92' AS numeric(3,2))) AS numeric(13,4)), CAST(CAST('2' AS bigint) AS integer)) AS numeric(12,2))`],
    ['n between 1 and 5 and not status is null', `(("n" BETWEEN CAST('1' AS integer) AND CAST('5' AS integer)) AND ("status" IS NOT NULL))`],
    ["status not in ('a', 'b''; drop table x; --')", `("status" NOT IN (CAST('a' AS text), CAST('b''; drop table x; --' AS text)))`],
    ["day > '2011-12-31'", `("day" > CAST('2011-12-31' AS date))`],
    ["status like '50!%%' escape '!'", `("status" LIKE '50!%%' ESCAPE '!')`],
    ["status like 'a!b'", `("status" LIKE 'a!!b' ESCAPE '!')`],
    ['STATUS is not null', '("status" IS NOT NULL)'],
    ['-n + 9007199254740993', `(CAST((- "n") AS bigint) + CAST('9007199254740993' AS bigint))`],
    ['"Release Date" is distinct from null', `("Release Date" IS DISTINCT FROM CAST(NULL AS text))`],
    ['true or is_open', '(TRUE OR "is_open")'], ['is_open is not true', '(CAST("is_open" AS boolean) IS DISTINCT FROM TRUE)'],
    ["status ilike 'a%'", `(pg_catalog.translate("status", 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') LIKE 'a%' ESCAPE '!')`],
    ["status > 'M'", `("status" COLLATE "C" > CAST('M' AS text))`],
    ['n // 2 + n % 3', `((CAST("n" AS bigint) / nullif(CAST('2' AS bigint), 0)) + CAST(("n" % nullif(CAST('3' AS integer), 0)) AS bigint))`],
  ])('is read and printed anew: %s', async (text, postgres) => { expect(await printed(text)).toBe(postgres); });

  it('keeps a comment and a line of the text to itself', async () => { expect(await printed('n = 1 -- and more')).toBe(`("n" = CAST('1' AS integer))`); });

  it.each([
    ['n = 1) from secret --', 'SQL_SYNTAX'], ['n from secret', 'SQL_KEY'], ['n; drop table secret', 'SQL_SYNTAX'], ['n; select 1', 'SQL_NOT_ONE_EXPRESSION'], ['n, n', 'SQL_NOT_ONE_EXPRESSION'], ['*', 'SQL_NODE'],
    ['(select max(s) from secret)', 'SQL_NODE'], ['exists (select 1)', 'SQL_NODE'], ['n in (select 1)', 'SQL_NODE'], ['n union select 1', 'SQL_NOT_ONE_EXPRESSION'], ['1 where true', 'SQL_KEY'], ['count(*)', 'SQL_FUNCTION'], ['sum(n) over ()', 'SQL_NODE'],
    ["read_text('/etc/passwd')", 'SQL_FUNCTION'], ["pg_sleep(10)", 'SQL_FUNCTION'], ['current_user', 'SQL_COLUMN'], ['nothing', 'SQL_COLUMN'], ['t.n', 'SQL_COLUMN'], ['n as m', 'SQL_KEY'], ['?', 'SQL_NOT_ONE_EXPRESSION'], ['$1', 'SQL_NOT_ONE_EXPRESSION'],
    ["getenv('HOME')", 'SQL_FUNCTION'], ['other.lower(status)', 'SQL_FUNCTION'], ['random()', 'SQL_FUNCTION'], ['now()', 'SQL_FUNCTION'], ["status || n", 'SQL_TYPE'], ['blob || blob', 'SQL_TYPE'], ['cast(blob as varchar)', 'SQL_TYPE'], ["blob = 'a'", 'SQL_TYPE'], ['status + 1', 'SQL_TYPE'], ['n and is_open', 'SQL_TYPE'],
    ["day > 'soon'", 'SQL_TYPE'], ["cast('2020-02-30' as date)", 'SQL_LITERAL'], ['cast(rate as varchar)', 'SQL_TYPE'], ["status like status", 'SQL_LITERAL'], ['lower()', 'SQL_ARITY'], ['repeat(status, 1000000000)', 'SQL_FUNCTION'],
    ['lpad(status, 1000000000, status)', 'SQL_LITERAL'], ['[n]', 'SQL_FUNCTION'], ['n[1]', 'SQL_NODE'], ["{'a': n}", 'SQL_KEY'], ['x -> x', 'SQL_NODE'], ['cast(n as json)', 'SQL_TYPE'], ['', 'SQL_SYNTAX'], ['n\u202E = 1', 'SQL_BAD_CHAR'], ['n\r= 1', 'SQL_BAD_CHAR'],
    ['total * total * total * total', 'SQL_TYPE'], ['n::interval', 'SQL_TYPE'], ['n collate nocase', 'SQL_NODE'], ['interval 1 day', 'SQL_FUNCTION'], ['rate > 1e400', 'SQL_LITERAL'],
  ])('is refused by name: %s', async (text, code) => { expect(await refused(text)).toBe(code); });

  it('is bounded before a parser sees it', async () => {
    expect([await refused('/*'.repeat(17)), await refused('('.repeat(65)), await refused(`n = ${'1'.repeat(9000)}`)]).toEqual(['SQL_TOO_MANY_COMMENTS', 'SQL_TOO_DEEP', 'SQL_TOO_LARGE']);
  });
  it('keeps a number as it is written, or refuses it: no number becomes the nearest double', async () => {
    expect(await printed('total > 12345678901234567890')).toBe(`("total" > CAST('12345678901234567890' AS numeric(20,0)))`);
    expect(await printed('total > 99999999999999999999999999999999999999')).toContain(`CAST('99999999999999999999999999999999999999' AS numeric(38,0))`);
    expect(await printed('total > 1234567890123456789.1234567890123456789')).toContain(`CAST('1234567890123456789.1234567890123456789' AS numeric(38,19))`);
    expect(await printed('rate > 1e41 and rate < 1.5E-9')).toContain('double precision');
    for (const number of ['1'.repeat(39), `${'1'.repeat(20)}.${'2'.repeat(19)}`, `.${'3'.repeat(39)}`, `1_${'0'.repeat(38)}`]) {
      expect((await read(`total > ${number}`) as { issues: unknown }).issues).toMatchObject([{ code: 'SQL_LITERAL', offset: 8, text: expect.stringContaining('more than 38 digits') as unknown }]);
      expect([await refused(`status = '${number}'`), await refused(`n = 1 -- ${number}`), await refused(`n = 1 /* ${number} */`)]).toEqual(['accepted', 'accepted', 'accepted']);
    }
  });
  it('says where, and names the nearest column', async () => {
    expect(await read("n = 1 and statuss = 'x'")).toMatchObject({ ok: false, issues: [{ code: 'SQL_COLUMN', path: '/where', text: 'There is no column statuss here; did you mean status.' }] });
    expect(await read('n = 1 and pg_sleep(1)')).toMatchObject({ ok: false, issues: [{ text: 'There is no function pg_sleep here, at character 11.' }] });
  });
  it('is parsed by a new child after one that did not start', async () => {
    const late = new ExpressionParser(join(scratch, 'late'));
    await expect(late.parse('n', '/where')).rejects.toMatchObject({ code: 'sql.parser-lost' });
    await mkdir(join(scratch, 'late'));
    expect(await late.parse('n', '/where')).toEqual({ ok: true, value: { k: 'col', name: 'n' } });
    await late.stop();
  });
  it('must have the type that its place asks for', async () => {
    expect(await read('n + 1', { kind: 'bool' })).toMatchObject({ ok: false, issues: [{ code: 'SQL_TYPE' }] });
    expect((await read('n > 1', { kind: 'bool' })).ok).toBe(true);
  });
  it('cannot be forged, neither as a tree nor as what was checked', () => {
    const column = sqlFor('duckdb');
    const forged = { expr: { k: 'lit', t: { kind: 'text' }, v: 'x' }, type: { kind: 'text' }, columns: new Set() } as unknown as ValidatedExpr;
    expect(() => printExpression('duckdb', forged, (name) => column`${identifier(name)}`)).toThrow('only a checked expression');
    for (const tree of [{ k: 'bin', op: '; drop', l: { k: 'col', name: 'n' }, r: { k: 'col', name: 'n' } }, { k: 'lit', t: { kind: 'i32' }, v: '1; drop table x' }, { k: 'call', fn: 'constructor', args: [] }, { k: 'call', fn: 'pg_sleep', args: [] },
      { k: 'cast', e: { k: 'col', name: 'n' }, to: { kind: 'dec', precision: 99, scale: 1 }, onError: 'fail' }, { k: 'col', name: '__proto__' }, { k: 'lit', t: { kind: 'bool' }, v: 'true or true' }, JSON.parse('{"k":"col","name":"n","__proto__":{"x":1}}')]) {
      expect(checked('/', () => checkExpression(tree, { input })).ok).toBe(false);
    }
  });
});
