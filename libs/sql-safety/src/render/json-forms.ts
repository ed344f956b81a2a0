import type { Expr } from '@agent-etl/contracts';
import { Refusal } from '../refusal.ts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import type { ExprDialect } from './types.ts';

const d = sqlFor('duckdb');
const p = sqlFor('postgres');
interface Asked<D extends ExprDialect> { readonly document: SqlFragment<D>; readonly path: readonly Expr[] }
interface Forms<D extends ExprDialect> { readonly json_text: (asked: Asked<D>) => SqlFragment<D>; readonly json_number: (asked: Asked<D>) => SqlFragment<D> }

/** Numbers whose text every engine spells alike. */
const WHOLE = '-?[0-9]{1,19}';
const spelled = (path: readonly Expr[]): string => path.map((part) => (part.k !== 'lit' ? '' : part.t.kind === 'text' ? `."${part.v}"` : `[${part.v}]`)).join('');

/** An object that names a key twice is refused where DuckDB reads it: it takes the first, PostgreSQL the last. Both refusals are in words that `duckFailure` knows. */
function once({ document, path }: Asked<'duckdb'>, value: SqlFragment<'duckdb'>): SqlFragment<'duckdb'> {
  const objects = path.flatMap((part, index) => (part.k === 'lit' && part.t.kind === 'text' ? [literal('duckdb', `$${spelled(path.slice(0, index))}`)] : []));
  if (!objects.length) return value;
  const doubled = objects.map((at) => d`coalesce(system.main.len(system.main.json_keys(${document}, ${at})) <> system.main.len(system.main.list_distinct(system.main.json_keys(${document}, ${at}))), FALSE)`);
  return d`CASE WHEN ${joinSql(doubled, d` OR `)} THEN error('JSON record refused: duplicate key') ELSE ${value} END`;
}
const duck: Forms<'duckdb'> = {
  json_text: (asked) => {
    const at = literal('duckdb', `$${spelled(asked.path)}`);
    const text = d`system.main.json_extract_string(${asked.document}, ${at})`;
    const type = d`system.main.json_type(${asked.document}, ${at})`;
    return once(asked, d`CASE WHEN ${type} IN ('VARCHAR', 'BOOLEAN') THEN ${text} WHEN ${type} IN ('OBJECT', 'ARRAY', 'NULL') OR ${type} IS NULL THEN CAST(NULL AS VARCHAR) WHEN system.main.regexp_full_match(${text}, ${literal('duckdb', WHOLE)}) THEN ${text} ELSE error('Could not convert string ''' || ${text} || ''' to VARCHAR') END`);
  },
  json_number: (asked) => {
    const at = literal('duckdb', `$${spelled(asked.path)}`);
    return once(asked, d`CASE WHEN system.main.json_type(${asked.document}, ${at}) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN CAST(system.main.json_extract_string(${asked.document}, ${at}) AS DOUBLE) END`);
  },
};
const reached = ({ document, path }: Asked<'postgres'>): SqlFragment<'postgres'> =>
  path.reduce((at, part) => (part.k !== 'lit' ? at : part.t.kind === 'text' ? p`(${at} -> ${literal('postgres', part.v)})` : p`(${at} -> CAST(${literal('postgres', part.v)} AS integer))`), p`CAST(${document} AS json)`);
const asText = (value: SqlFragment<'postgres'>): SqlFragment<'postgres'> => p`(${value} #>> CAST('{}' AS text[]))`;
const postgres: Forms<'postgres'> = {
  json_text: (asked) => {
    const value = reached(asked);
    const text = asText(value);
    // What is refused is refused by a cast that cannot succeed: Postgres has no function that fails.
    return p`CASE pg_catalog.json_typeof(${value}) WHEN 'string' THEN ${text} WHEN 'boolean' THEN ${text} WHEN 'number' THEN CASE WHEN ${text} = '-0' THEN '0' WHEN ${text} ~ ${literal('postgres', `^(${WHOLE})$`)} THEN ${text} ELSE CAST(CAST('[' || ${text} || ']' AS bigint) AS text) END END`;
  },
  json_number: (asked) => {
    const value = reached(asked);
    return p`CASE WHEN pg_catalog.json_typeof(${value}) = 'number' THEN CAST(${asText(value)} AS double precision) END`;
  },
};
const noneOnSpark = (): never => { throw new Refusal('SQL_NO_FORM', 'Values of JSON are not available on spark; leave engine out'); };
/** Values of a document by a path that is written out, equal in every dialect that has them. */
export const jsonForms: { readonly [D in ExprDialect]: Forms<D> } = { duckdb: duck, postgres, spark: { json_text: noneOnSpark, json_number: noneOnSpark } };

/** Items of a list as a FROM item `items(item)`; none where it is no list. */
const lists: { readonly [D in ExprDialect]: (list: SqlFragment<D>) => SqlFragment<D> } = {
  duckdb: (list) => d`(SELECT CAST(unnest(system.main.json_extract(${list}, '$[*]')) AS VARCHAR) AS item WHERE system.main.json_type(${list}) = 'ARRAY') AS items`,
  postgres: (list) => p`pg_catalog.json_array_elements(CASE WHEN pg_catalog.json_typeof(CAST(${list} AS json)) = 'array' THEN CAST(${list} AS json) ELSE CAST('[]' AS json) END) AS items(item)`,
  spark: noneOnSpark,
};
export const itemsOf = <D extends ExprDialect>(dialect: D, list: SqlFragment<D>): SqlFragment<D> => lists[dialect](list);
