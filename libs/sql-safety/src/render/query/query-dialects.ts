import type { ColumnType, QueryAggregate, QueryWindowFunction } from '@agent-etl/contracts';
import { asDecimal, isWhole, text } from '../../check/type-rules.ts';
import { type SqlFragment, joinSql, sqlFor } from '../../tag/fragment.ts';
import { type ExprDialect, typeIn } from '../types.ts';

/** An aggregate as it is printed.
 * @property types of the arguments
 * @property order keys between the parentheses, for string_agg
 * @property behind FILTER and OVER, which stand behind each call */
export interface Aggregated<D extends ExprDialect> { readonly fn: QueryAggregate; readonly args: readonly SqlFragment<D>[]; readonly types: readonly ColumnType[]; readonly distinct: boolean; readonly order: SqlFragment<D> | null; readonly filter: SqlFragment<D> | null; readonly over: SqlFragment<D> | null }
/** How a dialect says what only queries have. One value per dialect, so that one more is one more value.
 * @property sorted a value as a key of an order: texts by code points */
export interface QueryDialect<D extends ExprDialect> {
  aggregate(asked: Aggregated<D>): SqlFragment<D>;
  sorted(value: SqlFragment<D>, type: ColumnType): SqlFragment<D>;
}

type AggregateForm<D extends ExprDialect> = (asked: Aggregated<D> & { readonly behind: SqlFragment<D>; readonly distinctly: SqlFragment<D> }) => SqlFragment<D>;

function exactOf<D extends ExprDialect>(dialect: D, value: SqlFragment<D>, type: ColumnType): SqlFragment<D> {
  // DuckDB sums whole numbers and decimals in 128 bits by itself: widening each value first takes twice the time.
  if (dialect === 'duckdb') return value;
  const sql = sqlFor(dialect);
  const scale = isWhole(type) ? 0 : type.kind === 'dec' ? asDecimal(type).s : null;
  return scale === null ? value : sql`CAST(${value} AS ${typeIn(dialect, { kind: 'dec', precision: 38, scale })})`;
}
/** Aggregates that are spelled alike everywhere. Sums keep every digit; an average is an exact sum divided once. */
function commonForms<D extends ExprDialect>(dialect: D): Readonly<Partial<Record<QueryAggregate, AggregateForm<D>>>> {
  const sql = sqlFor(dialect);
  const [f64, str] = [typeIn(dialect, { kind: 'f64' }), typeIn(dialect, { kind: 'text' })];
  const plain = (name: SqlFragment<D>): AggregateForm<D> => ({ args, behind }) => sql`${name}(${joinSql(args, sql`, `)})${behind}`;
  return {
    count: ({ args: [arg], distinctly, behind }) => (arg ? sql`count(${distinctly}${arg})${behind}` : sql`count(*)${behind}`),
    count_if: ({ args: [arg], filter, over }) => sql`count(*) FILTER (WHERE ${arg!}${filter ? sql` AND ${filter}` : sql``})${over ?? sql``}`,
    sum: ({ args: [arg], types: [type], distinctly, behind }) => sql`sum(${distinctly}${exactOf(dialect, arg!, type!)})${behind}`,
    avg: ({ args: [arg], types: [type], distinctly, behind }) => (type!.kind === 'f64' ? sql`avg(${distinctly}${arg!})${behind}`
      : sql`(CAST(CAST(sum(${distinctly}${exactOf(dialect, arg!, type!)})${behind} AS ${str}) AS ${f64}) / nullif(count(${distinctly}${arg!})${behind}, 0))`),
    bool_and: plain(sql`bool_and`), bool_or: plain(sql`bool_or`), covar_pop: plain(sql`covar_pop`), covar_samp: plain(sql`covar_samp`), stddev_pop: plain(sql`stddev_pop`), stddev_samp: plain(sql`stddev_samp`), var_pop: plain(sql`var_pop`), var_samp: plain(sql`var_samp`),
    string_agg: ({ args: [arg, separator], distinctly, order, behind }) => sql`string_agg(${distinctly}${arg!}, ${separator!} ORDER BY ${order ?? arg!})${behind}`,
  };
}
const d = sqlFor('duckdb');
const p = sqlFor('postgres');
const duckForms: Readonly<Partial<Record<QueryAggregate, AggregateForm<'duckdb'>>>> = {
  ...commonForms('duckdb'),
  // Of constants it is NaN here, and NULL elsewhere.
  corr: ({ args: [a, b], behind }) => d`CASE WHEN system.main.isnan(corr(${a!}, ${b!})${behind}) THEN NULL ELSE corr(${a!}, ${b!})${behind} END`,
  max: ({ args: [arg], distinctly, behind }) => d`max(${distinctly}${arg!})${behind}`, min: ({ args: [arg], distinctly, behind }) => d`min(${distinctly}${arg!})${behind}`,
  max_by: ({ args: [value, key], behind }) => d`arg_max_null(${value!}, ${key!})${behind}`, min_by: ({ args: [value, key], behind }) => d`arg_min_null(${value!}, ${key!})${behind}`,
  median: ({ args: [arg], behind }) => d`quantile_cont(${arg!}, CAST('0.5' AS DOUBLE))${behind}`, percentile_cont: ({ args: [arg, fraction], behind }) => d`quantile_cont(${arg!}, ${fraction!})${behind}`, percentile_disc: ({ args: [arg, fraction], behind }) => d`quantile_disc(${arg!}, ${fraction!})${behind}`,
};
const byCodePoints = (value: SqlFragment<'postgres'>, { kind }: ColumnType): SqlFragment<'postgres'> => (kind === 'text' ? p`${value} COLLATE "C"` : value);
const postgresForms: Readonly<Partial<Record<QueryAggregate, AggregateForm<'postgres'>>>> = {
  ...commonForms('postgres'),
  corr: ({ args: [a, b], behind }) => p`corr(${a!}, ${b!})${behind}`,
  max: ({ args: [arg], types: [type], distinctly, behind }) => p`max(${distinctly}${byCodePoints(arg!, type!)})${behind}`, min: ({ args: [arg], types: [type], distinctly, behind }) => p`min(${distinctly}${byCodePoints(arg!, type!)})${behind}`,
  string_agg: ({ args: [arg, separator], distinctly, order, behind }) => p`string_agg(${distinctly}${byCodePoints(arg!, text)}, ${separator!} ORDER BY ${order ?? byCodePoints(arg!, text)})${behind}`,
  max_by: (asked) => firstBy(asked, p`DESC`), min_by: (asked) => firstBy(asked, p`ASC`),
  median: ({ args: [arg], behind }) => p`percentile_cont(CAST('0.5' AS double precision)) WITHIN GROUP (ORDER BY ${arg!})${behind}`,
  percentile_cont: ({ args: [arg, fraction], behind }) => p`percentile_cont(${fraction!}) WITHIN GROUP (ORDER BY ${arg!})${behind}`,
  percentile_disc: ({ args: [arg, fraction], types: [type], behind }) => p`percentile_disc(${fraction!}) WITHIN GROUP (ORDER BY ${byCodePoints(arg!, type!)})${behind}`,
};
/** Rows without a key do not count. */
function firstBy({ args: [value, key], types: [, type], filter, over }: Aggregated<'postgres'>, dir: SqlFragment<'postgres'>): SqlFragment<'postgres'> {
  return p`(pg_catalog.array_agg(${value!} ORDER BY ${byCodePoints(key!, type!)} ${dir}) FILTER (WHERE ${key!} IS NOT NULL${filter ? p` AND ${filter}` : p``})${over ?? p``})[1]`;
}

function printed<D extends ExprDialect>(dialect: D, forms: Readonly<Partial<Record<QueryAggregate, AggregateForm<D>>>>): QueryDialect<D>['aggregate'] {
  const sql = sqlFor(dialect);
  return (asked) => {
    const form = forms[asked.fn];
    if (!form) throw new TypeError(`no form of ${asked.fn}`);
    return form({ ...asked, behind: sql`${asked.filter ? sql` FILTER (WHERE ${asked.filter})` : sql``}${asked.over ?? sql``}`, distinctly: asked.distinct ? sql`DISTINCT ` : sql`` });
  };
}
/** Dialects that a query is printed in. */
export const queryDialects: { readonly [D in ExprDialect]?: QueryDialect<D> } = {
  duckdb: { aggregate: printed('duckdb', duckForms), sorted: (value) => value },
  postgres: { aggregate: printed('postgres', postgresForms), sorted: byCodePoints },
};

/** Functions of rank and place are called alike everywhere. */
export function windowName<D extends ExprDialect>(dialect: D, fn: QueryWindowFunction): SqlFragment<D> {
  const sql = sqlFor(dialect);
  switch (fn) {
    case 'cume_dist': return sql`cume_dist`;
    case 'dense_rank': return sql`dense_rank`;
    case 'first_value': return sql`first_value`;
    case 'lag': return sql`lag`;
    case 'last_value': return sql`last_value`;
    case 'lead': return sql`lead`;
    case 'nth_value': return sql`nth_value`;
    case 'ntile': return sql`ntile`;
    case 'percent_rank': return sql`percent_rank`;
    case 'rank': return sql`rank`;
    case 'row_number': return sql`row_number`;
  }
}
