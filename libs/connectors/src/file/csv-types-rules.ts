import type { ColumnType } from '@agent-etl/contracts';

/** What one column's texts look like, counted over a sample. Every count is of cells that are not NULL. */
export interface CellCounts {
  readonly cells: number; readonly integers: number; readonly numbers: number; readonly zeroLed: number; readonly exactFloats: number;
  readonly bools: number; readonly dates: number; readonly times: number; readonly stamps: number; readonly zoned: number;
  readonly wholeDigits: number; readonly fractionDigits: number; readonly exponents: number;
}
export const noCells: CellCounts = {
  cells: 0, integers: 0, numbers: 0, zeroLed: 0, exactFloats: 0, bools: 0, dates: 0, times: 0, stamps: 0, zoned: 0, wholeDigits: 0, fractionDigits: 0, exponents: 0,
};
export const everyCount = Object.keys(noCells) as (keyof CellCounts)[];

/** The counts that can confirm a first guess, or widen it: whatever else turns up makes the column text. */
export function countsFor({ kind }: ColumnType): (keyof CellCounts)[] {
  switch (kind) {
    case 'bool': return ['cells', 'bools'];
    case 'date': return ['cells', 'dates', 'stamps'];
    case 'time': return ['cells', 'times'];
    case 'ts': return ['cells', 'dates', 'stamps'];
    case 'tstz': return ['cells', 'zoned'];
    case 'i64': case 'dec': case 'f64': return ['cells', 'integers', 'numbers', 'zeroLed', 'exactFloats', 'wholeDigits', 'fractionDigits', 'exponents'];
    default: return ['cells'];
  }
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
