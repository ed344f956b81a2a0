import { z } from 'zod';
import { SafeText } from '../ids.ts';
import { HandOff, JoinStage, MOST_INPUTS, OtherInput, PassingColumns, UnionStage } from './combine.ts';
import { Expr } from './expr.ts';
import { Order } from './order.ts';
import { QueryStage } from './query-step.ts';
import { stepEngines } from './step-engines.ts';

const Name = SafeText.min(1).describe('Column.');
export const aggregateFunctions = ['count', 'count_distinct', 'sum', 'avg', 'min', 'max'] as const;
export const Measure = z.object({
  as: Name, fn: z.enum(aggregateFunctions).describe('Aggregate function.'),
  arg: Expr.nullable().describe('What is aggregated; null counts rows.'), where: Expr.nullable().describe('Which rows count, or null for all.'),
}).strict().meta({ description: 'One value of a group.' });
export type Measure = z.infer<typeof Measure>;

export const windowFunctions = ['row_number', 'rank', 'dense_rank', 'lag', 'lead', 'first_value', 'last_value', 'count', 'sum', 'avg', 'min', 'max'] as const;
export const WindowColumn = z.object({
  as: Name, fn: z.enum(windowFunctions).describe('Function.'), arg: Expr.nullable().describe('What it is of; null for ranks, and to count rows.'),
  offset: z.int().min(1).max(1_000_000).nullable().describe('Rows between, for lag and lead; else null.'),
  frame: z.object({
    before: z.int().nonnegative().max(1_000_000).nullable().describe('Rows before this one that belong to it; null: all.'), after: z.enum(['none', 'all']).describe('Rows behind this one that belong to it.'),
  }).strict().nullable().describe('Rows around a row that a value is of; null for ranks, lag and lead.'),
}).strict().meta({ description: 'One value of a row and those around it.' });
export type WindowColumn = z.infer<typeof WindowColumn>;

export const Stage = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('rows').describe('Row by row.'),
    columns: z.array(z.object({ name: Name, expr: Expr.describe('Its value.') }).strict()).min(1).describe('Columns behind it.'),
    misfits: z.array(z.object({ name: Name, expr: Expr.describe('Whether its value has none of the type that a step gives it.') }).strict()).min(1).optional().describe('Rows that are set aside, whatever becomes of the column.'),
    where: Expr.nullable().describe('Condition under which a row stays, or null.'),
  }).strict(),
  z.object({ op: z.literal('group').describe('One row for each group.'), by: z.array(Name).describe('Columns that make a group; none: one group of all.'), measures: z.array(Measure).min(1).describe('Values of a group.') }).strict(),
  z.object({ op: z.literal('first').describe('The first row for each key.'), keys: z.array(Name).min(1).describe('Key.'), order: z.array(Order).min(1).describe('Which row comes first.') }).strict(),
  z.object({ op: z.literal('limit').describe('The first rows of all.'), order: z.array(Order).describe('Which rows come first.'), n: z.int().nonnegative().describe('Rows.'), offset: z.int().nonnegative().describe('Rows before them.') }).strict(),
  z.object({
    op: z.literal('flatten').describe('A row for each item of a list of JSON.'), column: Name, as: Name, empty: z.enum(['keep', 'drop']).describe('Whether a row without items stays, with NULL.'),
  }).strict(),
  z.object({
    op: z.literal('unpivot').describe('A row for each of some columns.'), keep: z.array(Name).describe('Columns that stay.'), columns: z.array(Name).min(1).max(1000).describe('Columns that become rows.'),
    nameTo: Name.describe('Column that holds their names.'), valueTo: Name.describe('Column that holds their values.'), nulls: z.enum(['keep', 'drop']).describe('Whether a NULL makes a row.'),
  }).strict(),
  z.object({
    op: z.literal('window').describe('Columns of a row and those around it.'), partition: z.array(Name).describe('Columns that keep rows apart; none: all rows together.'),
    order: z.array(Order).describe('Which row comes first; empty where it does not matter.'), columns: z.array(WindowColumn).min(1).describe('Columns that are added.'),
  }).strict(),
  JoinStage, UnionStage, QueryStage,
]).meta({ id: 'Stage', description: 'What is done with rows in one go.' });
export type Stage = z.infer<typeof Stage>;

/** What the steps of a pipeline come to: computed while the source is read, in its own statement, or on Spark. Columns of a task are columns of this. */
export const Transform = z.object({
  input: PassingColumns.describe('Columns of the source as they were profiled.'),
  engine: z.enum(stepEngines).optional().describe('What computes them; absent in plans of earlier releases.'),
  stages: z.array(Stage).min(1).max(200).describe('One behind the other.'),
  inputs: z.array(OtherInput).min(1).max(MOST_INPUTS).optional().describe('Datasets that joins and unions read beside the source.'),
  handOff: HandOff.optional(),
}).meta({ id: 'Transform', description: 'The steps of a pipeline, typed, over its source.' });
export type Transform = z.infer<typeof Transform>;
/** Whether rows go through one by one: then a source may be read in pieces. */
export const isRowWise = ({ stages }: Pick<Transform, 'stages'>): boolean => stages.every(({ op }) => op === 'rows');
/** Whether a row of the source may be missing behind the steps. */
export const leavesOut = ({ stages }: Pick<Transform, 'stages'>): boolean => stages.some((stage) => stage.op !== 'rows' || stage.where !== null);
/** Whether rows become groups, or some of them are left out for others: what comes out are not the rows that went in. */
export const makesGroups = ({ stages }: Pick<Transform, 'stages'>): boolean => stages.some(({ op }) => op === 'group' || op === 'first' || op === 'limit' || op === 'query');
