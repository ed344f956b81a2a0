import type { ColumnType, Expr } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import type { FunctionId } from '../registry/functions.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';

const s = sqlFor('spark');
type Spark = SqlFragment<'spark'>;
/** What a form may look at beside its printed arguments. */
export interface SparkCall { readonly args: readonly Spark[]; readonly nodes: readonly Expr[]; readonly types: readonly ColumnType[] }
type Form = (call: SparkCall) => Spark;
/** A form over printed arguments alone. */
const of = (form: (...args: Spark[]) => Spark): Form => ({ args }) => form(...args);
const list = (args: readonly Spark[]): Spark => joinSql(args, s`, `);
const long = (value: Spark): Spark => s`CAST(${value} AS BIGINT)`;
const int = (value: Spark): Spark => s`CAST(${value} AS INT)`;

/** Spark's own `floor` and `ceil` of a double beyond 64 bits stop at the greatest number: a plain cast ends the statement there, as in the others. */
const toWhole = (form: (value: Spark) => Spark): Form => ({ args: [x = s``], types: [type] }) => (type?.kind !== 'f64' ? long(form(x))
  : s`CASE WHEN ${x} >= CAST('-9223372036854775808' AS DOUBLE) AND ${x} < CAST('9223372036854775808' AS DOUBLE) THEN ${long(form(x))} ELSE ${long(x)} END`);

/** Spark's names for the parts of a date that differ from the others': its own `week` is the ISO week, `dayofweek` begins on Sunday. */
const PARTS: Readonly<Record<string, Spark>> = {
  year: s`YEAR`, quarter: s`QUARTER`, month: s`MONTH`, day: s`DAY`, hour: s`HOUR`, minute: s`MINUTE`, second: s`SECOND`, isodow: s`DAYOFWEEK_ISO`, doy: s`DOY`, week: s`WEEK`, isoyear: s`YEAROFWEEK`,
};
const part: Form = ({ args: [, value = s``], nodes: [unit] }) => {
  const name = unit?.k === 'lit' ? PARTS[unit.v?.toLowerCase() ?? ''] : undefined;
  if (!name) throw new Refusal('SQL_NO_FORM', 'spark has no such part of a date');
  return long(s`floor(extract(${name} FROM ${value}))`);
};

/** A date stays one; a time is moved by an interval. */
const shifted = ({ date, ts }: Readonly<Record<'date' | 'ts', (value: Spark, by: Spark) => Spark>>): Form => ({ args: [value = s``, n = s``], types: [type] }) => (type?.kind === 'date' ? date : ts)(value, int(n));

/** The registry's column for Spark, equal to the others in value and in type; null: no form, which is refused when it is planned.
 * lower and upper are those of ASCII. A year before 1 has month 0, so that it is no date anywhere. */
export const sparkForms: Readonly<Record<Exclude<FunctionId, 'json_text' | 'json_number'>, Form | null>> = {
  lower: of((x) => s`translate(${x}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`), upper: of((x) => s`translate(${x}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')`),
  length: of((x) => long(s`char_length(${x})`)), trim: of((x) => s`trim(${x})`), ltrim: of((x) => s`ltrim(${x})`), rtrim: of((x) => s`rtrim(${x})`), replace: of((x, a, b) => s`replace(${x}, ${a}, ${b})`),
  substring: of((x, from, size) => s`substring(${x}, ${int(from)}${size ? s`, ${int(size)}` : s``})`), left: of((x, n) => s`left(${x}, ${int(n)})`), right: of((x, n) => s`right(${x}, ${int(n)})`),
  lpad: of((x, n, by) => s`lpad(${x}, ${int(n)}, ${by})`), rpad: of((x, n, by) => s`rpad(${x}, ${int(n)}, ${by})`),
  starts_with: of((x, y) => s`startswith(${x}, ${y})`), ends_with: of((x, y) => s`endswith(${x}, ${y})`), contains: of((x, y) => s`contains(${x}, ${y})`), position: of((x, y) => long(s`instr(${x}, ${y})`)),
  split_part: of((x, by, n) => s`split_part(${x}, ${by}, ${int(n)})`), md5: of((x) => s`md5(${x})`), sha256: of((x) => s`sha2(${x}, 256)`),
  concat: of((...args) => s`concat(${list(args)})`), coalesce: of((...args) => s`coalesce(${list(args)})`), nullif: of((a, b) => s`nullif(${a}, ${b})`),
  greatest: ({ args }) => (args.length === 1 ? args[0]! : s`greatest(${list(args)})`), least: ({ args }) => (args.length === 1 ? args[0]! : s`least(${list(args)})`), if: of((c, a, b) => s`CASE WHEN ${c} THEN ${a} ELSE ${b} END`),
  abs: of((x) => s`abs(${x})`), sign: of((x) => long(s`signum(${x})`)), floor: toWhole((x) => s`floor(${x})`), ceil: toWhole((x) => s`ceil(${x})`),
  // The number of digits has to be a constant of its own type.
  round: ({ args: [x = s``, n], types: [type] }) => (n && type?.kind === 'dec' ? s`round(${x}, ${int(n)})` : x), sqrt: of((x) => s`CASE WHEN ${x} >= 0 THEN sqrt(${x}) END`),
  date_trunc: of((unit, value) => s`date_trunc(${unit}, ${value})`), date_part: part, diff_days: of((a, b) => long(s`datediff(${b}, ${a})`)),
  make_date: of((y, m, day) => s`make_date(${int(y)}, ${int(s`CASE WHEN ${y} < 1 THEN 0 ELSE ${m} END`)}, ${int(day)})`),
  concat_ws: of((...args) => s`concat_ws(${list(args)})`), diff_seconds: of((a, b) => s`CAST(unix_micros(CAST(${b} AS TIMESTAMP_LTZ)) - unix_micros(CAST(${a} AS TIMESTAMP_LTZ)) AS DECIMAL(26,6)) * CAST('0.000001' AS DECIMAL(7,6))`),
  // Java spells the ends of a text as RE2 does; of patterns without groups, classes by a letter and lazy quantifiers both mean the same.
  regexp_like: of((x, pattern) => s`${x} RLIKE ${pattern}`), trim_chars: of((x, by) => s`btrim(${x}, ${by})`), slice: of((x, from, size) => s`CASE WHEN ${from} >= 1${size ? s` AND ${size} >= 0` : s``} THEN substring(${x}, ${int(from)}${size ? s`, ${int(size)}` : s``}) END`),
  // A plain cast cuts.
  trunc: of(long),
  shift_days: shifted({ date: (x, n) => s`date_add(${x}, ${n})`, ts: (x, n) => s`${x} + make_dt_interval(${n})` }), shift_days_back: shifted({ date: (x, n) => s`date_sub(${x}, ${n})`, ts: (x, n) => s`${x} - make_dt_interval(${n})` }),
  shift_months: shifted({ date: (x, n) => s`add_months(${x}, ${n})`, ts: (x, n) => s`${x} + make_ym_interval(0, ${n})` }), shift_seconds: of((x, n) => s`${x} + make_dt_interval(0, 0, 0, ${int(n)})`),
  // Java and the C library of the others may differ in the last digit of these.
  exp: null, ln: null, log10: null, power: null,
  year: of((value) => long(s`year(${value})`)), quarter: of((value) => long(s`quarter(${value})`)), month: of((value) => long(s`month(${value})`)), day: of((value) => long(s`day(${value})`)),
};
