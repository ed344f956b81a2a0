import { z } from 'zod';
import { SafeText } from '../ids.ts';
import { FlattenStep, JsonStep, MaskStep, PivotStep, SampleStep, TokenizeStep, UnpivotStep, WindowStep } from './step-shapes.ts';
import { OrderBy } from './order-by.ts';
import { JoinStep, LookupStep, UnionStep } from './other-datasets.ts';
import { QueryStep } from './query-step.ts';
import { aggregateFunctions } from './transform.ts';

const Name = SafeText.min(1).max(255);
const Text = SafeText.min(1).max(8_192);
const Names = z.array(Name).min(1);
export const stepKinds = ['filter', 'derive', 'select', 'drop', 'rename', 'cast', 'aggregate', 'dedupe', 'limit', 'sort', 'flatten', 'json', 'mask', 'tokenize', 'pivot', 'sample', 'unpivot', 'window', 'join', 'lookup', 'union', 'query'] as const;
export type StepKind = (typeof stepKinds)[number];

const hasSome = (columns: object): boolean => Object.keys(columns).length > 0;

const CastStep = z.object({
  column: Name.describe('Column.'),
  to: SafeText.min(1).max(63).describe('boolean, smallint, integer, bigint, decimal(p,s), double, text, date or timestamp.'),
  format: SafeText.min(1).max(100).optional().describe('How the text spells a date or a timestamp, such as %b %d %Y.'),
  onError: z.enum(['fail', 'null', 'quarantine']).optional().describe('What a value that does not fit does: fail (default), become NULL, or have its row set aside (with onFail: quarantine, from files).'),
}).strict();
const AggregateStep = z.object({
  by: z.array(Name).optional().describe('Columns that make a group; one group of all rows when left out.'),
  measures: z.array(z.object({
    as: Name.describe('Name of the value.'), fn: z.enum(aggregateFunctions).describe('Function.'),
    arg: Text.optional().describe('What is aggregated; left out for count: rows.'), where: Text.optional().describe('Which rows of the group count.'),
  }).strict()).min(1).describe('Values of a group.'),
}).strict();

/** A step as a person writes it: one key, which says what it does. Steps see the output of the step before. */
export const Step = z.object({
  filter: Text.optional().describe('Rows for which this holds stay, such as status <> \'test\'.'),
  derive: z.record(Name, Text).refine(hasSome, 'names no column').optional().describe('Columns computed from the columns before, by name; those of one step stand in the order of their names.'),
  select: Names.optional().describe('Columns to keep, in this order.'),
  drop: Names.optional().describe('Columns to leave out.'),
  rename: z.record(Name, Name).refine(hasSome, 'names no column').optional().describe('New names by old names.'),
  cast: CastStep.optional().describe('Another type for one column.'),
  aggregate: AggregateStep.optional().describe('One row for each group.'),
  dedupe: z.object({ keys: Names.describe('Columns that name a row.'), keep: z.array(OrderBy).min(1).describe('Which of several comes first and stays.') }).strict().optional().describe('One row for each key.'),
  limit: z.object({ n: z.int().nonnegative().describe('Rows.'), offset: z.int().nonnegative().optional().describe('Rows to leave out before them.'), by: z.array(OrderBy).min(1).optional().describe('Which rows come first; left out behind a sort.') }).strict().optional().describe('The first rows of an order.'),
  sort: z.array(OrderBy).min(1).optional().describe('Which rows the limit right behind it keeps; rows are written in no order.'),
  flatten: FlattenStep.optional().describe('A row for each item of a list of JSON.'),
  json: JsonStep.optional().describe('Values of a document of JSON, by their paths.'),
  mask: MaskStep.optional().describe('Takes from a column what it says. Behind it the column is no personal data any more.'),
  pivot: PivotStep.optional().describe('Values of a column to columns, declared ones.'),
  sample: SampleStep.optional().describe('A part of the rows, by a hash of their key: the same rows in every run.'),
  tokenize: TokenizeStep.optional().describe('A token in place of each value: equal for equal values, so that datasets still join. Behind it the column is no personal data any more.'),
  unpivot: UnpivotStep.optional().describe('Columns to rows.'),
  window: WindowStep.optional().describe('Columns of a row and those around it: ranks, neighbours, running sums.'),
  join: JoinStep.optional().describe('Rows with what they find in another dataset by equal columns.'),
  lookup: LookupStep.optional().describe('Columns from a table that has one row for each key.'),
  union: UnionStep.optional().describe('Rows of other datasets behind these.'),
  query: QueryStep.optional().describe('A SELECT over the rows before, in the SQL that somebody has.'),
}).strict().refine((step) => Object.keys(step).length === 1, `is one of ${stepKinds.join(', ')}, each in a step of its own`)
  .meta({ id: 'Step', description: 'One transformation of rows.' });
export type Step = z.infer<typeof Step>;
