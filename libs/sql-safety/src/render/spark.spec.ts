import { describe, expect, it } from '@jest/globals';
import type { ColumnType, Expr, Stage } from '@agent-etl/contracts';
import { checkExpression } from '../check/check-expression.ts';
import { sparkDigest } from '../digest/spark-digest.ts';
import { identifier } from '../ident/identifier.ts';
import { fuseSteps } from '../steps/fuse-steps.ts';
import { printTransform } from '../steps/print-transform.ts';
import { assertStage } from '../steps/stage-forms.ts';
import { sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { compile } from '../tag/safe-sql.ts';
import { typeName } from '../tag/type-name.ts';
import { printExpression } from './print-expression.ts';
import { sparkForms } from './spark-call-forms.ts';
import { nativeOf } from './types.ts';

const s = sqlFor('spark');
const input = new Map<string, ColumnType>([['i', { kind: 'i32' }], ['x', { kind: 'f64' }], ['d', { kind: 'dec', precision: 12, scale: 2 }], ['t', { kind: 'text' }], ['z', { kind: 'tstz' }], ['u', { kind: 'uuid' }]]);
const print = (expr: Expr): string => compile(printExpression('spark', checkExpression(expr, { input }), (name) => s`${identifier(name)}`)).text;
const col = (name: string): Expr => ({ k: 'col', name });
const to = (e: Expr, type: ColumnType, onError: 'fail' | 'null' = 'fail'): Expr => ({ k: 'cast', e, to: type, onError });

describe('text for Spark', () => {
  it.each<[string, string]>([
    ["it's", "'it\\'s'"], ['a\\b', "'a\\\\b'"], ['${env:HOME}', "'\\u0024{env:HOME}'"], ['a\nb', "'a\\u000ab'"], ["\\'", "'\\\\\\''"], ['é😀', "'é😀'"], ['', "''"], ['%_"`', "'%_\"`'"],
  ])('%j is printed so that it means itself', (value, printed) => { expect(compile(s`${literal('spark', value)}`).text).toBe(printed); });
  it.each(['\0', '\ud800'])('%j cannot be printed', (value) => { expect(() => literal('spark', value)).toThrow(/NUL or half/); });
  it('names stand between backticks', () => { expect(compile(s`SELECT ${identifier('a`b', 'c"d')}`).text).toBe('SELECT `a``b`.`c"d`'); });
  it('no statement holds what Spark takes for a variable, in a name either', () => {
    expect(() => compile(s`SELECT ${identifier('${env:HOME}')}`)).toThrow(/takes for a variable/);
    expect(() => compile(s`SELECT ${identifier('a$')} ${identifier('{b}')}`)).not.toThrow();
  });
  it('values have names', () => { expect(compile(s`SELECT ${'a'}, ${1}`)).toMatchObject({ text: 'SELECT :p1, :p2', params: ['a', 1] }); });
  it('a type holds no double quote, which would begin a text', () => { expect(() => typeName('spark', '"a"')).toThrow(/no type/); });
});

describe('expressions for Spark', () => {
  it.each<[string, Expr, string]>([
    ['a double becomes a whole number by the even half', to(col('x'), { kind: 'i32' }), 'CAST(rint(`x`) AS INT)'], ['a decimal, away from zero', to(col('d'), { kind: 'i64' }), 'CAST(round(`d`, 0) AS BIGINT)'],
    ['a double becomes a decimal by its text', to(col('x'), { kind: 'dec', precision: 10, scale: 2 }), 'CAST(CAST(`x` AS STRING) AS DECIMAL(10,2))'], ['where it does not fit: NULL', to(col('d'), { kind: 'i32' }, 'null'), 'try_cast(round(`d`, 0) AS INT)'],
    ['an instant has a zone, whatever TIMESTAMP means', { k: 'lit', t: { kind: 'tstz' }, v: '2001-02-03' }, "CAST('2001-02-03 00:00:00+00:00' AS TIMESTAMP_LTZ)"],
    ['whole division', { k: 'bin', op: '//', l: col('i'), r: { k: 'lit', t: { kind: 'i32' }, v: '2' } }, "(CAST(`i` AS BIGINT) DIV nullif(CAST('2' AS BIGINT), 0))"],
  ])('%s', (_, expr, printed) => { expect(print(expr)).toBe(printed); });
  it('a text is read by its pattern to its very end', () => { expect(print(to(col('t'), { kind: 'i32' }, 'null'))).toContain("RLIKE '\\\\A([+-]?[0-9]{1,20})\\\\z'"); });
  it.each<[string, Expr]>([['a type that it has not', { k: 'bin', op: '=', l: col('u'), r: { k: 'lit', t: { kind: 'uuid' }, v: '00000000-0000-0000-0000-000000000000' } }], ['a format', { k: 'cast', e: col('t'), to: { kind: 'date' }, onError: 'fail', format: '%Y' }]])(
    '%s has no form, and the words name the engine', (_, expr) => { expect(() => print(expr)).toThrow(expect.objectContaining({ code: 'SQL_NO_FORM', message: expect.stringContaining('spark') })); });
  it('every function of the registry has a form, or says that it has none', () => { for (const form of Object.values(sparkForms)) expect(form === null || typeof form === 'function').toBe(true); });
  it('a document stands in a list before its own hash, and a key keeps its quotes', () => {
    const json = (...path: (string | number)[]): Expr => ({ k: 'call', fn: 'json_text', args: [col('t'), ...path.map((part): Expr => ({ k: 'lit', t: { kind: typeof part === 'string' ? 'text' : 'i64' }, v: String(part) }))] });
    expect(print(json('a', 2))).toContain("try_variant_get(parse_json(concat('[', `t`, ',\"', md5(`t`), '\"]')), '\\u0024[0][\"a\"][2]', 'VARIANT')");
    expect(print(json("it's"))).toContain('[0][\"it\\\'s\"]');
    expect(() => print(json('"'))).toThrow(expect.objectContaining({ code: 'SQL_LITERAL' }));
  });
  it('decimals keep the digits that were typed', () => { expect(print({ k: 'bin', op: '*', l: col('d'), r: col('d') })).toBe('CAST((`d` * `d`) AS DECIMAL(24,4))'); });
});

describe('steps for Spark', () => {
  const begin = { from: s`${identifier('staged')} AS t`, column: (name: string) => s`t.${identifier(name)}` };
  const transform = (stages: readonly Stage[], native = '') => ({ input: [...input].map(([name, type]) => ({ name, type, native, nullable: true })), stages: [...stages] });
  it('are one statement without a variable or an unnamed order', () => {
    const { stages } = fuseSteps([{ op: 'filter', where: { k: 'bin', op: '=', l: col('t'), r: { k: 'lit', t: { kind: 'text' }, v: '${x}' } } }, { op: 'group', by: ['t'], measures: [{ as: 'n', fn: 'avg', arg: col('d'), where: null }] },
      { op: 'first', keys: ['t'], order: [{ e: col('n'), dir: 'desc', nulls: 'last' }] }, { op: 'limit', order: [{ e: col('t'), dir: 'asc', nulls: 'first' }], n: 3, offset: 1 }], input, { dialect: 'spark' });
    const { text } = compile(printTransform('spark', transform(stages), begin).rows);
    expect(text).not.toContain('${');
    expect(text.match(/ORDER BY/g)).toHaveLength(2);
    expect(text.match(/NULLS (FIRST|LAST)/g)).toHaveLength(6);
  });
  it('read a text of fixed length without its blanks, and pass it with them', () => {
    const stages: Stage[] = [{ op: 'rows', columns: [{ name: 't', expr: col('t') }, { name: 'n', expr: { k: 'call', fn: 'length', args: [col('t')] } }], where: null }];
    expect(compile(printTransform('spark', transform(stages, 'character(5)'), begin).rows).text).toContain('SELECT t.`t` AS `c0`, CAST(CAST(char_length(rtrim(t.`t`)) AS BIGINT) AS BIGINT) AS `c1`');
  });
  it('a stage that Spark has no form for is refused by name', () => { expect(() => { assertStage('spark', { op: 'never' as never }); }).toThrow(expect.objectContaining({ code: 'SQL_NO_FORM', message: expect.stringContaining('spark') })); });
  it('the digest of a row tells every kind apart', () => {
    const { text } = compile(sparkDigest([{ name: 'a', type: { kind: 'text' } }, { name: 'b', type: { kind: 'f64' } }, { name: 'c', type: { kind: 'tstz' } }], 'k', s`t`));
    expect(text).toContain("concat_ws(',', 'k', coalesce(concat(CAST(octet_length(`a`) AS STRING), ':', `a`), '~')");
  });
  it('no native name is one of another engine', () => { expect([nativeOf('spark', { kind: 'tstz' }), nativeOf('spark', { kind: 'ts' }), nativeOf('spark', { kind: 'json' })]).toEqual(['TIMESTAMP_LTZ', 'TIMESTAMP_NTZ', 'STRING']); });
});
