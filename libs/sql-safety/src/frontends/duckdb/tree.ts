import { Refusal } from '../../refusal.ts';

/** A number of the tree as it is spelled: JavaScript's own would lose digits beyond 2^53. */
export class Spelled {
  readonly text: string;
  constructor(text: string) { this.text = text; }
}
export type Json = null | boolean | string | Spelled | readonly Json[] | { readonly [key: string]: Json };
export type Tree = { readonly [key: string]: Json };

/** What a place that is none is spelled as: the one long number that nearly every tree holds. */
const NOWHERE = '18446744073709551615';
/** What JavaScript would spell otherwise than it stands there: fractions, exponents, minus zero, and runs of digits that a double may not hold. */
const OTHERWISE = /-0|\d+[.eE]|-?\d{16,}/g;
/** JSON whose numbers keep their digits.
 * @throws Refusal `SQL_LITERAL` where the parser says something that is no JSON: it spells a number beyond the largest double as Infinity */
export function losslessJson(text: string): Json {
  const keep = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => (typeof value === 'number' ? new Spelled(context?.source ?? String(value)) : value);
  try {
    // Asking for the source of each value takes several times as long as reading them.
    if (text.match(OTHERWISE)?.every((run) => run === NOWHERE) ?? true) return spelled(JSON.parse(text));
    return JSON.parse(text, keep as (key: string, value: unknown) => unknown) as Json;
  } catch {
    throw new Refusal('SQL_LITERAL', 'A number is larger than any double');
  }
}
const asSpelled = (value: number): Spelled => new Spelled(value > Number.MAX_SAFE_INTEGER ? NOWHERE : String(value));
/** The same value, its numbers replaced where they stand. */
function spelled(value: unknown): Json {
  if (typeof value === 'number') return asSpelled(value);
  if (Array.isArray(value)) { for (const [index, item] of value.entries()) if (typeof item === 'number' || typeof item === 'object') value[index] = spelled(item); return value as Json; }
  if (typeof value !== 'object' || value === null) return value as Json;
  const node = value as Record<string, unknown>;
  // A key that names the prototype is a key like others to JSON, and no place to write to.
  for (const key of Object.keys(node)) if (key === '__proto__') throw new TypeError('no key of a tree'); else if (typeof node[key] === 'number' || typeof node[key] === 'object') node[key] = spelled(node[key]);
  return node as Json;
}
export const isTree = (value: Json | undefined): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Spelled);
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** Text before what a person wrote in what the parser reads: offsets count from behind it. A query gets as many blanks. */
export const SELECT_PREFIX = 'SELECT ';
export const QUERY_PREFIX = ' '.repeat(SELECT_PREFIX.length);
/** A place that the parser tells, in bytes, as a place in the person's text; null when it tells none. */
export const placeOf = (at: string): number | null => (/^\d{1,9}$/.test(at) ? Math.max(0, Number(at) - SELECT_PREFIX.length) : null);
/** Where in its text a node stands, or null. */
export function offsetOf(node: Tree): number | null {
  const at = node['query_location'];
  return at instanceof Spelled ? placeOf(at.text) : null;
}

const sameJson = (a: Json | undefined, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
/** Reads a node of which every key is known: those of `plain` must hold exactly what an ordinary node holds, those of `read` are the caller's to read, and there is no other.
 * A parser of a newer version that says something new is refused instead of misread.
 * @throws Refusal `SQL_KEY` */
export function onlyKeys(node: Tree, { plain, read }: { readonly plain: Readonly<Record<string, unknown>>; readonly read: readonly string[] }): Tree {
  for (const [key, value] of Object.entries(node)) {
    const isKnown = key === 'class' || key === 'type' || key === 'query_location' || read.includes(key) || (Object.hasOwn(plain, key) && sameJson(value, plain[key]));
    if (!isKnown) throw new Refusal('SQL_KEY', `${plainWords[key] ?? 'Something here'} is not supported`, offsetOf(node));
  }
  const missing = [...read, ...Object.keys(plain)].find((key) => !Object.hasOwn(node, key));
  if (missing !== undefined) throw new Refusal('SQL_KEY', 'The parser said less than expected');
  return node;
}
const plainWords: Readonly<Record<string, string>> = {
  alias: 'A name (AS) inside an expression', filter: 'FILTER', order_bys: 'ORDER BY inside a call', distinct: 'DISTINCT inside a call', from_table: 'FROM', where_clause: 'WHERE', group_expressions: 'GROUP BY', having: 'HAVING',
  qualify: 'QUALIFY', sample: 'SAMPLE', cte_map: 'WITH', modifiers: 'ORDER BY, LIMIT or DISTINCT', catalog: 'A name with a catalogue', schema: 'A name with a schema', type_info: 'This type',
};
/** Items of a list.
 * @throws Refusal `SQL_KEY` */
export function listed(value: Json | undefined): readonly Json[] {
  if (!isList(value)) throw new Refusal('SQL_KEY', 'The parser said less than expected');
  return value;
}
/** Items of a list of texts.
 * @throws Refusal `SQL_KEY` */
export function textsOf(value: Json | undefined): string[] {
  const texts = listed(value).filter((each) => typeof each === 'string');
  if (texts.length !== listed(value).length) throw new Refusal('SQL_KEY', 'The parser said something unexpected');
  return texts;
}
