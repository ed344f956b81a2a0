import { BUCKETS, type ColumnMapping } from '@agent-etl/contracts';
import type { CopyInput } from '../decide.ts';

/** Values that a column needs for its buckets to be of like size, and for a sample never to be empty. */
const ENOUGH = 8 * BUCKETS;
const narrow: readonly ColumnMapping['type']['kind'][] = ['i16', 'i32', 'i64', 'date', 'ts', 'tstz', 'uuid'];

/** Target column whose hash names the bucket of a row where no key names the row: the short one with most values by statistics. Both ends make it of the same values, so any
 * would be right, and this one is cheap. Null where nobody counted, or none has values enough: only the whole row will do then, whose hash costs as much as a proof in full. */
export function standInKey({ source: { columnStats }, transform }: Pick<CopyInput, 'source' | 'transform'>, columns: readonly ColumnMapping[]): string | null {
  if (transform) return null; // statistics are of what the steps read, not of what they make
  const known = columns.filter(({ type }) => narrow.includes(type.kind)).map(({ source, target }) => ({ target, distinct: columnStats[source]?.distinct ?? 0 })); // NULL has a bucket like any value
  const best = known.reduce<(typeof known)[number] | null>((most, one) => (most === null || one.distinct > most.distinct ? one : most), null);
  return best !== null && best.distinct >= ENOUGH ? best.target : null;
}
