import type { FileFormat } from './file-format-rules.ts';

const CANDIDATES = [',', ';', '\t', '|'] as const;
const LOOKED_AT = 200;

/** Splits the head of a CSV into records; a record cut off by the end of the head is left out. Quotes are `"`, doubled inside.
 * @param isWhole whether the head is the whole file, so that its last line counts too */
export function splitRecords(head: string, delim: string, options: { isWhole: 'whole' | 'cut' }): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let at = 0; at < head.length && records.length < LOOKED_AT; at++) {
    const letter = head[at] ?? '';
    if (isQuoted) {
      if (letter !== '"') field += letter;
      else if (head[at + 1] === '"') { field += '"'; at += 1; } else isQuoted = false;
    } else if (letter === '"' && field === '') isQuoted = true;
    else if (letter === delim) { fields.push(field); field = ''; } else if (letter === '\n' || letter === '\r') {
      if (letter === '\r' && head[at + 1] === '\n') at += 1;
      records.push([...fields, field]);
      fields = [];
      field = '';
    } else field += letter;
  }
  if (options.isWhole === 'whole' && records.length < LOOKED_AT && (field !== '' || fields.length)) records.push([...fields, field]);
  return records;
}

/** The delimiter under which most records have as many fields as the first one; more fields win a draw, one column has a comma. */
export function detectDelimiter(head: string, format: FileFormat, options: { isWhole: 'whole' | 'cut' }): string {
  if (format.delimiter === '\t') return '\t';
  let best = { delim: ',', agree: 0, fields: 1 };
  for (const delim of CANDIDATES) {
    const records = splitRecords(head, delim, options);
    const fields = records[0]?.length ?? 1;
    if (fields < 2) continue;
    const agree = records.filter(({ length }) => length === fields).length / records.length;
    if (agree > best.agree + 0.05 || (agree > best.agree - 0.05 && fields > best.fields)) best = { delim, agree, fields };
  }
  return best.delim;
}

const VALUE = /^\s*([+-]?[0-9.,]*[0-9][0-9.,%]*([eE][+-]?[0-9]+)?|true|false|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{2,4}.*)\s*$/i;

/** Whether the first record names the columns: no cell is empty or looks like a value, and no two are equal. */
export function hasHeader(first: readonly string[]): boolean {
  const names = first.map((name) => name.trim().toLowerCase());
  return names.every((name) => name !== '' && !VALUE.test(name)) && new Set(names).size === names.length;
}

/** Names of columns, unique without regard to case: a second `a` becomes `a_1`, a missing name `column0`. */
export function columnNames(first: readonly string[], header: 'true' | 'false'): string[] {
  const taken = new Set<string>();
  return first.map((cell, index) => {
    const wanted = header === 'true' && cell.trim() !== '' ? cell : `column${index}`;
    let name = wanted;
    for (let suffix = 1; taken.has(name.toLowerCase()); suffix++) name = `${wanted}_${suffix}`;
    taken.add(name.toLowerCase());
    return name;
  });
}
