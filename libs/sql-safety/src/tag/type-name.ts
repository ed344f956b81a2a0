import { SqlSafetyError } from '../errors.ts';
import { type Dialect, type SqlFragment, mint } from './fragment.ts';

const WORD = '[A-Za-z_][A-Za-z0-9_]*';
const QUOTED = '"(?:[^"\\0]|"")+"';
const NAME = `(?:${WORD}|${QUOTED})`;
const SIZE = '\\(\\d{1,5}(?:,\\s?-?\\d{1,5})?\\)';
const MORE = '(?: (?:varying|precision|unsigned|with|without|time|zone|local|year|month|day|hour|minute|second|to|WITH|WITHOUT|TIME|ZONE|PRECISION|VARYING))*';
/** Names with dots, the words of types such as `timestamp with time zone`, one size anywhere, and array brackets: all that a type may be made of. */
const TYPE = new RegExp(`^${NAME}(?:\\.${NAME})?${MORE}(?: ?${SIZE})?${MORE}(?:\\[\\d{0,5}\\])*$`);

/** A type as its engine spells it. Nothing but names, sizes and brackets passes: no operator, literal, comment or second statement can. To MySQL and Spark a double quote may begin a text: no type holds one.
 * @throws SqlSafetyError `SQL_TYPE_INVALID` */
export function typeName<D extends Dialect>(dialect: D, spelled: string): SqlFragment<D> {
  if (spelled.length > 200 || ((dialect === 'mysql' || dialect === 'spark') && spelled.includes('"')) || !spelled.isWellFormed() || !TYPE.test(spelled)) throw new SqlSafetyError('SQL_TYPE_INVALID', 'this is no type name');
  return mint(dialect, [{ text: spelled }]);
}
