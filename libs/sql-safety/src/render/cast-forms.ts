import type { ColumnType } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import { type Cast, type Dialected, WHOLE, patternOf } from './cast-rules.ts';
import { sparkCast } from './spark-cast-forms.ts';
import { type ExprDialect, nativeOf, typeIn } from './types.ts';

const d = sqlFor('duckdb');
const FORMAT = /^(?:%[YmdbBHMSyeI]|[ /,.:T-]|%p)+$/;
/** Ends the statement in the words of DuckDB's own refusals, which name column and value to whoever reads them. */
const refused = (value: SqlFragment<'duckdb'>, column: string | null, type: string): SqlFragment<'duckdb'> => (column === null
  ? d`error('Could not convert string ''' || ${value} || ${literal('duckdb', `' to ${type}`)})`
  : d`error(${literal('duckdb', `Error when converting column "${column}". Could not convert string "`)} || ${value} || ${literal('duckdb', `" to '${type}'`)})`);
/** DuckDB's TRY_CAST answers NULL where CAST fails; a text passes its pattern first. */
const duckCast: Dialected<'duckdb'> = ({ value, from, to, onError, format, column }) => {
  const type = typeIn('duckdb', to);
  const cast = (inner: SqlFragment<'duckdb'>) => (onError === 'null' ? d`TRY_CAST(${inner} AS ${type})` : d`CAST(${inner} AS ${type})`);
  if (format !== undefined) {
    if (!FORMAT.test(format)) throw new Refusal('SQL_LITERAL', 'A format is made of %Y %y %m %d %e %b %B %H %I %M %S %p, blanks and / , . : -');
    return onError === 'null' ? d`CAST(system.main.try_strptime(${value}, ${literal('duckdb', format)}) AS ${type})` : d`CAST(system.main.strptime(${value}, ${literal('duckdb', format)}) AS ${type})`;
  }
  if (from.kind === 'text' && to.kind !== 'text') {
    const fits = d`system.main.regexp_full_match(${value}, ${literal('duckdb', patternOf(to))})`;
    return onError === 'null' ? d`CASE WHEN ${fits} THEN ${cast(value)} END` : d`CASE WHEN ${value} IS NULL OR ${fits} THEN ${cast(value)} ELSE ${refused(value, column, nativeOf('duckdb', to) ?? to.kind)} END`;
  }
  if (from.kind === 'dec' && WHOLE.includes(to.kind)) return cast(d`system.main.round(${value}, 0)`);
  if ((from.kind === 'f64' && to.kind === 'dec') || (from.kind === 'dec' && to.kind === 'f64')) return cast(d`CAST(${value} AS VARCHAR)`);
  // A decimal that is all fraction is spelled without its zero: .50.
  if (from.kind === 'dec' && to.kind === 'text' && from.precision === from.scale) return d`system.main.regexp_replace(${cast(value)}, '^(-?)[.]', '\\10.')`;
  return cast(value);
};

const p = sqlFor('postgres');
/** Postgres has no function that ends a statement with words of ours. A text that is never a value of the type does, and says whose value stands behind it. */
const misfitMark = (column: string | null): string => `[${JSON.stringify(column)}]`;
/** Column and value of a refusal by such a text; the column is null for a calculation. Null for a text that is none. */
export function readMisfit(text: string): { readonly column: string | null; readonly value: string } | null {
  const [, column, value] = /^\[(null|"(?:[^"\\]|\\.)*")\]([\s\S]*)$/.exec(text) ?? [];
  return column === undefined || value === undefined ? null : { column: JSON.parse(column) as string | null, value };
}
const RANGES: Readonly<Record<string, readonly [string, string]>> = { i16: ['-32768', '32767'], i32: ['-2147483648', '2147483647'], i64: ['-9223372036854775808', '9223372036854775807'] };
/** A double as text that is no decimal where it is no number: Postgres alone has a decimal NaN. */
const notNan = (value: SqlFragment<'postgres'>): SqlFragment<'postgres'> => p`pg_catalog.replace(CAST(${value} AS text), 'NaN', '[NaN]')`;
/** Postgres has no TRY_CAST: whether a value fits is asked before, of a number in a type that holds more. */
const postgresCast: Dialected<'postgres'> = ({ value, from, to, onError, format, column }) => {
  if (format !== undefined) throw new Refusal('SQL_NO_FORM', 'A format is not available at a Postgres source; cast in a view there');
  const cast = p`CAST(${from.kind === 'dec' && WHOLE.includes(to.kind) ? p`pg_catalog.round(${value}, 0)` : from.kind === 'f64' && to.kind === 'dec' ? notNan(value) : value} AS ${typeIn('postgres', to)})`;
  if (from.kind === 'text' && to.kind !== 'text') {
    const fits = p`${value} ~ ${literal('postgres', `^(${patternOf(to)})$`)}`;
    if (onError === 'fail') return p`CASE WHEN ${value} IS NULL OR ${fits} THEN ${cast} ELSE CAST(${literal('postgres', misfitMark(column))} || ${value} AS ${typeIn('postgres', to)}) END`;
    return p`CASE WHEN ${fits} THEN CASE WHEN ${holds(value, to)} THEN ${cast} END END`;
  }
  if (onError === 'fail') return cast;
  if (!['dec', 'f64', ...WHOLE].includes(from.kind) || !(WHOLE.includes(to.kind) || to.kind === 'dec')) return cast;
  if (from.kind === 'f64') throw new Refusal('SQL_NO_FORM', 'try_cast of a double is not available at a Postgres source');
  return p`CASE WHEN ${holds(value, to)} THEN ${cast} END`;
};
function holds(value: SqlFragment<'postgres'>, { kind, precision = 38, scale = 0 }: ColumnType): SqlFragment<'postgres'> {
  const range = RANGES[kind];
  if (range) return p`pg_catalog.round(CAST(${value} AS numeric), 0) BETWEEN CAST(${literal('postgres', range[0])} AS numeric) AND CAST(${literal('postgres', range[1])} AS numeric)`;
  if (kind === 'dec') return p`pg_catalog.abs(pg_catalog.round(CAST(${value} AS numeric), ${literal('postgres', scale)})) < CAST(${literal('postgres', `1e${precision - scale}`)} AS numeric)`;
  if (kind === 'date' || kind === 'ts') {
    const month = p`pg_catalog.make_date(CAST(pg_catalog.substr(${value}, 1, 4) AS integer), CAST(pg_catalog.substr(${value}, 6, 2) AS integer), 1)`;
    return p`pg_catalog.substr(${value}, 1, 4) <> '0000' AND CAST(pg_catalog.substr(${value}, 9, 2) AS integer) <= pg_catalog.date_part('day', ${month} + interval '1 month' - interval '1 day')`;
  }
  return p`TRUE`;
}

/** A cast in a dialect, equal in every one: halves are rounded away from zero, texts are read strictly.
 * @throws Refusal `SQL_NO_FORM` where a dialect has no equal form */
export const castForms: { readonly [D in ExprDialect]: Dialected<D> } = { duckdb: duckCast, postgres: postgresCast, spark: sparkCast };
