import type { BucketSum } from '@agent-etl/connectors';
import { type Digest, EtlError, type LoadResult } from '@agent-etl/contracts';
import { differingBuckets } from './differing-rules.ts';

type Sums = NonNullable<LoadResult['sample']>;
export const sampleSums = (sums: readonly BucketSum[]): Sums => sums.map(({ bucket, rows, a, b }) => [Number(bucket), rows, a, b]);
/** Digest of a whole sample. */
export const sampleDigest = (sums: Sums): Digest => ({
  kind: 'text-md5', rows: sums.reduce((all, [, rows]) => all + rows, 0), a: String(sums.reduce((all, [, , a]) => all + BigInt(a), 0n)), b: String(sums.reduce((all, [, , , b]) => all + BigInt(b), 0n)) });

const NAMED = 8;
const asSum = ([bucket, rows, a, b]: Sums[number]): BucketSum => ({ bucket: String(bucket), rows, a, b });
/** Both ends of a sample must be equal, bucket by bucket. @throws EtlError `sink.reconcile-mismatch` naming the buckets that differ */
export function agreeInSample(source: Sums, target: Sums): void {
  const buckets = differingBuckets(source.map(asSum), target.map(asSum));
  if (buckets.length === 0) return;
  const [here, there] = [sampleDigest(source), sampleDigest(target)];
  throw new EtlError('sink.reconcile-mismatch', { difference: `${here.rows} rows of the sample at the source, ${there.rows} staged; ${buckets.length} of its buckets of keys differ: ${buckets.slice(0, NAMED).join(', ')}${buckets.length > NAMED ? ', ...' : ''}` });
}
