import { SqlSafetyError } from '../errors.ts';
import { type Dialect, type SqlFragment, type SqlValue, piecesOf } from './fragment.ts';

const minted = new WeakSet<object>();

/** One statement that connectors and engines may run: text with places such as $1 and the values to bind. Only `compile` mints it. */
export class SafeSql<D extends Dialect> {
  readonly #proof = true;
  readonly dialect: D;
  readonly text: string;
  readonly params: readonly SqlValue[];
  constructor(dialect: D, text: string, params: readonly SqlValue[]) {
    this.dialect = dialect;
    this.text = text;
    this.params = Object.freeze([...params]);
    void this.#proof;
  }
}

/** How a dialect marks the place of a value. MySQL knows no numbers: its places are in the order of the values anyway. Spark knows names: the first value is p1. */
const placeOf: Readonly<Record<Dialect, (nth: number) => string>> = { postgres: (nth) => `$${nth}`, duckdb: (nth) => `$${nth}`, spark: (nth) => `:p${nth}`, sqlite: (nth) => `?${nth}`, mysql: () => '?' };

/** Makes the statement of a fragment.
 * @throws SqlSafetyError `SQL_NAME_INVALID` for Spark when a name holds what it takes for a variable of its own: it looks for them in the raw text, names included */
export function compile<D extends Dialect>(fragment: SqlFragment<D>): SafeSql<D> {
  const params: SqlValue[] = [];
  const text = piecesOf(fragment, fragment.dialect).map((piece) => {
    if ('text' in piece) return piece.text;
    params.push(piece.value);
    return placeOf[fragment.dialect](params.length);
  }).join('');
  if (fragment.dialect === 'spark' && text.includes('${')) throw new SqlSafetyError('SQL_NAME_INVALID', 'a name holds ${, which Spark takes for a variable');
  const statement = new SafeSql(fragment.dialect, text, params);
  Object.freeze(statement);
  minted.add(statement);
  return statement;
}
/** Whether `compile` made it: the check at run time, for callers that TypeScript did not see. */
export const isSafeSql = (value: unknown): value is SafeSql<Dialect> => typeof value === 'object' && value !== null && minted.has(value);
