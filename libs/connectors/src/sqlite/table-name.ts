import { EtlError } from '@agent-etl/contracts';
import { type SqlIdentifier, SqlSafetyError, identifier } from '@agent-etl/sql-safety';

export interface Table { readonly name: string; readonly quoted: SqlIdentifier }
/** Tables of SQLite and of ours, which are no datasets. */
export const isReserved = (name: string): boolean => /^(sqlite_|_etl_)/i.test(name);

/** The table that a dataset names: its name as it is written, also with dots and blanks in it; `main.` in front is what SQLite calls the file itself.
 * @throws EtlError `request.invalid` */
export function tableOf(dataset: string): Table {
  const name = dataset.replace(/^main\./, '').replace(/^"((?:[^"]|"")+)"$/, (_, inner: string) => inner.replaceAll('""', '"'));
  if (isReserved(name)) throw new EtlError('request.invalid', { pointer: dataset, problem: 'is a table of SQLite or of this tool itself' });
  return { name, quoted: columnName(name) };
}
/** @throws EtlError `request.invalid` for a name that no statement of ours may hold */
export function columnName(...parts: readonly string[]): SqlIdentifier {
  try {
    return identifier(...parts);
  } catch (cause) {
    if (cause instanceof SqlSafetyError) throw new EtlError('request.invalid', { pointer: parts.join('.').slice(0, 80), problem: cause.message }, { cause });
    throw cause;
  }
}
