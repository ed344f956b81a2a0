import { SqlSafetyError } from '../errors.ts';
import { type Dialect, type SqlFragment, mint } from './fragment.ts';

/** A value printed into the text, for the places where no value can be bound: COPY, DDL, table functions.
 * Strings stand in single quotes with quotes doubled where a backslash is read as itself (Postgres: `standard_conforming_strings`, which our sessions set). MySQL's
 * meaning of it hangs on its sql_mode: there a text is printed as the hex of its UTF-8. Spark reads a backslash as the beginning of an escape and `${` as a variable: there both, quotes
 * and controls are printed as escapes.
 * @throws SqlSafetyError `SQL_VALUE_INVALID` for NUL, half a surrogate pair, NaN and infinities */
export function literal<D extends Dialect>(dialect: D, value: string | number | bigint | boolean | null): SqlFragment<D> {
  return mint(dialect, [{ text: print(value, dialect) }]);
}
function print(value: string | number | bigint | boolean | null, dialect: Dialect): string {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new SqlSafetyError('SQL_VALUE_INVALID', 'only whole numbers are printed; bind others');
    return String(value);
  }
  if (typeof value !== 'string' || value.includes('\0') || !value.isWellFormed()) throw new SqlSafetyError('SQL_VALUE_INVALID', 'a text with NUL or half a surrogate pair');
  if (dialect === 'mysql') return `_utf8mb4 x'${[...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}'`;
  if (dialect === 'spark') return sparkText(value);
  return `'${value.replaceAll('\'', '\'\'')}'`;
}
const ESCAPED = /[\\'$\u0001-\u001f\u007f]/g;
function sparkText(value: string): string {
  return `'${value.replaceAll(ESCAPED, (found) => (found === '\\' || found === '\'' ? `\\${found}` : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`))}'`;
}
