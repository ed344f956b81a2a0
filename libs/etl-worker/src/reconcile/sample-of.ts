import { hash } from 'node:crypto';
import type { BucketSample } from '@agent-etl/connectors';
import { BUCKETS, type ColumnMapping, type Sample } from '@agent-etl/contracts';

/** The buckets of a seed: those of the 4,096 that come first by the sha256 of seed and number. Whoever has a receipt can make the same choice; each run takes another. */
export function bucketsOf(seed: string, count: number): number[] {
  const order = Array.from({ length: BUCKETS }, (_, bucket) => ({ bucket, rank: hash('sha256', `${seed} ${bucket}`) }));
  return order.sort((one, other) => (one.rank < other.rank ? -1 : 1)).slice(0, count).map(({ bucket }) => bucket).sort((one, other) => one - other);
}
/** What a task samples in one run. Where no key names a row, all its values do. */
export function sampleOf({ buckets, key, by }: Sample, columns: readonly ColumnMapping[], seed: string): BucketSample {
  const places = (key ?? []).map((name) => columns.findIndex(({ target }) => target === name)).filter((place) => place >= 0);
  return { buckets: bucketsOf(seed, buckets), key: places.length > 0 ? places : columns.map((_, place) => place), ...(by ? { by } : {}) };
}
