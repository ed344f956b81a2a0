import { z } from 'zod';
import { DatasetRef, Profile, typeKinds } from './dataset.ts';
import { Count, Instant, RunId, Sha256 } from './ids.ts';

/** What is measured of a column. The values of texts, documents, bytes and ids stay where they are: of those only lengths, or nothing, are told. */
export const sketchMeasures = ['value', 'seconds', 'length', 'none'] as const;
export const ColumnSketch = z.object({
  name: z.string().describe('Column.'), kind: z.enum(typeKinds).describe('Logical type.'), native: z.string().describe("The engine's own spelling of the type."),
  nulls: Count.describe('NULLs among the rows that were seen, exact.'),
  measure: z.enum(sketchMeasures).describe('What min, max and histogram are about: the value, seconds since 1970 or midnight, the length in characters or bytes; none: nothing is told.'),
  min: z.string().nullable().describe('Least finite value, as its engine spells it, or the least length; exact over the rows that were seen.'),
  max: z.string().nullable().describe('Greatest, likewise.'),
  distinct: z.object({
    estimate: Count.describe('Distinct values as the sketch estimates them.'), low: Count.describe('Lower end of the error bound: three standard errors, or what is certain.'), high: Count.describe('Upper end.'),
    by: z.enum(['linear-counting', 'minima']).describe('How it was estimated: from registers that stayed empty, or from the least hash of each.'),
  }).describe('Never a proof that a column is a key: only an exact count is.'),
  histogram: z.object({
    from: z.number().describe('Lower end of the first bar.'), width: z.number().positive().describe('Width of every bar, a power of two.'), counts: z.array(Count).min(1).max(64).describe('Values in each bar, lower end included; exact over the rows that were seen.'),
  }).nullable().describe('Values by fixed width, or null when there is nothing to measure.'),
  beyond: Count.describe('Values that have no place on the scale: NaN, infinities, beyond 1e300.'),
}).meta({ id: 'ColumnSketch', description: 'What the values of a column are like.' });
export type ColumnSketch = z.infer<typeof ColumnSketch>;

export const DatasetSketch = DatasetRef.extend({
  fingerprint: Sha256.describe('Shape that the dataset had: names, types and nullability.'),
  engine: z.string().describe('What counted and hashed, with its version: a hash of another version is another hash.'),
  takenAt: Instant.describe('When reading ended.'), seconds: z.number().nonnegative().describe('Seconds it took.'),
  rows: Count.describe('Rows that were seen.'), ofRows: Count.describe('Rows there are: those that were seen, or about as many as there must be when not all were.'),
  whole: z.boolean().describe('Whether every row was seen. When not, reading ended at its bound, and counts are of the rows that were seen.'),
  pieces: Count.describe('Pieces whose sketches were merged.'),
  columns: z.array(ColumnSketch).describe('Columns in their order.'),
}).meta({ id: 'DatasetSketch', description: 'What the values of a dataset are like, read once in pieces that are merged. No value of a text column is in it.' });
export type DatasetSketch = z.infer<typeof DatasetSketch>;

export const SketchTask = z.object({
  id: z.literal('sketch').describe('Name.'), kind: z.literal('sketch').describe('Reads a dataset to tell what its values are like. Runs only in a slot that nobody else wants.'),
  source: DatasetRef.describe('Dataset.'),
  when: z.enum(['asked', 'idle']).describe('asked: somebody waits for it, and it takes a free slot; idle: nobody does, and it runs only while its worker does nothing else.'),
  most: z.object({ rows: Count.describe('Rows after which reading ends.'), seconds: Count.describe('Seconds after which it ends.') }).describe('Bounds.'),
}).meta({ id: 'SketchTask', description: 'Profiles the values of a dataset.' });
export type SketchTask = z.infer<typeof SketchTask>;
export const SketchResult = z.object({ kind: z.literal('sketch').describe('Kind.'), sketch: DatasetSketch }).meta({ id: 'SketchResult', description: 'What a sketch task saw.' });
export type SketchResult = z.infer<typeof SketchResult>;

export const EarlierSketch = DatasetSketch.pick({ takenAt: true, rows: true, whole: true, fingerprint: true }).extend({
  columns: z.array(ColumnSketch.pick({ name: true, nulls: true }).extend({ distinct: Count.describe('Distinct values as they were estimated.') })).describe('Columns in their order.'),
}).meta({ id: 'EarlierSketch', description: 'What an earlier sketch of a dataset said.' });
export type EarlierSketch = z.infer<typeof EarlierSketch>;
export const DatasetProfile = DatasetRef.extend({
  catalogue: Profile.nullable().describe('What catalogues and statistics said when the dataset was last planned with; null when it never was.'), catalogueAt: Instant.nullable().describe('When that was.'),
  sketch: DatasetSketch.nullable().describe('What its values are like; null until somebody asked, or a run was green.'),
  earlier: z.array(EarlierSketch).describe('Earlier sketches, newest first, a few.'),
  runId: RunId.nullable().describe('Run that is profiling it now, or null.'),
}).meta({ id: 'DatasetProfile', description: 'What is known of a dataset.' });
export type DatasetProfile = z.infer<typeof DatasetProfile>;
