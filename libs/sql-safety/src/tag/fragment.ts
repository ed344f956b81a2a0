import { SqlSafetyError } from '../errors.ts';
import { type SqlIdentifier, isIdentifier, printIdentifier } from '../ident/identifier.ts';

export type Dialect = 'duckdb' | 'postgres' | 'spark' | 'sqlite' | 'mysql';
/** Dialects whose names stand between backticks: to them a double quote may begin a text. */
const ticked: readonly Dialect[] = ['mysql', 'spark'];
/** Bound, never printed. NaN is refused: no driver agrees on it. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null;
type Piece = { readonly text: string } | { readonly value: SqlValue };
const minted = new WeakMap<object, readonly Piece[]>();

/** A part of a statement. Only a tag, `joinSql`, `literal` and `typeName` mint it. */
export class SqlFragment<D extends Dialect> {
  readonly #proof = true;
  readonly dialect: D;
  constructor(dialect: D) {
    this.dialect = dialect;
    void this.#proof;
  }
}
export function mint<D extends Dialect>(dialect: D, pieces: readonly Piece[]): SqlFragment<D> {
  const fragment = new SqlFragment(dialect);
  Object.freeze(fragment);
  minted.set(fragment, Object.freeze(joined(pieces)));
  return fragment;
}
/** Neighbouring texts are one text: a fragment is copied into each one around it. */
function joined(pieces: readonly Piece[]): Piece[] {
  const kept: Piece[] = [];
  let text = '';
  for (const piece of pieces) {
    if ('text' in piece) { text += piece.text; continue; }
    if (text !== '') kept.push({ text });
    text = '';
    kept.push(piece);
  }
  if (text !== '') kept.push({ text });
  return kept;
}
export function piecesOf(fragment: unknown, dialect: Dialect): readonly Piece[] {
  const pieces = typeof fragment === 'object' && fragment !== null ? minted.get(fragment) : undefined;
  if (!pieces) throw new SqlSafetyError('SQL_NOT_MINTED', 'only what this library made goes into a statement');
  if ((fragment as SqlFragment<Dialect>).dialect !== dialect) throw new SqlSafetyError('SQL_NOT_MINTED', `a ${(fragment as SqlFragment<Dialect>).dialect} fragment does not go into a ${dialect} statement`);
  return pieces;
}
export const isFragment = (value: unknown): value is SqlFragment<Dialect> => typeof value === 'object' && value !== null && minted.has(value);

function checkValue(value: unknown): SqlValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && !value.includes('\0') && value.isWellFormed()) return value;
  throw new SqlSafetyError('SQL_VALUE_INVALID', `a value that cannot be bound: ${typeof value}`);
}
type Argument<D extends Dialect> = SqlIdentifier | SqlFragment<D> | SqlValue;

/** The tag of a dialect: constant text with checked names, fragments of the same dialect, and values that are bound.
 * Called like a function it throws: only a template literal has text that nobody computed. */
export function sqlFor<D extends Dialect>(dialect: D): (text: TemplateStringsArray, ...args: readonly Argument<D>[]) => SqlFragment<D> {
  return (text, ...args) => {
    if (!Array.isArray(text) || !Array.isArray(text.raw) || !Object.isFrozen(text)) throw new SqlSafetyError('SQL_TAG_MISUSED', 'use it as a template tag');
    const pieces = text.flatMap((part, index): Piece[] => {
      const own: Piece[] = part === '' ? [] : [{ text: part }];
      if (index >= args.length) return own;
      const argument: unknown = args[index];
      if (isIdentifier(argument)) return [...own, { text: printIdentifier(argument, ticked.includes(dialect) ? '`' : '"') }];
      if (isFragment(argument)) return [...own, ...piecesOf(argument, dialect)];
      return [...own, { value: checkValue(argument) }];
    });
    return mint(dialect, pieces);
  };
}
/** Fragments one after the other, with a separator between them. */
export function joinSql<D extends Dialect>(parts: readonly SqlFragment<D>[], separator: SqlFragment<D>): SqlFragment<D> {
  const { dialect } = separator;
  const between = piecesOf(separator, dialect);
  return mint(dialect, parts.flatMap((part, index) => [...(index > 0 ? between : []), ...piecesOf(part, dialect)]));
}
