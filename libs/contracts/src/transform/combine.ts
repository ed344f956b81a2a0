import { z } from 'zod';
import { ColumnType, DatasetRef } from '../dataset.ts';
import { Count, SafeText, Sha256 } from '../ids.ts';
import { Order } from './order.ts';

const Name = SafeText.min(1).describe('Column.');
export const joinKinds = ['inner', 'left', 'right', 'full', 'semi', 'anti'] as const;
export type JoinKind = (typeof joinKinds)[number];
/** Datasets that one pipeline may join or unite. */
export const MOST_INPUTS = 16;
const input = z.int().nonnegative().max(MOST_INPUTS - 1).describe('Which of the inputs, from 0.');

export const JoinStage = z.object({
  op: z.literal('join').describe('Rows with what they find in another dataset.'), input, kind: z.enum(joinKinds).describe('Which rows stay.'),
  on: z.array(z.object({ left: Name, right: Name, nullSafe: z.boolean().describe('Whether NULL finds NULL.') }).strict()).min(1).max(32).describe('Columns that have to be equal.'),
  take: z.array(z.object({ column: Name, as: Name }).strict()).describe('Columns of the other dataset behind those of the rows.'),
  matches: z.enum(['one', 'many']).describe('one: a row that finds several stops the run.'), misses: z.enum(['pass', 'fail']).describe('fail: a row that finds none stops the run.'),
  prefer: z.array(Order).min(1).optional().describe('Which of several rows for one key is meant; absent: all are.'),
}).strict();
export type JoinStage = z.infer<typeof JoinStage>;
export const UnionStage = z.object({
  op: z.literal('union').describe('Rows of several datasets behind each other.'), inputs: z.array(input).min(1).max(MOST_INPUTS).describe('Which of the inputs.'), distinct: z.boolean().describe('Whether equal rows become one.'),
}).strict();
export type UnionStage = z.infer<typeof UnionStage>;

export const PassingColumns = z.array(z.object({
  name: Name, type: ColumnType.describe('Logical type.'), native: z.string().describe('Type as its engine spells it.'), nullable: z.boolean().describe('Whether it may be NULL.'),
})).min(1);
/** A dataset beside the source. */
export const OtherInput = z.object({
  source: DatasetRef.describe('What is read.'), columns: PassingColumns.describe('Columns of it that are used.'), unread: z.array(SafeText).describe('Its other columns.'),
  fingerprint: Sha256.describe('Shape it had when it was profiled; another shape is drift.'), options: z.record(z.string(), z.string()).describe('How it is read, explicit.'),
}).meta({ id: 'OtherInput', description: 'A dataset that steps read beside the source.' });
export type OtherInput = z.infer<typeof OtherInput>;
export const HandOff = z.object({
  after: z.int().nonnegative().describe('Stages that the source computes; the others are computed by the engine child.'), columns: PassingColumns.describe('Columns behind them.'),
}).meta({ id: 'HandOff', description: 'Where rows are handed to the engine child, as Parquet, since no one engine reaches all inputs.' });
export type HandOff = z.infer<typeof HandOff>;

export const Combined = z.object({
  with: z.string().describe('The other datasets, as a pipeline names them.'), kind: z.enum([...joinKinds, 'union']).describe('How rows were combined.'),
  left: Count.describe('Rows before it.'), right: Count.describe('Rows of the other datasets.'), out: Count.describe('Rows behind it.'),
  matched: Count.optional().describe('Of a join: rows that found one.'), unmatched: Count.optional().describe('Rows that found none.'), rightUnmatched: Count.optional().describe('Rows of the other dataset that nobody found.'),
  most: Count.optional().describe('Most rows that one row found: more than 1 is a fan-out.'),
}).meta({ id: 'Combined', description: 'What a join or a union did, counted by a statement of its own.' });
export type Combined = z.infer<typeof Combined>;
export const Queried = z.object({
  with: z.string().describe('The other datasets that it reads, as a pipeline names them.'), left: Count.describe('Rows before it.'), right: Count.describe('Rows of the other datasets.'), out: Count.describe('Rows that it gives.'),
}).meta({ id: 'Queried', description: 'What a query over other datasets did, counted by a statement of its own.' });
export type Queried = z.infer<typeof Queried>;
/** What a stage did where other datasets meet the rows. */
export type Counted = Combined | (Queried & { readonly kind: 'query' });
