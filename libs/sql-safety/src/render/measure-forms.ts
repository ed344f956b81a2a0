import type { ColumnType, Measure } from '@agent-etl/contracts';
import { MOST_DIGITS, asDecimal, isWhole } from '../check/type-rules.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { type ExprDialect, typeIn } from './types.ts';

interface Asked<D extends ExprDialect> { readonly fn: Measure['fn']; readonly arg: SqlFragment<D> | null; readonly from: ColumnType | null; readonly where: SqlFragment<D> | null;
  /** A window that it is computed over; a group when left out. */
  readonly over?: SqlFragment<D> }
type Form<D extends ExprDialect> = (asked: Asked<D>) => SqlFragment<D>;

/** Aggregates in a dialect, equal in every one: sums keep every digit, an average is an exact sum divided once. Texts are ordered by code points. */
const form = <D extends ExprDialect>(dialect: D): Form<D> => ({ fn, arg, from, where, over }) => {
  const sql = sqlFor(dialect);
  const only = sql`${where ? sql` FILTER (WHERE ${where})` : sql``}${over ?? sql``}`;
  if (arg === null || from === null) return sql`count(*)${only}`;
  const digits = isWhole(from) ? 0 : from.kind === 'dec' ? asDecimal(from).s : null;
  const most = digits === null ? null : typeIn(dialect, { kind: 'dec', precision: MOST_DIGITS, scale: digits });
  // DuckDB sums whole numbers and decimals in 128 bits by itself: widening each value first takes twice the time.
  const sum = most === null ? sql`sum(${arg})${only}` : dialect === 'duckdb' ? sql`CAST(sum(${arg})${only} AS ${most})` : sql`sum(CAST(${arg} AS ${most}))${only}`;
  const value = dialect === 'postgres' && from.kind === 'text' ? sql`${arg} COLLATE "C"` : arg;
  switch (fn) {
    case 'count': return sql`count(${arg})${only}`;
    case 'count_distinct': return sql`count(DISTINCT ${arg})${only}`;
    case 'sum': return sum;
    case 'min': return sql`min(${value})${only}`;
    case 'max': return sql`max(${value})${only}`;
    case 'avg': return sql`CAST(CAST(${sum} AS ${typeIn(dialect, { kind: 'text' })}) AS ${typeIn(dialect, { kind: 'f64' })}) / nullif(count(${arg})${only}, 0)`;
  }
};
export const measureForms: { readonly [D in ExprDialect]: Form<D> } = { duckdb: form('duckdb'), postgres: form('postgres'), spark: form('spark') };
