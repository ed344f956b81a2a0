import { EtlError } from '@agent-etl/contracts';
import type { AsideRow } from '../port.ts';

const VALUE_CHARACTERS = 200;
/** The column that a reason is about, null when it is the row as a whole or several columns. */
export function columnOf(reason: string): string | null {
  const at = reason.indexOf(':');
  return at < 0 ? null : reason.slice(at + 1);
}
/** The value of a column in the text of a row, as a person would write it. */
function valueOf(raw: string, column: string): string {
  try {
    const value = (JSON.parse(raw) as Record<string, unknown>)[column];
    return value === undefined || value === null ? 'NULL' : typeof value === 'string' ? value : JSON.stringify(value);
  } catch {
    return raw;
  }
}
/** A row that ends its load. The value is for the one who asked. */
export function refusedRow({ row, reason, raw }: AsideRow): EtlError {
  const column = columnOf(reason) ?? 'the row';
  return new EtlError('data.check-failed', { row: row ?? 'of the source', reason }, { cell: { row, column, value: valueOf(raw, column).slice(0, VALUE_CHARACTERS), target: `a row that keeps ${reason}` } });
}
