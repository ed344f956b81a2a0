/** Values by bars of fixed width. The width is a power of two and bars begin at multiples of it, so each bar of a finer histogram lies in exactly one bar of a coarser one:
 * merging loses nothing. Bar `first + i` holds the values from `(first + i) * 2^exponent` on. */
export interface Bars { readonly exponent: number; readonly first: number; readonly counts: readonly number[] }
export interface Ends { readonly low: number; readonly high: number }

export const MOST_BARS = 32;
/** Finest width of what comes in whole numbers, and of everything else: about a millionth. */
export const finestOf = (numbers: 'whole' | 'broken'): number => (numbers === 'whole' ? 0 : -20);

/** Least width that needs no more than 32 bars, and whose bars can be numbered exactly. It only grows as ends move apart, so parts never have to be read again. */
export function exponentFor({ low, high }: Ends, finest: number): number {
  const magnitude = Math.max(Math.abs(low), Math.abs(high));
  const exact = magnitude === 0 ? finest : Math.ceil(Math.log2(magnitude)) - 51;
  for (let exponent = Math.max(finest, exact); ; exponent += 1) {
    if (Math.floor(high / 2 ** exponent) - Math.floor(low / 2 ** exponent) < MOST_BARS) return exponent;
  }
}
/** The same values in wider bars. */
export function coarser({ exponent, first, counts }: Bars, wider: number): Bars {
  const into = (bar: number): number => Math.floor(bar / 2 ** (wider - exponent));
  const start = into(first);
  const sums = new Array<number>(into(first + counts.length - 1) - start + 1).fill(0);
  for (const [index, count] of counts.entries()) sums[into(first + index) - start]! += count;
  return { exponent: wider, first: start, counts: sums };
}
export function mergeBars(a: Bars | null, b: Bars | null, exponent: number): Bars | null {
  if (!a || !b) return a ?? b;
  const [one, other] = [coarser(a, exponent), coarser(b, exponent)];
  const first = Math.min(one.first, other.first);
  const end = Math.max(one.first + one.counts.length, other.first + other.counts.length);
  const at = ({ first: from, counts }: Bars, bar: number): number => counts[bar - from] ?? 0;
  return { exponent, first, counts: Array.from({ length: end - first }, (_, index) => at(one, first + index) + at(other, first + index)) };
}
