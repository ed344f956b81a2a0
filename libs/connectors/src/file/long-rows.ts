import { EtlError, type Judging } from '@agent-etl/contracts';
import { open } from 'node:fs/promises';
import type { FileFormat } from './file-format-rules.ts';
import type { CsvDialect } from './file-options.ts';
import { MAX_LINE } from './file-sql.ts';
import { MOST_BYTES } from './json-sql.ts';
import { RowLengths, isLastRowWithin } from './row-lengths-rules.ts';

const TAIL = 256 * 1024;
const PART = 4 * 1024 * 1024;
interface Text { readonly name: string; readonly path: string; readonly bytes: number }

/** Rows that an engine may drop and say nothing.
 * @property dropped any: it drops every one that is over the limit; last: it tells of all but the last one
 * @property before rows that are none: the header */
export interface RowLimit { readonly delimiter: string | null; readonly limit: number; readonly dropped: 'any' | 'last'; readonly before: number }

/** What is measured of a text before an engine reads it, or null where it tells of every row that is too long.
 * Lines that are set aside are where it does not: one that goes over the end of its buffer, or is longer than that, is gone. Up to the limit it keeps every line. */
export function rowLimitOf(format: FileFormat['format'], dialect: Pick<CsvDialect, 'delim' | 'header'> | null, bad?: Judging['bad']): RowLimit | null {
  const dropped = bad === 'aside' ? 'any' : 'last';
  if (format === 'csv' && dialect) return { delimiter: dialect.delim, limit: MAX_LINE, dropped, before: dialect.header === 'true' ? 1 : 0 };
  return format === 'ndjson' && bad === 'aside' ? { delimiter: null, limit: MOST_BYTES, dropped, before: 0 } : null;
}

/** Refuses a text with a row that an engine would drop. The last bytes mostly show that the last row is short; where they do not, and where any row counts, the whole text is read.
 * @throws EtlError as `refuseTooLong` */
export async function refuseLongRows({ name, path, bytes }: Text, rule: RowLimit): Promise<void> {
  if (bytes <= rule.limit && (rule.dropped === 'last' || rule.delimiter === null)) return;
  const file = await open(path, 'r');
  try {
    if (rule.dropped === 'last' && rule.delimiter !== null) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL), 0, TAIL, bytes - TAIL);
      if (isLastRowWithin(buffer.subarray(0, bytesRead), rule.delimiter)) return;
    }
    const rows = new RowLengths(rule);
    const part = Buffer.alloc(PART);
    for (let length = PART; length > 0;) {
      length = (await file.read(part, 0, PART, null)).bytesRead;
      rows.add(part.subarray(0, length));
    }
    refuseTooLong(name, rows, rule);
  } finally {
    await file.close();
  }
}

/** @throws EtlError `data.row-too-large` with the row; `data.format-invalid` where one bad row to set aside would be all the rows behind a quote that is not closed */
export function refuseTooLong(name: string, rows: RowLengths, { limit, dropped, before }: RowLimit): void {
  if (dropped === 'any' && rows.swallowsLines) throw new EtlError('data.format-invalid', { file: name, format: 'csv', place: `row ${Math.max(rows.openRow - before, 1)}`, problem: 'a quote is opened there and not closed: every row behind it would be a part of this one' });
  const row = rows.firstTooLong;
  // An engine tells of a quote that is not closed, and where it stands.
  if (row === null || (dropped === 'last' && rows.isUnclosed)) return;
  throw new EtlError('data.row-too-large', { row: `${Math.max(row - before, 1)} of ${name}`, size: 'longer than a line may be', limit: `${limit / 2 ** 20} MB` });
}
