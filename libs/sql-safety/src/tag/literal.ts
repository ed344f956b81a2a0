import { SqlSafetyError } from '../errors.ts';
import { type Dialect, type SqlFragment, mint } from './fragment.ts';

/** A value printed into the text, for the places where no value can be bound: COPY, DDL, table functions.
 * Strings stand in single quotes with quotes doubled; both dialects read backslashes as themselves (Postgres: `standard_conforming_strings`, which our sessions set).
 * @throws SqlSafetyError `SQL_VALUE_INVALID` for NUL, half a surrogate pair, NaN and infinities */
export function literal<D extends Dialect>(dialect: D, value: string | number | bigint | boolean | null): SqlFragment<D> {
  return mint(dialect, [{ text: print(value) }]);
}
function print(value: string | number | bigint | boolean | null): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new SqlSafetyError('SQL_VALUE_INVALID', 'only whole numbers are printed; bind others');
    return String(value);
  }
  if (typeof value !== 'string' || value.includes('\0') || !value.isWellFormed()) throw new SqlSafetyError('SQL_VALUE_INVALID', 'a text with NUL or half a surrogate pair');
  return `'${value.replaceAll('\'', '\'\'')}'`;
}
