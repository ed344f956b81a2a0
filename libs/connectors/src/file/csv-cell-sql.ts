import type { ColumnType } from '@agent-etl/contracts';
import { type SqlFragment, literal, sqlFor, typeName } from '@agent-etl/sql-safety';
import { duckTypeOf } from './file-types-rules.ts';

type Duck = SqlFragment<'duckdb'>;
const sql = sqlFor('duckdb');

const OFFSET = '(Z|[+-][0-9]{2}(:?[0-9]{2})?)';
const CLOCK = '[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?';
const DAY = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const NUMBER = '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,4})?';

/** The texts that a cell of a type may have, as a regular expression over the whole cell, or null where every text is fine.
 * DuckDB's own casts are kinder than a copy may be: 1.5 becomes the integer 2, 2001-01-01 10:00 the date, and a zone is dropped. */
export function cellPattern({ kind, scale = 0 }: ColumnType): string | null {
  switch (kind) {
    case 'i16': case 'i32': case 'i64': return '-?(0|[1-9][0-9]*)';
    case 'dec': return scale === 0 ? '-?[0-9]+' : `-?[0-9]+([.][0-9]{0,${scale}})?`;
    case 'f32': case 'f64': return `${NUMBER}|[Nn]a[Nn]|[+-]?[Ii]nf(inity)?`;
    case 'bool': return '(?i)t|f|true|false';
    case 'date': return DAY;
    case 'time': return CLOCK;
    case 'ts': return `${DAY}([ T]${CLOCK})?`;
    case 'tstz': return `${DAY}[ T]${CLOCK} ?${OFFSET}`;
    case 'text': case 'bytes': case 'uuid': case 'json': case 'other': return null;
    default: return null;
  }
}

const replaced = (cell: Duck, pattern: string, by: string): Duck => sql`regexp_replace(${cell}, ${literal('duckdb', pattern)}, ${literal('duckdb', by)})`;
/** An instant as DuckDB reads it: with seconds, and no blank before the zone. `2001-01-01 10:00+02` would be NULL. */
const spelledOut = (cell: Duck): Duck => replaced(replaced(cell, `^(.*[0-9]) (${OFFSET})$`, '\\1\\2'), `^(${DAY}[ T][0-9]{2}:[0-9]{2})(${OFFSET})$`, '\\1:00\\2');

/** The cell as its type, NULL where it has none that keeps it. */
function tryCast(cell: Duck, { kind, ...more }: ColumnType): Duck {
  const value = sql`TRY_CAST(${kind === 'tstz' ? spelledOut(cell) : cell} AS ${typeName('duckdb', duckTypeOf({ kind, ...more }))})`;
  if (kind !== 'f64' && kind !== 'f32') return value;
  return sql`CASE WHEN isinf(${value}) AND NOT contains(lower(${cell}), 'inf') THEN NULL ELSE ${value} END`;
}

/** Ends the statement in the words of DuckDB's own refusals, with the name of the column. */
export const refusal = (cell: Duck, column: string, duckType: string): Duck =>
  sql`error(${literal('duckdb', `Error when converting column "${column}". Could not convert string "`)} || CAST(${cell} AS VARCHAR) || ${literal('duckdb', `" to '${duckType}'`)})`;

/** Whether a cell is what DuckDB prints for its value, and needs no second look: a third of the price of the pattern. NULL where it has no value, or none where values are not told by their text.
 * Years beyond 9999 and `infinity` print longer or shorter than what a cell may be. */
function printedAlike(cell: Duck, type: ColumnType): Duck | null {
  const isSame = sql`CAST(${tryCast(cell, type)} AS VARCHAR) = ${cell}`;
  switch (type.kind) {
    case 'i16': case 'i32': case 'i64': case 'dec': return isSame;
    case 'date': return sql`strlen(${cell}) = 10 AND ${isSame}`;
    case 'ts': return sql`strlen(${cell}) = 19 AND ${isSame}`;
    default: return null;
  }
}

/** The first branch of a CASE that asks a pattern of the cells that are left. */
function alike(cell: Duck, type: ColumnType): Duck {
  const printed = printedAlike(cell, type);
  return printed ? sql`WHEN ${printed} THEN ${tryCast(cell, type)} ` : sql``;
}

/** A CSV cell as its type, or an error that names column and value. NUL in a text is refused: no other store takes it. */
export function strictCast(cell: Duck, column: string, type: ColumnType): Duck {
  const pattern = cellPattern(type);
  if (pattern === null) return sql`CASE WHEN contains(${cell}, chr(0)) THEN error(${literal('duckdb', `NUL in column "${column}"`)}) ELSE ${cell} END`;
  const refuse = refusal(cell, column, duckTypeOf(type));
  return sql`CASE ${alike(cell, type)}WHEN ${cell} IS NULL OR regexp_full_match(${cell}, ${literal('duckdb', pattern)})
    THEN coalesce(${tryCast(cell, type)}, CASE WHEN ${cell} IS NOT NULL THEN ${refuse} END) ELSE ${refuse} END`;
}

/** A value as another type, NULL where that has none. */
export const tryAs = (value: Duck, duckType: string): Duck => sql`TRY_CAST(${value} AS ${typeName('duckdb', duckType)})`;
/** A cell as its type. What does not fit ends the statement, as `strictCast` has it, or is NULL: then only the cell tells it from nothing. */
export function fittingCell(cell: Duck, { source, type }: { readonly source: string; readonly type: ColumnType }, misfit: 'refused' | 'null'): Duck {
  if (misfit === 'refused') return strictCast(cell, source, type);
  const pattern = cellPattern(type);
  if (type.kind === 'uuid') return sql`CASE WHEN ${tryAs(cell, 'UUID')} IS NOT NULL THEN ${cell} END`;
  if (pattern === null) return sql`CASE WHEN NOT contains(${cell}, chr(0)) THEN ${cell} END`;
  return sql`CASE ${alike(cell, type)}WHEN regexp_full_match(${cell}, ${literal('duckdb', pattern)}) THEN ${tryCast(cell, type)} END`;
}

/** Whether `strictCast` refuses a cell. */
export function isRefused(cell: Duck, type: ColumnType): Duck {
  const pattern = cellPattern(type);
  if (pattern === null) return sql`contains(${cell}, chr(0))`;
  return sql`${cell} IS NOT NULL AND (NOT regexp_full_match(${cell}, ${literal('duckdb', pattern)}) OR ${tryCast(cell, type)} IS NULL)`;
}
