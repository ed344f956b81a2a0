/** Words that begin a line of a query. */
const CLAUSE = /^(?:SELECT|FROM|WHERE|GROUP BY|HAVING|QUALIFY|ORDER BY|LIMIT|OFFSET|UNION|EXCEPT|INTERSECT|(?:INNER |LEFT |RIGHT |FULL |CROSS )?JOIN)\b/;
/** Words before JOIN: the line is theirs. */
const BEFORE_JOIN = / ?(?:INNER|LEFT|RIGHT|FULL|CROSS)$/;
const OPENS_QUERY = /^\((?:SELECT|WITH)\b/;

/** A printed query over several lines: a line for each clause and each column, queries inside indented. Only blanks change, and none of a name or of a text. */
export function sqlLines(text: string): string[] {
  const lines: string[] = [];
  /** Brackets that are open, and whether each holds a query. */
  const open: boolean[] = [];
  let line = '';
  const isQuery = (): boolean => open.at(-1) ?? true;
  const end = (more: 0 | 1): void => {
    if (line.trim()) lines.push(line.trimEnd());
    line = '  '.repeat(open.filter(Boolean).length + more);
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === "'" || char === '"' || char === '`') {
      const close = endOfQuoted(text, at);
      line += text.slice(at, close);
      at = close - 1;
      continue;
    }
    if (char === ' ' && isQuery() && !BEFORE_JOIN.test(line) && CLAUSE.test(text.slice(at + 1, at + 20))) { end(0); continue; }
    if (char === ')') open.pop();
    if (char === '(') open.push(OPENS_QUERY.test(text.slice(at, at + 8)));
    line += char;
    if (char === '(' && isQuery()) end(0);
    if (char === ',' && isQuery()) { end(1); if (text[at + 1] === ' ') at += 1; }
  }
  end(0);
  return lines;
}
/** Where a name or a text ends; its quote stands in it twice. */
function endOfQuoted(text: string, from: number): number {
  const quote = text[from]!;
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] !== quote) continue;
    if (text[at + 1] !== quote) return at + 1;
    at += 1;
  }
  return text.length;
}
