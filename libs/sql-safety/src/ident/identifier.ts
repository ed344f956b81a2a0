import { SqlSafetyError } from '../errors.ts';

let mint: (name: SqlIdentifier) => void;
let isMinted: (value: object) => boolean;
/** Postgres cuts longer names without a word; we refuse them everywhere. */
const MAX_BYTES = 63;
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** A checked name of one to three parts. Only `identifier` mints it: JSON, copies and look-alikes are never members. */
export class SqlIdentifier {
  /** Set by this file alone: no constructor, no copy and no look-alike has it. */
  #isMinted = false;
  readonly parts: readonly string[];
  constructor(parts: readonly string[]) { this.parts = Object.freeze([...parts]); }
  static {
    mint = (name) => { name.#isMinted = true; };
    isMinted = (value) => #isMinted in value && value.#isMinted;
  }
}

/** A name that any dialect can print between its quotes.
 * @param parts one to three: [[catalogue,] schema,] name
 * @throws SqlSafetyError `SQL_NAME_INVALID` for an empty part, NUL, half a surrogate pair or more than 63 bytes */
export function identifier(...parts: readonly string[]): SqlIdentifier {
  if (parts.length < 1 || parts.length > 3) throw new SqlSafetyError('SQL_NAME_INVALID', 'a name has one to three parts');
  for (const part of parts) checkPart(part);
  const name = new SqlIdentifier(parts);
  mint(name);
  Object.freeze(name);
  return name;
}
const problemOf = (part: string): string | null => (typeof part !== 'string' || part.length === 0 ? 'is empty' : part.includes('\0') ? 'holds NUL' : !part.isWellFormed() ? 'holds half a surrogate pair' : (part.length * 3 > MAX_BYTES && bytesOf(part) > MAX_BYTES) ? 'is longer than 63 bytes' : null);
/** Whether a text can be one part of an identifier. */
export const isName = (part: string): boolean => problemOf(part) === null;
function checkPart(part: string): void {
  const problem = problemOf(part);
  if (problem) throw new SqlSafetyError('SQL_NAME_INVALID', `a name ${problem}`);
}
export const isIdentifier = (value: unknown): value is SqlIdentifier => typeof value === 'object' && value !== null && isMinted(value);
/** The name as text: between double quotes, or between the backticks that MySQL reads as a name in every sql_mode, and Spark always. */
export const printIdentifier = ({ parts }: SqlIdentifier, quote: '"' | '`'): string => parts.map((part) => `${quote}${part.replaceAll(quote, quote + quote)}${quote}`).join('.');
