import { type SqlFragment, joinSql, literal, sqlFor, typeName } from '@agent-etl/sql-safety';

export type Duck = SqlFragment<'duckdb'>;
export const sql = sqlFor('duckdb');
const comma = sql`, `;
export const listOf = (parts: readonly Duck[]): Duck => joinSql(parts, comma);
export const cast = (value: Duck, duckType: string): Duck => sql`CAST(${value} AS ${typeName('duckdb', duckType)})`;
export const literalText = (value: string): Duck => literal('duckdb', value);
/** Columns of a file are known by position: names in files are longer and stranger than names in SQL may be. */
export const nth = (index: number): Duck => sql`#${literal('duckdb', index + 1)}`;
/** One path or several, as a table function takes them. */
export const pathsOf = (paths: readonly string[]): Duck => (paths.length === 1 ? literalText(paths[0] ?? '') : sql`[${listOf(paths.map(literalText))}]`);
/** Name of the column that says which file a row is from, where several are read: no file has a column of this name. */
export const FROM_FILE = 'agent-etl: file of the row';
