import { z } from 'zod';
import { ColumnType } from '../dataset.ts';
import { SafeText } from '../ids.ts';
import { Expr } from './expr.ts';
import { stepEngines } from './step-engines.ts';

const Name = SafeText.min(1).describe('Column.');
export const Order = z.object({
  e: Expr.describe('What rows are ordered by.'), dir: z.enum(['asc', 'desc']).describe('Direction.'), nulls: z.enum(['first', 'last']).describe('Where NULLs stand.'),
}).strict().meta({ description: 'One part of an order, nothing left to an engine.' });
export type Order = z.infer<typeof Order>;
export const aggregateFunctions = ['count', 'count_distinct', 'sum', 'avg', 'min', 'max'] as const;
export const Measure = z.object({
  as: Name, fn: z.enum(aggregateFunctions).describe('Aggregate function.'),
  arg: Expr.nullable().describe('What is aggregated; null counts rows.'), where: Expr.nullable().describe('Which rows count, or null for all.'),
}).strict().meta({ description: 'One value of a group.' });
export type Measure = z.infer<typeof Measure>;

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
]).meta({ id: 'Stage', description: 'What is done with rows in one go.' });
export type Stage = z.infer<typeof Stage>;

/** What the steps of a pipeline come to: computed while the source is read, in its own statement, or on Spark. Columns of a task are columns of this. */
export const Transform = z.object({
  input: z.array(z.object({
    name: Name, type: ColumnType.describe('Logical type.'), native: z.string().describe('Type as its engine spells it.'), nullable: z.boolean().describe('Whether it may be NULL.'),
  })).min(1).describe('Columns of the source as they were profiled.'),
  engine: z.enum(stepEngines).optional().describe('What computes them; absent in plans of earlier releases.'),
  stages: z.array(Stage).min(1).max(200).describe('One behind the other.'),
}).meta({ id: 'Transform', description: 'The steps of a pipeline, typed, over its source.' });
export type Transform = z.infer<typeof Transform>;
/** Whether rows go through one by one: then a source may be read in pieces. */
export const isRowWise = ({ stages }: Pick<Transform, 'stages'>): boolean => stages.every(({ op }) => op === 'rows');
/** Whether a row of the source may be missing behind the steps. */
export const leavesOut = ({ stages }: Pick<Transform, 'stages'>): boolean => stages.some((stage) => stage.op !== 'rows' || stage.where !== null);
