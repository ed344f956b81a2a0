/** Bounds of equal ranges of a whole-number key, half open; the first and the last are open to their side. One range over everything where the source is empty. */
export function keyRanges(low: bigint | null, high: bigint | null, most: number): { from: string | null; to: string | null }[] {
  if (low === null || high === null || most <= 1) return [{ from: null, to: null }];
  const span = high - low + 1n;
  const count = span < BigInt(most) ? Number(span) : most;
  const edge = (ordinal: number): string | null => (ordinal === 0 || ordinal === count ? null : String(low + (span * BigInt(ordinal)) / BigInt(count)));
  return Array.from({ length: count }, (_, ordinal) => ({ from: edge(ordinal), to: edge(ordinal + 1) }));
}
