import { BUCKETS, type ColumnMapping } from '@agent-etl/contracts';
import type { CopyInput } from '../decide.ts';

/** Values that a column needs for its buckets to be of like size. */
const ENOUGH = 8 * BUCKETS;
/** Columns that stand in together where nobody counted their values. */
const MOST = 4;
const narrow: readonly ColumnMapping['type']['kind'][] = ['i16', 'i32', 'i64', 'date', 'ts', 'tstz', 'uuid'];

/** Target columns whose hash names the bucket of a row where no key names the row: any choice is right, since both ends make it of the same values, and a cheap one is
 * a short text. By statistics the column with most values; without them a few columns together. Null: only the whole row will do, which costs what a proof in full costs. */
export function standInKey({ source: { columnStats }, transform }: Pick<CopyInput, 'source' | 'transform'>, columns: readonly ColumnMapping[]): string[] | null {
  if (transform) return null; // statistics are of what the steps read, not of what they make
  const short = columns.filter(({ type }) => narrow.includes(type.kind)); // NULL has a bucket like any value
  const known = short.flatMap(({ source, target }) => { const { distinct } = columnStats[source] ?? {}; return typeof distinct === 'number' ? [{ target, distinct }] : []; });
  if (known.length > 0) {
    const best = known.reduce((most, one) => (one.distinct > most.distinct ? one : most));
    return best.distinct >= ENOUGH ? [best.target] : null;
  }
  return short.length > 1 ? short.slice(0, MOST).map(({ target }) => target) : null;
}
