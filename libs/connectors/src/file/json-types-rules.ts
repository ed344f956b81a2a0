import type { ColumnType, ProfileNotice } from '@agent-etl/contracts';
import { type CellCounts, noCells, typeOfCells } from './csv-types-rules.ts';

/** What the values at one key are, counted over a sample: all but null, by JSON type.
 * @property nonFinite texts that stand for a number JSON has not: NaN, Infinity
 * @property like what numbers and texts look like */
export interface JsonCounts { readonly strings: number; readonly numbers: number; readonly bools: number; readonly nested: number; readonly nonFinite: number; readonly like: CellCounts }

const kindsOf = ({ strings, numbers, bools, nested, nonFinite }: JsonCounts): number => [bools && nonFinite ? strings : strings - nonFinite, numbers, bools, nested].filter((count) => count > 0).length;

/** The type of a key's values. A text is never taken for a number: whoever wrote quotes meant a text. Days and times, which JSON has no type for, are recognised where every text is one. */
export function typeOfJson(counts: JsonCounts): ColumnType {
  const { strings, numbers, bools, nested, nonFinite, like } = counts;
  if (nested > 0 || kindsOf(counts) > 1) return { kind: 'text' };
  if (bools > 0) return { kind: 'bool' };
  if (numbers > 0) return nonFinite ? { kind: 'f64' } : typeOfCells({ ...like, cells: numbers, numbers, bools: 0, zeroLed: 0 });
  return typeOfCells({ ...noCells, cells: strings, dates: like.dates, times: like.times, stamps: like.stamps, zoned: like.zoned });
}

/** What a person should know of a column that became text although not every value was one, or null. */
export function noticeOf(column: string, counts: JsonCounts): ProfileNotice | null {
  const { strings, numbers, bools, nested } = counts;
  const parts = [`${strings} texts`, `${numbers} numbers`, `${bools} truth values`, `${nested} objects or arrays`].filter((part) => !part.startsWith('0 '));
  if (nested > 0) return { code: 'nested-as-text', column, text: `${column} holds ${parts.join(', ')}: it is read as text, what is nested as its JSON, exactly as it stands.`, instead: { choice: 'columns for what is nested', because: 'Nobody asked for them, and every object may hold other keys.' } };
  if (kindsOf(counts) < 2) return null;
  return { code: 'mixed-as-text', column, text: `${column} holds ${parts.join(', ')}: it is read as text, numbers with the digits they have.`, instead: { choice: 'the type that most values have', because: 'The other values would be lost or stop the run.' } };
}
