import { Refusal } from '../refusal.ts';

const CHARACTER = String.raw`[A-Za-z0-9 _@:;,#%&=<>~'"!/-]`;
const ESCAPED = String.raw`\\[.\\+*?()[\]{}|^$/-]`;
const LISTED = String.raw`\[\^?(?:[A-Za-z0-9 _@.:;,+*?/-]|\\[\]\\.-])+\]`;
const TIMES = String.raw`(?:[*+?]|\{\d{1,2}(?:,\d{1,2})?\})?`;
const PLAIN = new RegExp(`^(\\^?)((?:(?:${CHARACTER}|${ESCAPED}|${LISTED})${TIMES})+)(\\$?)$`);

/** A pattern that means the same in every engine: characters, lists of them, how often, and the ends of the text. What differs between engines is no part of it: the dot, groups, alternatives, classes by a letter, lazy quantifiers.
 * @returns the pattern as DuckDB (RE2) and PostgreSQL (ARE) spell its ends
 * @throws Refusal `SQL_LITERAL` */
export function plainPattern(pattern: string): { readonly duckdb: string; readonly postgres: string } {
  const [, begins, middle = '', ends] = PLAIN.exec(pattern) ?? [];
  if (middle === '' || pattern.length > 500) throw new Refusal('SQL_LITERAL', 'A pattern is made of characters, lists such as [a-z0-9], ? * + {2,5}, and ^ or $ at its ends');
  const begun = `${begins ? '\\A' : ''}${middle}`;
  return { duckdb: `${begun}${ends ? '\\z' : ''}`, postgres: `${begun}${ends ? '\\Z' : ''}` };
}
