import { identifier } from '../ident/identifier.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import type { DigestColumn } from './digest-column.ts';

const s = sqlFor('spark');
type Spark = SqlFragment<'spark'>;
const double = (text: string): Spark => s`CAST(${literal('spark', text)} AS DOUBLE)`;

/** As the others compute it: see `exactDouble`. */
function exactDouble(x: Spark): Spark {
  const step = double('1.2676506002282294e30');
  const isSmall = s`abs(${x}) < ${double('1e-200')}`;
  const a = s`(CASE WHEN ${isSmall} THEN abs(${x}) * ${step} * ${step} * ${step} ELSE abs(${x}) END)`;
  const e = s`CAST(floor(log2(${a})) AS DOUBLE)`;
  const m = s`(${a} * power(${double('2')}, 52 - ${e}))`;
  const text = (mantissa: Spark, exponent: Spark): Spark => s`concat(CASE WHEN ${x} < 0 THEN '-' ELSE '' END, CAST(CAST(${mantissa} AS BIGINT) AS STRING), 'p', CAST(CAST(${exponent} AS BIGINT) - CASE WHEN ${isSmall} THEN 300 ELSE 0 END AS STRING))`;
  return s`CASE WHEN ${x} = 0 THEN '0' WHEN ${x} = ${double('NaN')} THEN 'nan' WHEN ${x} = ${double('Infinity')} THEN 'inf' WHEN ${x} = ${double('-Infinity')} THEN '-inf'
    WHEN ${m} >= ${double('9007199254740992')} THEN ${text(s`(${m} / 2)`, s`(${e} + 1)`)} WHEN ${m} < ${double('4503599627370496')} THEN ${text(s`(${m} * 2)`, s`(${e} - 1)`)}
    WHEN ${x} IS NOT NULL THEN ${text(m, e)} END`;
}
/** Kinds that Spark has no type for are kept there as their text. */
function textOf({ name, type: { kind } }: DigestColumn): Spark {
  const c = identifier(name);
  switch (kind) {
    case 'bool': return s`CASE WHEN ${c} THEN 't' WHEN NOT ${c} THEN 'f' END`;
    case 'i16': case 'i32': case 'i64': case 'dec': case 'uuid': return s`CAST(${c} AS STRING)`;
    case 'f32': case 'f64': return exactDouble(s`CAST(${c} AS DOUBLE)`);
    case 'bytes': return s`lower(hex(${c}))`;
    case 'date': return s`CAST(unix_date(${c}) AS STRING)`;
    case 'ts': case 'tstz': return s`CAST(unix_micros(CAST(${c} AS TIMESTAMP_LTZ)) AS STRING)`;
    case 'time': case 'text': case 'json': case 'other': return s`concat(CAST(octet_length(${c}) AS STRING), ':', ${c})`;
  }
}
/** The row as one text: key and values with commas between, `~` for NULL. */
const rowOf = (columns: readonly DigestColumn[], key: string): Spark => s`concat_ws(',', ${joinSql([literal('spark', key), ...columns.map((column) => s`coalesce(${textOf(column)}, '~')`)], s`, `)})`;
const lane = (from: Spark): Spark => s`CAST(coalesce(sum(CAST(conv(substring(h, ${from}, 15), 16, 10) AS DECIMAL(20,0))), 0) AS STRING)`;

/** The whole query over a Spark relation or parenthesised query: columns `n, a, b`, equal to those of the other dialects for equal rows. */
export const sparkDigest = (columns: readonly DigestColumn[], key: string, from: Spark): Spark =>
  s`SELECT count(*) AS n, ${lane(s`1`)} AS a, ${lane(s`16`)} AS b FROM (SELECT md5(${rowOf(columns, key)}) AS h FROM ${from}) AS hashed`;
