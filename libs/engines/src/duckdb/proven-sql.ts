import { type SafeSql, isSafeSql } from '@agent-etl/sql-safety';

/** The text and values of a statement, if sql-safety compiled it. A look-alike is our own mistake, so it is no EtlError.
 * @throws TypeError */
export function provenSql(statement: SafeSql<'duckdb'>): { text: string; params: unknown[] } {
  if (!isSafeSql(statement) || statement.dialect !== 'duckdb') throw new TypeError('engines run only what sql-safety compiled for duckdb');
  return { text: statement.text, params: [...statement.params] };
}
