import { SqlSafetyError } from '../errors.ts';
import { type SqlIdentifier, isIdentifier, printIdentifier } from '../ident/identifier.ts';

export type Dialect = 'duckdb' | 'postgres' | 'spark' | 'sqlite' | 'mysql';
/** Dialects whose names stand between backticks: to them a double quote may begin a text. */
const ticked: readonly Dialect[] = ['mysql', 'spark'];
/** Bound, never printed. NaN is refused: no driver agrees on it. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null;
type Piece = { readonly text: string } | { readonly value: SqlValue };
let give: (fragment: SqlFragment<Dialect>, pieces: readonly Piece[]) => void;
let taken: (fragment: object) => readonly Piece[] | null;

/** A part of a statement. Only a tag, `joinSql`, `literal` and `typeName` mint it. */
export class SqlFragment<D extends Dialect> {
  /** Without them it is none: no constructor, no copy and no look-alike has any, and nothing outside this file can give them. */
  #pieces: readonly Piece[] | null = null;
  readonly dialect: D;
  constructor(dialect: D) { this.dialect = dialect; }
  static {
    give = (fragment, pieces) => { fragment.#pieces = pieces; };
    taken = (fragment) => (#pieces in fragment ? fragment.#pieces : null);
  }
}
export function mint<D extends Dialect>(dialect: D, pieces: readonly Piece[]): SqlFragment<D> {
  const joined = new Joined();
  joined.addAll(pieces);
  return joined.minted(dialect);
}
/** Pieces as they come. Neighbouring texts are one text: a fragment is copied into each one around it. */
class Joined {
  private readonly kept: Piece[] = [];
  private text = '';
  addText(text: string): void { this.text += text; }
  addValue(value: SqlValue): void { this.endText(); this.kept.push({ value }); }
  addAll(pieces: readonly Piece[]): void { for (const piece of pieces) if ('text' in piece) this.text += piece.text; else this.addValue(piece.value); }
  minted<D extends Dialect>(dialect: D): SqlFragment<D> {
    this.endText();
    const fragment = new SqlFragment(dialect);
    give(fragment, this.kept);
    Object.freeze(fragment);
    return fragment;
  }
  private endText(): void {
    if (this.text !== '') this.kept.push({ text: this.text });
    this.text = '';
  }
}
export function piecesOf(fragment: unknown, dialect: Dialect): readonly Piece[] {
  const pieces = mintedPieces(fragment);
  if (!pieces) throw new SqlSafetyError('SQL_NOT_MINTED', 'only what this library made goes into a statement');
  if ((fragment as SqlFragment<Dialect>).dialect !== dialect) throw new SqlSafetyError('SQL_NOT_MINTED', `a ${(fragment as SqlFragment<Dialect>).dialect} fragment does not go into a ${dialect} statement`);
  return pieces;
}
const mintedPieces = (value: unknown): readonly Piece[] | null => (typeof value === 'object' && value !== null ? taken(value) : null);
export const isFragment = (value: unknown): value is SqlFragment<Dialect> => mintedPieces(value) !== null;

function checkValue(value: unknown): SqlValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && !value.includes('\0') && value.isWellFormed()) return value;
  throw new SqlSafetyError('SQL_VALUE_INVALID', `a value that cannot be bound: ${typeof value}`);
}
type Argument<D extends Dialect> = SqlIdentifier | SqlFragment<D> | SqlValue;

/** The tag of a dialect: constant text with checked names, fragments of the same dialect, and values that are bound.
 * Its text is a template's, which nobody computed: it is frozen and has a raw form. Called like a function with anything else it throws; a frozen look-alike takes code of ours, which lint forbids. */
export function sqlFor<D extends Dialect>(dialect: D): (text: TemplateStringsArray, ...args: readonly Argument<D>[]) => SqlFragment<D> {
  const quote = ticked.includes(dialect) ? '`' : '"';
  return (text, ...args) => {
    if (!Array.isArray(text) || !Array.isArray(text.raw) || !Object.isFrozen(text)) throw new SqlSafetyError('SQL_TAG_MISUSED', 'use it as a template tag');
    const joined = new Joined();
    for (let index = 0; index < text.length; index += 1) {
      joined.addText(text[index]!);
      if (index >= args.length) break;
      const argument: unknown = args[index];
      if (isIdentifier(argument)) joined.addText(printIdentifier(argument, quote));
      else if (isFragment(argument)) joined.addAll(piecesOf(argument, dialect));
      else joined.addValue(checkValue(argument));
    }
    return joined.minted(dialect);
  };
}
/** Fragments one after the other, with a separator between them. */
export function joinSql<D extends Dialect>(parts: readonly SqlFragment<D>[], separator: SqlFragment<D>): SqlFragment<D> {
  const { dialect } = separator;
  const between = piecesOf(separator, dialect);
  const joined = new Joined();
  for (const [index, part] of parts.entries()) {
    if (index > 0) joined.addAll(between);
    joined.addAll(piecesOf(part, dialect));
  }
  return joined.minted(dialect);
}
