import { Refusal } from '../../refusal.ts';
import { QUERY_PREFIX } from './tree.ts';
import { scanText } from '../../scan/scan-text.ts';

/** Dialects that a query may be written in. One parser reads all of them; what a word means is the dialect's. */
export const foreignDialects = ['duckdb', 'postgres', 'spark'] as const;
export type ForeignDialect = (typeof foreignDialects)[number];
export const QUERY_BYTES = 65_536;

/** What a parser is given for a query, with its meaning and its length in the dialect that it is written in.
 * @throws Refusal as `scanText` does, and `SQL_LITERAL` or `SQL_IDENTIFIER` for quotes that the parser would read as something else */
export function queryText(text: string, dialect: ForeignDialect): string {
  scanText(text, QUERY_BYTES);
  if (dialect === 'duckdb') return `${QUERY_PREFIX}${text}\n`;
  return `${QUERY_PREFIX}${respelled(text, dialect)}\n`;
}

const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|(?<![A-Za-z0-9_])[eE]'|(?<![A-Za-z0-9_])[rR]'|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\bleft(?=\s+(?:semi|anti)\s+join\b)/gi;
/** Spark quotes names with backticks and texts with either quote; a backslash in its texts begins an escape. Everything keeps its place. */
function respelled(text: string, dialect: 'postgres' | 'spark'): string {
  return text.replaceAll(TOKEN, (token, at: number) => {
    if (token.startsWith('--') || token.startsWith('/*')) return token;
    if (dialect === 'postgres') return token;
    if (token.startsWith('"')) throw new Refusal('SQL_LITERAL', 'In Spark a double quote begins a text: write it between single quotes, and a name between backticks', at);
    if (/^[rR]'/.test(token) || token.includes('\\')) throw new Refusal('SQL_LITERAL', 'A text of Spark with a backslash is not supported: write the character itself', at);
    // Spark says LEFT SEMI JOIN where others say SEMI JOIN.
    if (/^left$/i.test(token)) return '    ';
    if (token.startsWith('`')) {
      if (token.includes('"') || token.includes('``')) throw new Refusal('SQL_IDENTIFIER', 'A name with a quote is not supported', at);
      return `"${token.slice(1, -1)}"`;
    }
    return token;
  });
}
