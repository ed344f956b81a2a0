import { z } from 'zod';
import { Count } from './ids.ts';

/** counts: rows only · sampled: rows, and the digest of some buckets of keys · full: rows, and the digest of every row. */
export const proofLevels = ['counts', 'sampled', 'full'] as const;
export type ProofLevel = (typeof proofLevels)[number];
/** Rows fall into so many buckets by the hash of their key. */
export const BUCKETS = 4096;

export const Sample = z.object({
  buckets: z.int().min(1).max(BUCKETS).describe('How many of the 4,096 buckets are compared; which ones follows from the seed.'),
  key: z.array(z.string()).nullable().describe('Target columns whose hash names the bucket of a row; null: all columns.'),
  by: z.literal('md5').optional().describe('md5: the bucket of a key is named by its md5, which every engine makes; absent: between two PostgreSQL ends, which have a cheaper hash.'),
}).meta({ id: 'Sample', description: 'How much a sampled proof compares.' });
export type Sample = z.infer<typeof Sample>;
/** Sums of the sampled rows of one end, by bucket: what a mismatch is named by. */
export const SampleSums = z.array(z.tuple([z.int().describe('Bucket.'), Count.describe('Rows.'), z.string().describe('First lane.'), z.string().describe('Second lane.')]));
export const Sampled = z.object({
  seed: z.string().describe('What the choice of buckets follows from: the id of the run.'),
  buckets: z.int().min(1).max(BUCKETS).describe('Buckets compared.'), of: z.int().describe('Buckets in all.'),
  rows: Count.describe('Rows in them: compared value by value.'), notCovered: Count.describe('Rows of which only the count was compared.'),
}).meta({ id: 'Sampled', description: 'What a sampled proof covers, and what it does not.' });
export type Sampled = z.infer<typeof Sampled>;
