import { isUtf8 } from 'node:buffer';
import { EtlError } from '@agent-etl/contracts';
import { compile, sqlFor } from '@agent-etl/sql-safety';
import type { Reading } from './row-sql.ts';
import { type SqliteDatabase, refusedValue } from './sqlite-database.ts';
import { type Table, columnName } from './table-name.ts';

const sql = sqlFor('sqlite');
interface Where { readonly database: SqliteDatabase; readonly table: Table; readonly rowid: string | null; readonly columns: readonly (Reading & { readonly target: string })[] }
const TEXTS = new Set(['text', 'json', 'uuid', 'other', 'dec']);

/** Adds row and column of the source to a refusal: SQLite keeps texts that are no UTF-8, and texts with NUL, which no other store takes. A second pass that only a failure pays for. */
export function namedText(refusal: unknown, where: Where): unknown {
  if (!(refusal instanceof EtlError) || !refusal.code.startsWith('data.') || typeof refusal.details['row'] === 'number') return refusal;
  return firstBroken(where, where.columns.filter(({ target }) => !refusal.cell || target === refusal.cell.column)) ?? refusal;
}
function firstBroken({ database, table, rowid }: Where, columns: Where['columns']): EtlError | null {
  const texts = columns.filter(({ type }) => TEXTS.has(type.kind));
  const row = rowid === null ? sql`'none'` : sql`CAST(${columnName(rowid)} AS TEXT)`;
  for (const { source, type } of texts) {
    const c = columnName(source);
    for (const [id, bytes] of database.rows(compile(sql`SELECT ${row}, CAST(${c} AS BLOB) FROM main.${table.quoted} WHERE typeof(${c}) = 'text'`))) {
      const text = bytes as Uint8Array;
      const problem = text.includes(0) ? 'text without NUL' : isUtf8(text) ? null : 'UTF-8 text';
      if (problem) return refusedValue({ row: Number(id), column: source, value: Buffer.from(text).toString('utf8').toWellFormed().replaceAll('\0', '\\0'), target: type.kind === 'text' ? problem : `${type.kind}, ${problem}` });
    }
  }
  return null;
}
