import { didYouMean } from '@agent-etl/contracts';
import { Refusal, type RefusalCode } from './refusal.ts';

/** A name that can be told again: one word of at most 63 bytes. Anything else may be a value in the wrong quotes. */
const PLAIN = /^[\p{L}_][\p{L}\p{M}\p{N}_$]*$/u;
/** Keys and tokens look like this, and a name that is meant has one near it. */
const mayBeSecret = (name: string): boolean => name.length > 24 || /\d/.test(name);
export const isTold = (name: string): boolean => PLAIN.test(name) && new TextEncoder().encode(name).length <= 63;
const codes = { column: 'SQL_COLUMN', relation: 'SQL_RELATION', function: 'SQL_FUNCTION' } as const satisfies Readonly<Record<string, RefusalCode>>;
/** How many names are told where none is near. */
const MOST_TOLD = 8;

/** A name that stands for nothing, with those that were perhaps meant, or else those that there are.
 * @param name as it was written; told again where it is one plain word, and has a name near it or looks like no key or token
 * @property known names that would have been right
 * @property where words for the place
 * @property offset character or byte of the text, from 0 */
export function noSuch(what: keyof typeof codes, name: string, { known, where = 'here', offset = null }: { readonly known: readonly string[]; readonly where?: string; readonly offset?: number | null }): Refusal {
  const names = [...new Set(known)];
  const near = meant(name, names);
  const tells = (what === 'relation' ? name.split('.') : [name]).every((word) => isTold(word) && (near !== null || !mayBeSecret(word)));
  const is = tells ? `There is no ${what} ${name} ${where}` : `There is no such ${what} ${where}`;
  return new Refusal(codes[what], `${is}${near ?? quoted(what, name) ?? others(what, names)}`, offset);
}
function meant(name: string, known: readonly string[]): string | null {
  const near = didYouMean(name, known);
  return near && `; ${near.replace(/[.?]$/, '')}`;
}
function others(what: keyof typeof codes, known: readonly string[]): string {
  const names = known.filter(isTold);
  if (what === 'function' || !names.length) return '';
  const more = names.length - MOST_TOLD;
  return `; there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, MOST_TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
/** What stands between double quotes is a name in SQL, and a text in other languages. */
const quoted = (what: keyof typeof codes, name: string): string | null => (what === 'column' && (!isTold(name) || mayBeSecret(name)) && /^[^$]/.test(name) ? '; write a text between single quotes' : null);
