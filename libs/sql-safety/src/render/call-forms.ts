import type { FunctionId } from '../registry/functions.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';

type Duck = SqlFragment<'duckdb'>;
type Pg = SqlFragment<'postgres'>;
const d = sqlFor('duckdb');
const p = sqlFor('postgres');
type Form<F> = (...args: F[]) => F;
/** Of a path that is written out, `json-forms.ts` makes the text. */
type Forms<F> = Readonly<Record<Exclude<FunctionId, 'json_text' | 'json_number'>, Form<F>>>;

const duckList = (args: readonly Duck[]): Duck => joinSql(args, d`, `);
const pgList = (args: readonly Pg[]): Pg => joinSql(args, p`, `);
const duckPart = (unit: Duck, value: Duck): Duck => d`CAST(floor(system.main.date_part(${unit}, ${value})) AS BIGINT)`;
const pgPart = (unit: Pg, value: Pg): Pg => p`CAST(floor(pg_catalog.date_part(${unit}, ${value})) AS bigint)`;

/** One form per function and dialect, equal in value and in type; names are qualified, so that nothing of a user's stands in their place.
 * lower and upper are those of ASCII: engines and collations disagree beyond it. A year before 1 has month 0, so that it is no date anywhere: engines count such years differently. */
export const duckForms: Forms<Duck> = {
  lower: (s) => d`system.main.translate(${s}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`, upper: (s) => d`system.main.translate(${s}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')`,
  length: (s) => d`CAST(system.main.length(${s}) AS BIGINT)`, trim: (s) => d`system.main.trim(${s}, ' ')`, ltrim: (s) => d`system.main.ltrim(${s}, ' ')`, rtrim: (s) => d`system.main.rtrim(${s}, ' ')`,
  replace: (s, a, b) => d`system.main.replace(${s}, ${a}, ${b})`, substring: (...args) => d`system.main.substring(${duckList(args)})`, left: (s, n) => d`system.main.left(${s}, ${n})`, right: (s, n) => d`system.main.right(${s}, ${n})`,
  lpad: (s, n, by) => d`system.main.lpad(${s}, CAST(${n} AS INTEGER), ${by})`, rpad: (s, n, by) => d`system.main.rpad(${s}, CAST(${n} AS INTEGER), ${by})`,
  starts_with: (s, x) => d`system.main.starts_with(${s}, ${x})`, ends_with: (s, x) => d`system.main.ends_with(${s}, ${x})`, contains: (s, x) => d`system.main.contains(${s}, ${x})`,
  position: (s, x) => d`CAST(system.main.strpos(${s}, ${x}) AS BIGINT)`, split_part: (s, by, n) => d`system.main.split_part(${s}, ${by}, ${n})`, md5: (s) => d`system.main.md5(${s})`, sha256: (s) => d`system.main.sha256(${s})`,
  concat: (...args) => d`(${joinSql(args, d` || `)})`, coalesce: (...args) => d`coalesce(${duckList(args)})`, nullif: (a, b) => d`nullif(${a}, ${b})`,
  greatest: (...args) => d`system.main.greatest(${duckList(args)})`, least: (...args) => d`system.main.least(${duckList(args)})`, if: (c, a, b) => d`CASE WHEN ${c} THEN ${a} ELSE ${b} END`,
  abs: (x) => d`system.main.abs(${x})`, sign: (x) => d`CAST(system.main.sign(${x}) AS BIGINT)`, floor: (x) => d`CAST(system.main.floor(${x}) AS BIGINT)`, ceil: (x) => d`CAST(system.main.ceil(${x}) AS BIGINT)`,
  round: (x, n) => (n ? d`system.main.round(${x}, CAST(${n} AS INTEGER))` : x), sqrt: (x) => d`CASE WHEN ${x} >= 0 THEN system.main.sqrt(${x}) END`,
  date_trunc: (unit, value) => d`system.main.date_trunc(${unit}, ${value})`, date_part: duckPart, diff_days: (a, b) => d`CAST(system.main.date_diff('day', ${a}, ${b}) AS BIGINT)`, make_date: (y, m, day) => d`system.main.make_date(${y}, CASE WHEN ${y} < 1 THEN 0 ELSE ${m} END, ${day})`,
  concat_ws: (...args) => d`system.main.concat_ws(${duckList(args)})`, diff_seconds: (a, b) => d`(CAST(system.main.epoch_us(${b}) - system.main.epoch_us(${a}) AS DECIMAL(26,6)) * CAST('0.000001' AS DECIMAL(7,6)))`, exp: (x) => d`system.main.exp(${x})`,
  ln: (x) => d`CASE WHEN ${x} > 0 THEN system.main.ln(${x}) END`, log10: (x) => d`CASE WHEN ${x} > 0 THEN system.main.log10(${x}) END`, power: (x, y) => d`CASE WHEN (${x} > 0) OR (${x} = 0 AND ${y} >= 0) OR (${x} < 0 AND system.main.floor(${y}) = ${y}) THEN system.main.power(${x}, ${y}) END`,
  regexp_like: (s, pattern) => d`system.main.regexp_matches(${s}, ${pattern})`, shift_days: (t, n) => d`(${t} + system.main.to_days(CAST(${n} AS INTEGER)))`, shift_days_back: (t, n) => d`(${t} - system.main.to_days(CAST(${n} AS INTEGER)))`, shift_months: (t, n) => d`(${t} + system.main.to_months(CAST(${n} AS INTEGER)))`,
  shift_seconds: (t, n) => d`(${t} + system.main.to_seconds(CAST(${n} AS INTEGER)))`, slice: (s, from, size) => d`CASE WHEN ${from} >= 1${size ? d` AND ${size} >= 0` : d``} THEN system.main.substring(${s}, ${from}${size ? d`, ${size}` : d``}) END`, trim_chars: (s, by) => d`system.main.trim(${s}, ${by})`, trunc: (x) => d`CAST(system.main.trunc(${x}) AS BIGINT)`,
  year: (value) => duckPart(d`'year'`, value), quarter: (value) => duckPart(d`'quarter'`, value), month: (value) => duckPart(d`'month'`, value), day: (value) => duckPart(d`'day'`, value),
};
export const postgresForms: Forms<Pg> = {
  lower: (s) => p`pg_catalog.translate(${s}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`, upper: (s) => p`pg_catalog.translate(${s}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')`,
  length: (s) => p`CAST(pg_catalog.char_length(${s}) AS bigint)`, trim: (s) => p`pg_catalog.btrim(${s}, ' ')`, ltrim: (s) => p`pg_catalog.ltrim(${s}, ' ')`, rtrim: (s) => p`pg_catalog.rtrim(${s}, ' ')`,
  replace: (s, a, b) => p`pg_catalog.replace(${s}, ${a}, ${b})`, substring: (s, from, size) => p`pg_catalog.substr(${s}, CAST(${from} AS integer)${size ? p`, CAST(${size} AS integer)` : p``})`,
  left: (s, n) => p`pg_catalog.left(${s}, CAST(${n} AS integer))`, right: (s, n) => p`pg_catalog.right(${s}, CAST(${n} AS integer))`,
  lpad: (s, n, by) => p`pg_catalog.lpad(${s}, CAST(${n} AS integer), ${by})`, rpad: (s, n, by) => p`pg_catalog.rpad(${s}, CAST(${n} AS integer), ${by})`,
  starts_with: (s, x) => p`pg_catalog.starts_with(${s}, ${x})`, ends_with: (s, x) => p`(pg_catalog.right(${s}, pg_catalog.char_length(${x})) = ${x})`, contains: (s, x) => p`(pg_catalog.strpos(${s}, ${x}) > 0)`,
  position: (s, x) => p`CAST(pg_catalog.strpos(${s}, ${x}) AS bigint)`, split_part: (s, by, n) => p`pg_catalog.split_part(${s}, ${by}, CAST(${n} AS integer))`,
  md5: (s) => p`pg_catalog.md5(pg_catalog.convert_to(${s}, 'UTF8'))`, sha256: (s) => p`pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${s}, 'UTF8')), 'hex')`,
  concat: (...args) => p`(${joinSql(args, p` || `)})`, coalesce: (...args) => p`coalesce(${pgList(args)})`, nullif: (a, b) => p`nullif(${a}, ${b})`,
  greatest: (...args) => p`greatest(${pgList(args)})`, least: (...args) => p`least(${pgList(args)})`, if: (c, a, b) => p`CASE WHEN ${c} THEN ${a} ELSE ${b} END`,
  abs: (x) => p`pg_catalog.abs(${x})`, sign: (x) => p`CAST(pg_catalog.sign(${x}) AS bigint)`, floor: (x) => p`CAST(pg_catalog.floor(${x}) AS bigint)`, ceil: (x) => p`CAST(pg_catalog.ceil(${x}) AS bigint)`,
  round: (x, n) => (n ? p`pg_catalog.round(${x}, CAST(${n} AS integer))` : x), sqrt: (x) => p`CASE WHEN ${x} >= 0 THEN pg_catalog.sqrt(${x}) END`,
  date_trunc: (unit, value) => p`pg_catalog.date_trunc(${unit}, CAST(${value} AS timestamp without time zone))`, date_part: pgPart, diff_days: (a, b) => p`CAST(${b} - ${a} AS bigint)`,
  make_date: (y, m, day) => p`pg_catalog.make_date(CAST(${y} AS integer), CAST(CASE WHEN ${y} < 1 THEN 0 ELSE ${m} END AS integer), CAST(${day} AS integer))`,
  concat_ws: (...args) => p`pg_catalog.concat_ws(${pgList(args)})`, diff_seconds: (a, b) => p`CAST(EXTRACT(EPOCH FROM (${b} - ${a})) AS numeric(26,6))`, exp: (x) => p`pg_catalog.exp(${x})`,
  ln: (x) => p`CASE WHEN ${x} > 0 THEN pg_catalog.ln(${x}) END`, log10: (x) => p`CASE WHEN ${x} > 0 THEN pg_catalog.log10(${x}) END`, power: (x, y) => p`CASE WHEN (${x} > 0) OR (${x} = 0 AND ${y} >= 0) OR (${x} < 0 AND pg_catalog.floor(${y}) = ${y}) THEN pg_catalog.power(${x}, ${y}) END`,
  regexp_like: (s, pattern) => p`(${s} ~ ${pattern})`, shift_days: (t, n) => p`(${t} + pg_catalog.make_interval(0, 0, 0, CAST(${n} AS integer)))`, shift_days_back: (t, n) => p`(${t} - pg_catalog.make_interval(0, 0, 0, CAST(${n} AS integer)))`, shift_months: (t, n) => p`(${t} + pg_catalog.make_interval(0, CAST(${n} AS integer)))`,
  shift_seconds: (t, n) => p`(${t} + pg_catalog.make_interval(0, 0, 0, 0, 0, 0, CAST(CAST(${n} AS integer) AS double precision)))`, slice: (s, from, size) => p`CASE WHEN ${from} >= 1${size ? p` AND ${size} >= 0` : p``} THEN pg_catalog.substr(${s}, CAST(${from} AS integer)${size ? p`, CAST(${size} AS integer)` : p``}) END`, trim_chars: (s, by) => p`pg_catalog.btrim(${s}, ${by})`, trunc: (x) => p`CAST(pg_catalog.trunc(${x}) AS bigint)`,
  year: (value) => pgPart(p`'year'`, value), quarter: (value) => pgPart(p`'quarter'`, value), month: (value) => pgPart(p`'month'`, value), day: (value) => pgPart(p`'day'`, value),
};
