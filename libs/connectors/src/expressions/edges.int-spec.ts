import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ColumnType } from '@agent-etl/contracts';
import { ExpressionParser } from '@agent-etl/engines';
import { type ExprDialect, type SqlFragment, checkExpression, compile, differences, identifier, joinSql, printConstant, printExpression, sqlFor } from '@agent-etl/sql-safety';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeServer } from '../postgres/testing/postgres-harness.ts';
import { type TwoEngines, twoEngines } from './testing/two-engines.ts';

const columns = { n: { kind: 'i32' }, zero: { kind: 'i32' }, most: { kind: 'i32' }, big: { kind: 'i64' }, d: { kind: 'dec', precision: 38, scale: 2 }, x: { kind: 'f64' }, huge: { kind: 'f64' }, tiny: { kind: 'f64' }, s: { kind: 'text' }, t: { kind: 'text' }, none: { kind: 'text' }, day: { kind: 'date' } } as const satisfies Record<string, ColumnType>;
const row: Readonly<Record<keyof typeof columns, string | null>> = { n: '7', zero: '0', most: '2147483647', big: '9223372036854775807', d: '999999999999999999999999999999999999.99', x: '-1.5', huge: '1e308', tiny: '1e-308', s: '2024-02-30', t: 'Straße İI', none: null, day: '9999-12-31' };
const names = Object.keys(columns) as (keyof typeof columns)[];
const input = new Map<string, ColumnType>(Object.entries(columns));
/** A value does not fit: the row fails by this code, and is set aside or stops the run as the pipeline says. */
const MISFIT = 'data.value-out-of-range';

describeServer('an expression at the edge of its values', (adminUrl) => {
  let engines: TwoEngines;
  let parser: ExpressionParser;
  let scratch: string;
  beforeAll(async () => { engines = await twoEngines(adminUrl, 'edges'); scratch = await mkdtemp(join(tmpdir(), 'edges-')); parser = new ExpressionParser(scratch); });
  afterAll(async () => { await parser.stop(); await engines.end(); await rm(scratch, { recursive: true }); });

  const statement = <D extends ExprDialect>(dialect: D, expr: ReturnType<typeof checkExpression>) => {
    const sql = sqlFor(dialect);
    const values: SqlFragment<D> = sql`(VALUES (${joinSql(names.map((name) => printConstant(dialect, { t: columns[name], v: row[name] })), sql`, `)})) AS t(${joinSql(names.map((name) => sql`${identifier(name)}`), sql`, `)})`;
    return compile(sql`SELECT CAST(${printExpression(dialect, expr, (name) => sql`t.${identifier(name)}`)} AS ${dialect === 'duckdb' ? sql`VARCHAR` : sql`text`}) AS v FROM ${values}`);
  };
  async function answers(text: string): Promise<readonly unknown[]> {
    const parsed = await parser.parse(text, '/');
    if (!parsed.ok) throw new Error(parsed.issues[0]!.text);
    const expr = checkExpression(parsed.value, { input });
    const told = async (work: Promise<readonly Readonly<Record<string, unknown>>[]>): Promise<unknown> => { try { return (await work)[0]?.['v'] ?? null; } catch (error) { return (error as { code?: string }).code ?? String(error); } };
    return Promise.all([told(engines.duck.query(statement('duckdb', expr))), told(engines.postgres.run<Record<string, unknown>>(statement('postgres', expr)))]);
  }
  it.each<[string, string | null]>([
    ['n / zero', null], ['n // zero', null], ['n % zero', null], ['x / 0', null], ['x / (x - x)', null], ['most + 1', MISFIT], ['most * most', MISFIT], ['-most - 2', MISFIT], ['big + 1', MISFIT], ['abs(-most - 1)', MISFIT], ['d + 1', MISFIT], ['d * 10', MISFIT], ['cast(big as integer)', MISFIT], ['cast(d as bigint)', MISFIT], ['try_cast(big as integer)', null],
    ['cast(huge as bigint)', MISFIT], ['sqrt(x)', null], ['ln(zero)', null], ['ln(x)', null], ['power(x, 0.5)', null], ['power(zero, -1)', null], ['x - x = 0', 'true'],
    ['cast(s as date)', MISFIT], ['try_cast(s as date)', null], ['cast(s as timestamp)', MISFIT], ["cast('2024-02-29' as date) = day", 'false'], ['cast(t as integer)', MISFIT], ['try_cast(t as double)', null], ["try_cast('NaN' || none as double)", null], ["cast('NaN' || '' as double)", MISFIT], ["cast('Infinity' || '' as double)", MISFIT],
    ['upper(t)', 'STRAßE İI'], ['lower(t)', 'straße İi'], ["t < 'Strasse'", 'false'], ["'a' < 'B'", 'false'], ["t ilike 'STRASSE%'", 'false'], ["t = none", null], ['length(t)', '9'], ['substring(t, 6, 2)', 'e '],
  ])('%s', async (text, expected) => { expect(await answers(text)).toEqual([expected, expected]); });

  it.each(differences.flatMap(({ name, tried }) => tried.map(({ text, duckdb }) => [name, text, duckdb] as const)))('%s, which is known: %s', async (_, text, duckdb) => { expect(await answers(text)).toEqual([duckdb, MISFIT]); });

  it('of a server that ends a statement says so by its code', async () => {
    const sql = sqlFor('postgres');
    const under = async (setting: SqlFragment<'postgres'>, asked: SqlFragment<'postgres'>): Promise<unknown> => {
      await engines.postgres.run(compile(setting));
      try { await engines.postgres.run(compile(asked)); return 'answered'; } catch (error) { return (error as { code?: string }).code ?? String(error); }
    };
    expect(await under(sql`SET statement_timeout = 50`, sql`SELECT count(*) FROM generate_series(1, 100000000) AS a`)).toBe('query.timeout');
    await engines.postgres.run(compile(sql`SET statement_timeout = 0`));
    await engines.postgres.run(compile(sql`SET work_mem = '64kB'`));
    expect(await under(sql`SET temp_file_limit = '100kB'`, sql`SELECT count(*) FROM (SELECT a FROM generate_series(1, 200000) AS a ORDER BY md5(a::text)) AS b`)).toBe('query.memory-exceeded');
    await engines.postgres.run(compile(sql`RESET ALL`));
    expect(await under(sql`SELECT 1`, sql`SELECT length(repeat('a', 1000000000) || repeat('b', 1000000000))`)).toBe('query.memory-exceeded');
  }, 60_000);
});
