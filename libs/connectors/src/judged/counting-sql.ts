import type { Measured, Measuring, RowCheck } from '@agent-etl/contracts';
import { type Dialect, type SqlFragment, identifier, joinSql, sqlFor } from '@agent-etl/sql-safety';

/** @property from the rows, as a FROM list
 * @property value of a column at its place, and of one by its name at the target
 * @property breaks whether a row breaks a check that looks at one row */
export interface Counting<D extends Dialect> {
  readonly from: SqlFragment<D>; readonly columns: readonly { readonly target: string }[]; readonly value: (index: number) => SqlFragment<D>;
  readonly breaks: (check: Exclude<RowCheck, { check: 'unique' }>) => SqlFragment<D>;
}

/** One statement that counts rows, NULLs by column and broken checks: n, n0…, b0…. Of rows with one key all but one break `unique`; a key with NULL is equal to nothing. */
export function countingSql<D extends Dialect>(dialect: D, { checks }: Pick<Measuring, 'checks'>, { from, columns, value, breaks }: Counting<D>): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const comma = sql`, `;
  const broken = checks.map(({ check }) => {
    if (check.check !== 'unique') return sql`count(*) FILTER (WHERE ${breaks(check)})`;
    const key = check.columns.map((name) => value(columns.findIndex(({ target }) => target === name)));
    const isWhole = joinSql(key.map((part) => sql`${part} IS NOT NULL`), sql` AND `);
    return sql`count(*) FILTER (WHERE ${isWhole}) - count(DISTINCT ${key.length === 1 ? key[0]! : sql`ROW(${joinSql(key, comma)})`}) FILTER (WHERE ${isWhole})`;
  });
  const counts = [sql`count(*) AS n`, ...columns.map((_, index) => sql`count(*) FILTER (WHERE ${value(index)} IS NULL) AS ${identifier(`n${index}`)}`), ...broken.map((count, index) => sql`${count} AS ${identifier(`b${index}`)}`)];
  return sql`SELECT ${joinSql(counts, comma)} FROM ${from}`;
}
/** What such a statement answered. */
export function measuredOf(row: Readonly<Record<string, unknown>> | undefined, { columns, checks }: { readonly columns: readonly unknown[]; readonly checks: readonly unknown[] }): Measured {
  const at = (name: string): number => Number(row?.[name]);
  return { rows: at('n'), nulls: columns.map((_, index) => at(`n${index}`)), broken: checks.map((_, index) => at(`b${index}`)) };
}
