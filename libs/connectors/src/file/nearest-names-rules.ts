const SHOWN = 3;

/** Edit distance of two texts: inserted, removed and exchanged characters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The names most like a wanted one, three at most; none that differs in more than half of its letters, or much more than the best. */
export function nearestNames(wanted: string, names: readonly string[]): string[] {
  const low = wanted.toLowerCase();
  const near = names.map((name) => ({ name, far: distance(low, name.toLowerCase()) }))
    .filter(({ name, far }) => far <= Math.max(name.length, wanted.length) / 2)
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1));
  return near.filter(({ far }) => far <= (near[0]?.far ?? 0) + 1).slice(0, SHOWN).map(({ name }) => name);
}
