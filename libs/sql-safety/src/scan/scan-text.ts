import { Refusal } from '../refusal.ts';

/** What a text may cost before a parser sees it. Sizes are bytes of UTF-8. */
export const TEXT_LIMITS = { expressionBytes: 8_192, nesting: 64, squareNesting: 8, commentOpeners: 16 } as const;

/** Characters that look like others or like nothing: bidi controls, zero width, the line ends of Unicode, and C0 controls but tab and line feed. A bare CR ends a comment in some readers and not in others. */
const HIDDEN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/;

/** Bounds what a parser is given; it never decides what the text means. Linear in its length.
 * @throws Refusal `SQL_TOO_LARGE`, `SQL_BAD_CHAR`, `SQL_TOO_DEEP`, `SQL_TOO_MANY_COMMENTS`, `SQL_LITERAL` */
export function scanText(text: string, mostBytes: number = TEXT_LIMITS.expressionBytes): void {
  if (text.length > mostBytes || new TextEncoder().encode(text).length > mostBytes) throw new Refusal('SQL_TOO_LARGE', `The text is longer than ${mostBytes} bytes`);
  if (!text.isWellFormed()) throw new Refusal('SQL_BAD_CHAR', 'The text holds half of a surrogate pair');
  const hidden = text.search(HIDDEN);
  if (hidden >= 0) throw new Refusal('SQL_BAD_CHAR', 'The text holds a control or an invisible character', hidden);
  if (text.split('/*').length - 1 > TEXT_LIMITS.commentOpeners) throw new Refusal('SQL_TOO_MANY_COMMENTS', `The text opens more than ${TEXT_LIMITS.commentOpeners} comments`);
  boundNesting(text);
  boundNumbers(text);
}

/** Texts, names, comments and numbers; the number with its exponent. */
const TOKEN = /'[^']*'|"[^"]*"|--[^\n]*|\/\*[^]*?\*\/|[\p{L}_][\p{L}\p{M}\p{N}_$]*|(?<digits>\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?<exponent>e[+-]?\d+)?/giu;
const MOST_DIGITS = 38;
/** A number with more digits than a decimal holds would be read as the nearest double without a word, and compare as another number than the one that stands there. */
function boundNumbers(text: string): void {
  for (const { index, groups } of text.matchAll(TOKEN)) {
    if (groups?.['digits'] === undefined || groups['exponent'] !== undefined) continue;
    if (groups['digits'].replaceAll(/[._]|^0+/g, '').length > MOST_DIGITS) throw new Refusal('SQL_LITERAL', `The number has more than ${MOST_DIGITS} digits; write fewer, or an exponent for a double such as 1.5e40`, index);
  }
}

function boundNesting(text: string): void {
  let [round, square] = [0, 0];
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (quote) { if (character === quote) quote = ''; continue; }
    if (character === "'" || character === '"') quote = character;
    else if (character === '(') round += 1;
    else if (character === ')') round -= 1;
    else if (character === '[' || character === '{') square += 1;
    else if (character === ']' || character === '}') square -= 1;
    if (round > TEXT_LIMITS.nesting || square > TEXT_LIMITS.squareNesting) throw new Refusal('SQL_TOO_DEEP', 'Brackets are nested too deeply', at);
  }
}
