import type { QueryReport } from '../commands/validate-sql.ts';
import type { Paint } from './ansi.ts';
import { labelled, table, wrap } from './layout.ts';

const cameBy = { copied: '', computed: 'computed of', aggregated: 'aggregated of', windowed: 'over a window of' } as const;
const fromText = ({ from, how }: QueryReport['columns'][number]): string => (from.length ? `${cameBy[how]} ${from.map(({ relation, column }) => `${relation}.${column}`).join(', ')}`.trim() : 'a constant');

/** What a query reads and gives. The portable form is printed as it is, so that it can be copied. */
export function queryScreen({ file, dialect, reads, columns, notes, portable }: QueryReport, paint: Paint): string[] {
  const lines = [` ${paint('green', 'ok')}  ${file}   ${paint('dim', dialect)}`];
  for (const { relation, columns: read } of reads) lines.push(...labelled('reads', read.length ? `${relation} (${read.join(', ')})` : relation, { indent: 4, width: 8 }));
  if (!reads.length) lines.push(...labelled('reads', 'no relation', { indent: 4, width: 8 }));
  if (columns.length) lines.push('', ...table(['column', 'type', 'from'], columns.map((column) => [column.name, column.type ?? '', fromText(column)])).map((line) => `   ${line}`));
  for (const note of notes) lines.push(...wrap(`- ${note}`, 90).map((line) => `    ${line}`));
  for (const [engine, text] of Object.entries(portable ?? {})) lines.push('', `    ${paint('dim', `-- ${engine}`)}`, `    ${text}`);
  return lines;
}
