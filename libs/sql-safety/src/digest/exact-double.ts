import { identifier } from '../ident/identifier.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';

/** A double as exact text, `[-]m p e` with 2^52 <= m < 2^53 and value m * 2^(e - 52): engines print decimals differently, this form they compute alike.
 * Values below 1e-200 are first multiplied by 2^300 in three exact steps; the logarithm may be off by one, so m is moved once into its range. -0 is 0. */
export function exactDouble<D extends 'postgres' | 'duckdb' | 'mysql'>(dialect: D, x: SqlFragment<D>): SqlFragment<D> {
  if (dialect === 'mysql') return inMysql(x as SqlFragment<'mysql'>) as SqlFragment<D>;
  return (dialect === 'postgres' ? inPostgres(x as SqlFragment<'postgres'>) : inDuckdb(x as SqlFragment<'duckdb'>)) as SqlFragment<D>;
}
const pg = sqlFor('postgres');
function inPostgres(x: SqlFragment<'postgres'>): SqlFragment<'postgres'> {
  const step = pg`'1.2676506002282294e30'::double precision`;
  const a = pg`(CASE WHEN abs(${x}) < '1e-200'::double precision THEN abs(${x}) * ${step} * ${step} * ${step} ELSE abs(${x}) END)`;
  const e = pg`floor(ln(${a}) / '0.6931471805599453'::double precision)`;
  const m = pg`(${a} * power('2'::double precision, 52 - ${e}))`;
  const text = (mantissa: SqlFragment<'postgres'>, exponent: SqlFragment<'postgres'>): SqlFragment<'postgres'> => pg`(CASE WHEN ${x} < 0 THEN '-' ELSE '' END || ${mantissa}::bigint::text || 'p' ||
    (${exponent}::bigint - CASE WHEN abs(${x}) < '1e-200'::double precision THEN 300 ELSE 0 END)::text)`;
  return pg`CASE WHEN ${x} = 0 THEN '0' WHEN ${x} = 'NaN'::double precision THEN 'nan' WHEN ${x} = 'Infinity'::double precision THEN 'inf' WHEN ${x} = '-Infinity'::double precision THEN '-inf'
    WHEN ${m} >= '9007199254740992'::double precision THEN ${text(pg`(${m} / 2)`, pg`(${e} + 1)`)} WHEN ${m} < '4503599627370496'::double precision THEN ${text(pg`(${m} * 2)`, pg`(${e} - 1)`)}
    WHEN ${x} IS NOT NULL THEN ${text(m, e)} END`;
}
const duck = sqlFor('duckdb');
interface Parts { readonly a: SqlFragment<'duckdb'>; readonly e: SqlFragment<'duckdb'>; readonly m: SqlFragment<'duckdb'> }
const magnitude = (x: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> => {
  const step = duck`CAST('1.2676506002282294e30' AS DOUBLE)`;
  return duck`(CASE WHEN abs(${x}) < CAST('1e-200' AS DOUBLE) THEN abs(${x}) * ${step} * ${step} * ${step} ELSE abs(${x}) END)`;
};
const exponentOf = (a: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> => duck`floor(log2(${a}))`;
const mantissaOf = ({ a, e }: Omit<Parts, 'm'>): SqlFragment<'duckdb'> => duck`(${a} * power(CAST('2' AS DOUBLE), 52 - ${e}))`;
function inDuckdb(x: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> {
  const a = magnitude(x);
  const e = exponentOf(a);
  return printed(x, { e, m: mantissaOf({ a, e }) });
}
function printed(x: SqlFragment<'duckdb'>, { e, m }: Omit<Parts, 'a'>): SqlFragment<'duckdb'> {
  const text = (mantissa: SqlFragment<'duckdb'>, exponent: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> => duck`(CASE WHEN ${x} < 0 THEN '-' ELSE '' END || CAST(CAST(${mantissa} AS BIGINT) AS VARCHAR) || 'p' ||
    CAST(CAST(${exponent} AS BIGINT) - CASE WHEN abs(${x}) < CAST('1e-200' AS DOUBLE) THEN 300 ELSE 0 END AS VARCHAR))`;
  return duck`CASE WHEN ${x} = 0 THEN '0' WHEN ${x} = CAST('NaN' AS DOUBLE) THEN 'nan' WHEN ${x} = CAST('Infinity' AS DOUBLE) THEN 'inf' WHEN ${x} = CAST('-Infinity' AS DOUBLE) THEN '-inf'
    WHEN ${m} >= CAST('9007199254740992' AS DOUBLE) THEN ${text(duck`(${m} / 2)`, duck`(${e} + 1)`)} WHEN ${m} < CAST('4503599627370496' AS DOUBLE) THEN ${text(duck`(${m} * 2)`, duck`(${e} - 1)`)}
    WHEN ${x} IS NOT NULL THEN ${text(m, e)} END`;
}
const partOf = (name: string, part: keyof Parts): SqlFragment<'duckdb'> => duck`${identifier(`${name} ${part}`)}`;
const doubleOf = (name: string): SqlFragment<'duckdb'> => duck`CAST(${identifier(name)} AS DOUBLE)`;
/** A relation of DuckDB with the parts of its doubles as columns of their own, one step above the other: an expression that holds all of them names its double fifty times, and the time to plan
 * that grows faster than the columns. Of 0, NaN and the infinities there are no parts. */
export function withParts(doubles: readonly string[], from: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> {
  if (doubles.length === 0) return from;
  const step = (part: keyof Parts, below: SqlFragment<'duckdb'>, value: (name: string) => SqlFragment<'duckdb'>): SqlFragment<'duckdb'> =>
    duck`(SELECT *, ${joinSql(doubles.map((name) => duck`${value(name)} AS ${partOf(name, part)}`), duck`, `)} FROM ${below}) AS ${identifier(`of ${part}`)}`;
  const a = step('a', from, (name) => duck`CASE WHEN isfinite(${doubleOf(name)}) AND ${doubleOf(name)} <> 0 THEN ${magnitude(doubleOf(name))} END`);
  const e = step('e', a, (name) => exponentOf(partOf(name, 'a')));
  return step('m', e, (name) => mantissaOf({ a: partOf(name, 'a'), e: partOf(name, 'e') }));
}
/** The same text as `exactDouble`, of a column of such a relation. */
export const exactOfParts = (name: string): SqlFragment<'duckdb'> => printed(doubleOf(name), { e: partOf(name, 'e'), m: partOf(name, 'm') });
const my = sqlFor('mysql');
function inMysql(x: SqlFragment<'mysql'>): SqlFragment<'mysql'> {
  const step = my`1.2676506002282294e30`;
  const a = my`(CASE WHEN abs(${x}) < 1e-200 THEN abs(${x}) * ${step} * ${step} * ${step} ELSE abs(${x}) END)`;
  const e = my`floor(log2(${a}))`;
  const m = my`(${a} * power(2e0, 52 - ${e}))`;
  const text = (mantissa: SqlFragment<'mysql'>, exponent: SqlFragment<'mysql'>): SqlFragment<'mysql'> => my`concat(CASE WHEN ${x} < 0 THEN '-' ELSE '' END, CAST(${mantissa} AS SIGNED), 'p',
    CAST(${exponent} AS SIGNED) - CASE WHEN abs(${x}) < 1e-200 THEN 300 ELSE 0 END)`;
  return my`CASE WHEN ${x} = 0 THEN '0' WHEN ${m} >= 9007199254740992e0 THEN ${text(my`(${m} / 2)`, my`(${e} + 1)`)} WHEN ${m} < 4503599627370496e0 THEN ${text(my`(${m} * 2)`, my`(${e} - 1)`)}
    WHEN ${x} IS NOT NULL THEN ${text(m, e)} END`;
}
