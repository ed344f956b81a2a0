import { type SqlFragment, joinSql, literal, sqlFor } from '@agent-etl/sql-safety';
import type { Bars } from './histogram-rules.ts';
import { emptyRegisters, readRegisters } from './registers-rules.ts';
import type { ColumnPart, End, SketchPart } from './sketch-rules.ts';

type Dialect = 'postgres' | 'duckdb';
/** A column as a sketch reads it: its cell, what is shown of its ends, its place on the scale (NULL: it has none), and its hash of 64 bits, NULL for NULL. */
export interface Measured<D extends Dialect> { readonly cell: SqlFragment<D>; readonly shown: SqlFragment<D>; readonly at: SqlFragment<D>; readonly hash: SqlFragment<D> }

const PER_COLUMN = 6;
/** One row with one array of texts: the rows, and of each column NULLs, placed values, both ends on the scale and as they are spelled. */
export function countsSql<D extends Dialect>(dialect: D, columns: readonly Measured<D>[], from: SqlFragment<D>): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const found = columns.flatMap(({ cell, shown, at }) => [
    sql`count(*) - count(${cell})`, sql`count(${at})`, sql`min(${at})`, sql`max(${at})`, sql`min(${shown}) FILTER (WHERE ${at} IS NOT NULL)`, sql`max(${shown}) FILTER (WHERE ${at} IS NOT NULL)`]);
  return sql`SELECT ARRAY[${joinSql([sql`count(*)`, ...found].map((value) => sql`CAST(${value} AS VARCHAR)`), sql`, `)}] AS found FROM ${from}`;
}
/** Cells with the number of their column, as (i, value) of `name`; NULLs are left out. */
function spread<D extends Dialect>(dialect: D, values: readonly SqlFragment<D>[], from: SqlFragment<D>): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const nth = (index: number): SqlFragment<D> => literal(dialect, index);
  const listed = joinSql(values.map((value) => sql`${value}`), sql`, `);
  if (values.length === 1) return sql`SELECT ${nth(0)} AS i, value FROM (SELECT ${listed} AS value FROM ${from}) AS cells WHERE value IS NOT NULL`;
  if (dialect === 'duckdb') return sql`SELECT i, value FROM (SELECT unnest([${joinSql(values.map((_, index) => nth(index)), sql`, `)}]) AS i, unnest([${listed}]) AS value FROM ${from}) AS cells WHERE value IS NOT NULL`;
  return sql`SELECT cells.i, cells.value FROM ${from} CROSS JOIN LATERAL (VALUES ${joinSql(values.map((value, index) => sql`(${nth(index)}, ${value})`), sql`, `)}) AS cells(i, value) WHERE cells.value IS NOT NULL`;
}
/** Registers of each column as `register:least` pairs. The shift of a signed number draws ones in: only 52 bits are kept. */
export function registersSql<D extends Dialect>(dialect: D, columns: readonly Measured<D>[], from: SqlFragment<D>): SqlFragment<D> {
  const sql = sqlFor(dialect);
  return sql`SELECT i, string_agg(CAST(register AS VARCHAR) || ':' || CAST(least AS VARCHAR), ',') AS pairs FROM (
    SELECT i, value & 4095 AS register, min((value >> 12) & 4503599627370495) AS least FROM (${spread(dialect, columns.map(({ hash }) => hash), from)}) AS hashes GROUP BY 1, 2) AS registers GROUP BY i`;
}
/** Values in each bar, of columns whose ends are known. @param widths powers of two */
export function barsSql<D extends Dialect>(dialect: D, columns: readonly (Pick<Measured<D>, 'at'> & { readonly width: number })[], from: SqlFragment<D>): SqlFragment<D> {
  const sql = sqlFor(dialect);
  const bars = columns.map(({ at, width }) => sql`floor(${at} / CAST(${width} AS DOUBLE PRECISION))`);
  return sql`SELECT i, CAST(CAST(value AS BIGINT) AS VARCHAR) AS bar, CAST(count(*) AS VARCHAR) AS n FROM (${spread(dialect, bars, from)}) AS bars GROUP BY i, value`;
}

/** How the parts of one sketch are asked for, by a server or an engine. */
export interface Asked<D extends Dialect> { readonly dialect: D; readonly columns: readonly (Measured<D> & { readonly exponent: (ends: { low: number; high: number }) => number })[]; readonly from: SqlFragment<D>;
  readonly ask: (statement: SqlFragment<D>) => Promise<readonly Readonly<Record<string, unknown>>[]> }

/** Reads the rows of one piece three times: counts and ends, then the bars between those ends, then registers. No row leaves its system. */
export async function sketchPiece<D extends Dialect>({ dialect, columns, from, ask }: Asked<D>): Promise<SketchPart> {
  const [row] = await ask(countsSql(dialect, columns, from));
  const found = row?.['found'] as readonly (string | null)[];
  const rows = Number(found[0]);
  const counts = columns.map((_, index) => countOf(found.slice(1 + index * PER_COLUMN, 1 + (index + 1) * PER_COLUMN), rows));
  const placed = columns.flatMap(({ at, exponent }, index) => { const { low, high } = counts[index]!; return low && high ? [{ at, index, exponent: exponent({ low: low.at, high: high.at }) }] : []; });
  const bars = placed.length ? await ask(barsSql(dialect, placed.map(({ at, exponent }) => ({ at, width: 2 ** exponent })), from)) : [];
  const registers = rows ? await ask(registersSql(dialect, columns, from)) : [];
  return { rows, columns: counts.map((count, index) => {
    const nth = placed.findIndex((each) => each.index === index);
    const pairs = registers.find(({ i }) => Number(i) === index)?.['pairs'];
    return { ...count, registers: pairs === undefined ? emptyRegisters() : readRegisters(String(pairs)), bars: nth < 0 ? null : barsOf(bars.filter(({ i }) => Number(i) === nth), placed[nth]!.exponent) };
  }) };
}
function countOf([nulls, placed, low, high, least, most]: readonly (string | null)[], rows: number): Omit<ColumnPart, 'registers' | 'bars'> {
  const end = (at: string | null | undefined, text: string | null | undefined): End | null => (at === null || at === undefined ? null : { at: Number(at), text: text ?? at });
  return { nulls: Number(nulls), beyond: rows - Number(nulls) - Number(placed), low: end(low, least), high: end(high, most) };
}
function barsOf(rows: readonly Readonly<Record<string, unknown>>[], exponent: number): Bars {
  const counts = new Map(rows.map(({ bar, n }) => [Number(bar), Number(n)]));
  const first = Math.min(...counts.keys());
  return { exponent, first, counts: Array.from({ length: Math.max(...counts.keys()) - first + 1 }, (_, index) => counts.get(first + index) ?? 0) };
}
