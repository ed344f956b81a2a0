/** Values nested deeper than this are refused where their text has to stay as it is. */
export const DEEPEST = 32;

const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const PLAIN = String.raw`[^"\[\]{}]`;
const NUMBER = '-?[0-9][0-9.eE+-]*';

/** An object or array of at most `depth` levels in a text that is valid JSON. */
function nested(depth: number): string {
  const inside = depth === 1 ? `(?:${PLAIN}|${STRING})*` : `(?:${PLAIN}|${STRING}|${nested(depth - 1)})*`;
  return String.raw`[\[{]${inside}[\]}]`;
}
const NESTED = nested(DEEPEST);
/** A whole text that is one object or array, not too deep to be found again. */
export const wholeNested = NESTED;

/** The spellings of a key between its quotes: writers of JSON may write any letter as its code. */
function spelled(key: string): string {
  return Array.from({ length: key.length }, (_, index) => {
    const unit = key.charCodeAt(index);
    const code = unit.toString(16).padStart(4, '0');
    const coded = String.raw`\\u(?i:${code})`;
    const letter = key[index] ?? '';
    if (unit < 0x20) return `(?:${coded}|${SHORT[letter] ?? coded})`;
    if (letter === '"' || letter === '\\' || letter === '/') return String.raw`(?:${coded}|\\${escaped(letter)}${letter === '/' ? '|/' : ''})`;
    if (unit >= 0xd800 && unit <= 0xdbff) return `(?:${key.slice(index, index + 2)}|${coded}`;
    if (unit >= 0xdc00 && unit <= 0xdfff) return `${coded})`;
    return `(?:${escaped(letter)}|${coded})`;
  }).join('');
}
const SHORT: Readonly<Record<string, string>> = { '\n': String.raw`\\n`, '\r': String.raw`\\r`, '\t': String.raw`\\t`, '\b': String.raw`\\b`, '\f': String.raw`\\f` };
const escaped = (letter: string): string => letter.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);

/** A regular expression over the text of an object whose first group is the number, object or array at a key, every digit and blank as it stands.
 * Engines that read JSON keep the value, not its text: 1.10 comes out as 1.1, and 18 digits as 17. */
export const rawValueAt = (key: string): string => String.raw`^\s*\{(?:${PLAIN}|${STRING}|${NESTED})*?"${spelled(key)}"\s*:\s*(${NUMBER}|${NESTED})`;

/** The JSON pointer of a key. */
export const pointerTo = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
