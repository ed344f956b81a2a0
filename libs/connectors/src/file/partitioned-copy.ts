import type { ColumnMapping, ColumnType } from '@agent-etl/contracts';
import { identifier, joinSql, literal } from '@agent-etl/sql-safety';
import { isRefused, refusal } from './csv-cell-sql.ts';
import { type Duck, cast, listOf, literalText as text, sql } from './duck-sql.ts';

/** Longest text that names a folder, in bytes: a file system takes 255, and the name of the column stands before it. */
const LONGEST = 240;
type Travelling = Pick<ColumnMapping, 'target' | 'type'>;

/** The text of a value that names a folder, as `strictCast` reads it again; another that it would refuse ends the statement. */
function valueText(cell: Duck, { target, type }: Travelling): Duck {
  const plain = type.kind === 'dec' ? sql`regexp_replace(CAST(${cell} AS VARCHAR), '^(-?)[.]', '\\10.')` : cast(cell, 'VARCHAR');
  return sql`CASE WHEN ${isRefused(plain, type)} OR strlen(${plain}) > ${literal('duckdb', LONGEST)} THEN ${refusal(cell, target, 'NAME OF A FOLDER')} ELSE ${plain} END`;
}
/** Which partition a row belongs to: one text for all its values, which tells the empty text from none. */
function keyOf(values: readonly { readonly cell: Duck; readonly column: Travelling }[]): Duck {
  const parts = values.map(({ cell, column }) => sql`CASE WHEN ${cell} IS NULL THEN '' ELSE 'v' || base64(encode(${valueText(cell, column)})) END`);
  return joinSql(parts, sql` || '.' || `);
}

/** Where the columns of a task go: into the files, or into the names of the folders. */
export interface Split<C> { readonly kept: readonly C[]; readonly named: readonly C[] }
/** @param by names of the columns that name folders, in the order of the folders */
export function splitBy<C extends { readonly target: string }>(columns: readonly C[], by: readonly string[]): Split<C> {
  return { kept: columns.filter(({ target }) => !by.includes(target)), named: by.flatMap((name) => columns.filter(({ target }) => target === name)) };
}

/** Rows on their way into partitions: sorted, so that each partition is read where it lies, and on disk as far as they do not fit into memory.
 * A number of the key stands beside it: the engine keeps the least and the greatest of a number for each block of rows, and of a text only of its first letters. */
const ROWS = sql`${identifier('rows by partition')}`;
const KEY = sql`${identifier('partition')}`;
const NUMBER = sql`${identifier('partition number')}`;

/** Takes the rows c0, c1, … of a task: those columns that go into the files become c0, c1, … anew. */
export function keepRows<C extends Travelling>(from: Duck, columns: readonly C[], { kept, named }: Split<C>): Duck {
  const at = (column: C): Duck => sql`${identifier(`c${columns.indexOf(column)}`)}`;
  const key = keyOf(named.map((column) => ({ cell: at(column), column })));
  const values = kept.map((column, index) => sql`${at(column)} AS ${identifier(`c${index}`)}`);
  return sql`CREATE TEMPORARY TABLE ${ROWS} AS SELECT *, hash(${KEY}) AS ${NUMBER} FROM (SELECT ${listOf([...values, sql`${key} AS ${KEY}`])} FROM (${from}) AS rows) AS keyed ORDER BY ${NUMBER}, ${KEY}`;
}
/** The partitions of the rows that were taken, with the rows of each, and one more than there may be. */
export const countKept = (most: number): Duck => sql`SELECT ${KEY} AS key, count(*) AS rows FROM ${ROWS} GROUP BY ${KEY} ORDER BY ${KEY} LIMIT ${literal('duckdb', most + 1)}`;
/** The rows of one partition, as c0, c1, … */
export const keptRows = (key: string, columns: number): Duck => sql`SELECT ${listOf(Array.from({ length: columns }, (_, index) => sql`${identifier(`c${index}`)}`))} FROM ${ROWS} WHERE ${NUMBER} = hash(${text(key)}) AND ${KEY} = ${text(key)}`;
