import { DatasetRef, type DatasetSketch, type EarlierSketch, EtlError } from '@agent-etl/contracts';

/** Sketches that are remembered besides the latest. */
export const MOST_EARLIER = 5;
/** Who asks waits for it; what follows a run by itself is worth less of the source's time. */
export const ASKED = { rows: 1_000_000_000, seconds: 300 } as const;
export const UNASKED = { rows: 50_000_000, seconds: 5 } as const;
/** A profile waits as long as this for a slot that nobody else wants. */
export const SKETCH_MS = 30 * 60_000;

/** The dataset that `connection.schema.table` or `connection:path` names. @throws EtlError `request.invalid` */
export function datasetOf(id: string): DatasetRef {
  const [, connection = '', dataset = ''] = /^([a-z][a-z0-9_]{0,47})[.:](.+)$/s.exec(id) ?? [];
  const parsed = DatasetRef.safeParse({ connection, dataset });
  if (!parsed.success) throw new EtlError('request.invalid', { pointer: '/params/id', problem: 'must be connection.schema.table or connection:path' });
  return parsed.data;
}
/** Only one live run profiles a dataset: the name stands where runs that write have their target. */
export const sketchKey = ({ connection, dataset }: DatasetRef): string => `values of ${connection}.${dataset}`;

const earlierOf = ({ takenAt, rows, whole, fingerprint, columns }: DatasetSketch): EarlierSketch =>
  ({ takenAt, rows, whole, fingerprint, columns: columns.map(({ name, nulls, distinct }) => ({ name, nulls, distinct: distinct.estimate })) });
/** What is remembered once a new sketch takes the place of one. */
export const remembered = (before: { readonly sketch: DatasetSketch | null; readonly earlier: readonly EarlierSketch[] } | null): EarlierSketch[] =>
  [...(before?.sketch ? [earlierOf(before.sketch)] : []), ...before?.earlier ?? []].slice(0, MOST_EARLIER);

/** @property earlier of the same shape */
export interface KnownShape { readonly catalogueAt: string | null; readonly sketch: DatasetSketch | null; readonly earlier: readonly EarlierSketch[] }
/** Of all shapes that a dataset had: the latest sketch, and those before it. */
export function latestSketch(shapes: readonly KnownShape[]): { sketch: DatasetSketch | null; earlier: EarlierSketch[] } {
  const taken = shapes.flatMap(({ sketch }) => (sketch ? [sketch] : [])).toSorted((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
  const [sketch = null, ...others] = taken;
  const earlier = [...others.map(earlierOf), ...shapes.flatMap((shape) => shape.earlier)].toSorted((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
  return { sketch, earlier: earlier.slice(0, MOST_EARLIER) };
}
