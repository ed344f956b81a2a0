import type { QueryReport } from '../commands/validate-sql.ts';
import type { Paint } from './ansi.ts';
import { labelled, table, wrap } from './layout.ts';
import { sqlLines } from './sql-lines.ts';

const cameBy = { copied: '', computed: 'computed of', aggregated: 'aggregated of', windowed: 'over a window of' } as const;
/** What has no column of a relation in it. */
const of = { copied: 'a constant', computed: 'a constant', aggregated: 'a count of rows', windowed: 'a place among rows' } as const;
const fromText = ({ from, how }: QueryReport['columns'][number]): string => (from.length ? `${cameBy[how]} ${from.map(({ relation, column }) => `${relation}.${column}`).join(', ')}`.trim() : of[how]);

/** What a query reads and gives. The portable form can be copied: only blanks are not those of the JSON. */
export function queryScreen({ file, dialect, reads, columns, notes, portable }: QueryReport, paint: Paint): string[] {
  const lines = [` ${paint('green', 'ok')}  ${file}   ${paint('dim', dialect)}`];
  for (const { relation, columns: read } of reads) lines.push(...labelled('reads', read.length ? `${relation} (${read.join(', ')})` : relation, { indent: 4, width: 8 }));
  if (!reads.length) lines.push(...labelled('reads', 'no relation', { indent: 4, width: 8 }));
  if (columns.length) lines.push('', ...table(['column', 'type', 'from'], columns.map((column) => [column.name, column.type ?? '', fromText(column)])).map((line) => `   ${line}`));
  for (const note of notes) lines.push(...wrap(`- ${note}`, 90).map((line) => `    ${line}`));
  for (const [engine, text] of Object.entries(portable ?? {})) lines.push('', `    ${paint('dim', `-- ${engine}`)}`, ...sqlLines(text).map((line) => `    ${line}`));
  return lines;
}
