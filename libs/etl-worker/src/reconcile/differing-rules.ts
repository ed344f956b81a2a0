import type { BucketSum, HashedRow } from '@agent-etl/connectors';
import type { Failure } from '@agent-etl/contracts';

type Named = NonNullable<Failure['rows']>[number];

/** Buckets whose sums differ, or that one end does not have, in their order. */
export function differingBuckets(source: readonly BucketSum[], target: readonly BucketSum[]): string[] {
  const sums = (ends: readonly BucketSum[]): Map<string, string> => new Map(ends.map(({ bucket, rows, a, b }) => [bucket, `${rows}:${a}:${b}`]));
  const [left, right] = [sums(source), sums(target)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((bucket) => left.get(bucket) !== right.get(bucket)).sort();
}

/** Buckets in groups that no end has more than `most` rows of; a larger bucket is a group of its own. */
export function bucketGroups(buckets: readonly string[], ends: readonly (readonly BucketSum[])[], most: number): string[][] {
  const sizes = ends.map((sums) => new Map(sums.map(({ bucket, rows }) => [bucket, rows])));
  const groups: string[][] = [];
  let held = Infinity;
  for (const bucket of buckets) {
    const rows = Math.max(...sizes.map((size) => size.get(bucket) ?? 0));
    if (held + rows > most) { groups.push([]); held = 0; }
    groups.at(-1)!.push(bucket);
    held += rows;
  }
  return groups;
}

/** Rows of some buckets that the other end does not have: one key may stand for several rows, so hashes are taken off one against one. */
export function differingRows(source: readonly HashedRow[], target: readonly HashedRow[]): Named[] {
  const open = new Map<string, { key: Named['key']; source: string[]; target: string[] }>();
  const of = ({ key }: HashedRow): { source: string[]; target: string[] } => {
    const id = JSON.stringify(key);
    const known = open.get(id) ?? { key: [...key], source: [], target: [] };
    open.set(id, known);
    return known;
  };
  for (const row of source) of(row).source.push(row.hash);
  for (const row of target) {
    const { source: waiting, target: strange } = of(row);
    const at = waiting.indexOf(row.hash);
    if (at >= 0) waiting.splice(at, 1); else strange.push(row.hash);
  }
  return [...open.values()].flatMap(({ key, source: missing, target: strange }): Named[] => {
    const changed = Math.min(missing.length, strange.length);
    return [...repeat(changed, { key, is: 'different' }), ...repeat(missing.length - changed, { key, is: 'missing' }), ...repeat(strange.length - changed, { key, is: 'strange' })];
  });
}
const repeat = (times: number, row: Named): Named[] => Array.from({ length: times }, () => row);
