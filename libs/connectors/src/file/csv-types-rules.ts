import type { ColumnType } from '@agent-etl/contracts';

/** What one column's texts look like, counted over a sample. Every count is of cells that are not NULL. */
export interface CellCounts {
  readonly cells: number; readonly integers: number; readonly numbers: number; readonly zeroLed: number; readonly exactFloats: number;
  readonly bools: number; readonly dates: number; readonly times: number; readonly stamps: number; readonly zoned: number;
  readonly wholeDigits: number; readonly fractionDigits: number; readonly exponents: number;
}
const I64_DIGITS = 18;
const DECIMAL_DIGITS = 38;

/** The narrowest type that keeps every cell of the sample as it is written. In doubt text: ids with leading zeros, dates in other orders than
 * year-month-day, times with more than six decimals, words that mean true. */
export function typeOfCells(counts: CellCounts): ColumnType {
  const { cells } = counts;
  if (cells === 0) return { kind: 'text' };
  if (counts.bools === cells) return { kind: 'bool' };
  if (counts.dates === cells) return { kind: 'date' };
  if (counts.times === cells) return { kind: 'time' };
  if (counts.stamps === cells) return { kind: 'ts' };
  if (counts.zoned === cells) return { kind: 'tstz' };
  if (counts.numbers !== cells || counts.zeroLed > 0) return { kind: 'text' };
  if (counts.integers === cells) return ofIntegers(counts.wholeDigits);
  if (counts.exactFloats === cells) return { kind: 'f64' };
  const precision = counts.wholeDigits + counts.fractionDigits;
  return counts.exponents === 0 && precision <= DECIMAL_DIGITS ? { kind: 'dec', precision, scale: counts.fractionDigits } : { kind: 'text' };
}
function ofIntegers(digits: number): ColumnType {
  if (digits <= I64_DIGITS) return { kind: 'i64' };
  return digits <= DECIMAL_DIGITS ? { kind: 'dec', precision: DECIMAL_DIGITS, scale: 0 } : { kind: 'text' };
}
