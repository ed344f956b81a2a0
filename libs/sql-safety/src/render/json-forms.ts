import type { Expr } from '@agent-etl/contracts';
import { type SqlFragment, joinSql, sqlFor } from '../tag/fragment.ts';
import { literal } from '../tag/literal.ts';
import type { ExprDialect } from './types.ts';

const d = sqlFor('duckdb');
const p = sqlFor('postgres');
const s = sqlFor('spark');
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
/** Spark reads the first value of a text and leaves whatever stands behind it: a document stands in a list, and its own hash behind it. What is no JSON ends the statement, and so does a key that an object names twice. */
const parsed = (document: SqlFragment<'spark'>): SqlFragment<'spark'> => s`parse_json(concat('[', ${document}, ',"', md5(${document}), '"]'))`;
const whole = (document: SqlFragment<'spark'>, value: SqlFragment<'spark'>): SqlFragment<'spark'> =>
  s`CASE WHEN NOT coalesce(try_variant_get(${parsed(document)}, '$[1]', 'STRING') = md5(${document}), ${document} IS NULL) THEN raise_error('no JSON') ELSE ${value} END`;
/** A key has no quote and no backslash in it: the registry refuses them. */
const placed = (path: readonly Expr[]): SqlFragment<'spark'> => literal('spark', `$[0]${path.map((part) => (part.k !== 'lit' ? '' : part.t.kind === 'text' ? `["${part.v}"]` : `[${part.v}]`)).join('')}`);
/** A value of a document, and the name of its kind. */
function within({ document, path }: Asked<'spark'>): { readonly value: SqlFragment<'spark'>; readonly kind: SqlFragment<'spark'> } {
  const value = s`try_variant_get(${parsed(document)}, ${placed(path)}, 'VARIANT')`;
  return { value, kind: s`schema_of_variant(${value})` };
}
const hasFraction = (kind: SqlFragment<'spark'>): SqlFragment<'spark'> => s`(${kind} = 'DOUBLE' OR startswith(${kind}, 'DECIMAL'))`;
/** Spark keeps no zeros behind the point, so a whole number beyond 64 bits looks like one with a fraction: as a text both end the statement. */
const spark: Forms<'spark'> = {
  json_text: (asked) => {
    const { value, kind } = within(asked);
    return whole(asked.document, s`CASE WHEN ${kind} IN ('STRING', 'BOOLEAN', 'BIGINT') THEN variant_get(${value}, '$', 'STRING') WHEN ${hasFraction(kind)} THEN raise_error('a number without one text') END`);
  },
  json_number: (asked) => {
    const { value, kind } = within(asked);
    return whole(asked.document, s`CASE WHEN ${kind} = 'BIGINT' OR ${hasFraction(kind)} THEN variant_get(${value}, '$', 'DOUBLE') END`);
  },
};
/** Values of a document by a path that is written out, equal in every dialect. */
export const jsonForms: { readonly [D in ExprDialect]: Forms<D> } = { duckdb: duck, postgres, spark };

/** Items as JSON: a text keeps its quotes, all else is as `from_json` spells it, which keeps what is a whole number apart from what is none. */
function sparkItems(list: SqlFragment<'spark'>): SqlFragment<'spark'> {
  const kind = s`schema_of_variant(v)`;
  return whole(list, s`zip_with(try_variant_get(${parsed(list)}, '$[0]', 'ARRAY<VARIANT>'), from_json(${list}, 'ARRAY<STRING>'), (v, r) -> CASE WHEN ${kind} = 'STRING' THEN to_json(v) WHEN r IS NULL AND ${kind} <> 'VOID' THEN raise_error('no JSON') ELSE r END)`);
}
interface Items<D extends ExprDialect> { readonly list: SqlFragment<D>; readonly empty: 'keep' | 'drop' }
type WithItems<D extends ExprDialect> = (from: SqlFragment<D>, items: Items<D>) => SqlFragment<D>;
const beside = <D extends ExprDialect>(dialect: D, from: SqlFragment<D>, { items, empty }: { readonly items: SqlFragment<D>; readonly empty: Items<D>['empty'] }): SqlFragment<D> => {
  const sql = sqlFor(dialect);
  return empty === 'keep' ? sql`${from} LEFT JOIN LATERAL ${items} ON TRUE` : sql`${from} CROSS JOIN LATERAL ${items}`;
};
const lists: { readonly [D in ExprDialect]: WithItems<D> } = {
  duckdb: (from, { list, empty }) => beside('duckdb', from, { empty, items: d`(SELECT CAST(unnest(system.main.json_extract(${list}, '$[*]')) AS VARCHAR) AS item WHERE system.main.json_type(${list}) = 'ARRAY') AS items` }),
  postgres: (from, { list, empty }) => beside('postgres', from, { empty, items: p`pg_catalog.json_array_elements(CASE WHEN pg_catalog.json_typeof(CAST(${list} AS json)) = 'array' THEN CAST(${list} AS json) ELSE CAST('[]' AS json) END) AS items(item)` }),
  spark: (from, { list, empty }) => s`${from} LATERAL VIEW ${empty === 'keep' ? s`OUTER ` : s``}explode(${sparkItems(list)}) items AS item`,
};
/** Rows beside the items of a list of theirs as `items.item`; none where it is no list. */
export const withItems = <D extends ExprDialect>(dialect: D, from: SqlFragment<D>, items: Items<D>): SqlFragment<D> => lists[dialect](from, items);
