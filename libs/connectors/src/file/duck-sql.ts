import { type SqlFragment, joinSql, literal, sqlFor, typeName } from '@agent-etl/sql-safety';

export type Duck = SqlFragment<'duckdb'>;
export const sql = sqlFor('duckdb');
const comma = sql`, `;
export const listOf = (parts: readonly Duck[]): Duck => joinSql(parts, comma);
export const cast = (value: Duck, duckType: string): Duck => sql`CAST(${value} AS ${typeName('duckdb', duckType)})`;
export const literalText = (value: string): Duck => literal('duckdb', value);
/** Columns of a file are known by position: names in files are longer and stranger than names in SQL may be. */
export const nth = (index: number): Duck => sql`#${literal('duckdb', index + 1)}`;
