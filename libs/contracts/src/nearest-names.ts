/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[to.length]!;
}

/** The known names that a typo may have meant, nearest first, at most three; none that differ by more than a third of their letters, or by much more than the nearest. */
export function nearestNames(name: string, known: readonly string[]): string[] {
  const wanted = name.slice(0, 100).toLowerCase();
  const near = known.map((candidate) => ({ candidate, edits: distance(wanted, candidate.slice(0, 100).toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.ceil(Math.max(candidate.length, wanted.length) / 3)))
    .sort((a, b) => a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1));
  return near.filter(({ edits }) => edits <= (near[0]?.edits ?? 0) + 1).slice(0, 3).map(({ candidate }) => candidate);
}
/** `did you mean a or b?`, or null when nothing known is near. */
export function didYouMean(name: string, known: readonly string[]): string | null {
  const near = nearestNames(name, known);
  return near.length ? `did you mean ${near.join(' or ')}?` : null;
}
