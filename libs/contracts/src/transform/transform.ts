import { z } from 'zod';
import { ColumnType } from '../dataset.ts';
import { SafeText } from '../ids.ts';
import { Expr } from './expr.ts';

/** What the steps over single rows come to: computed while the source is read, in its own statement. Columns of a task are columns of this. */
export const Transform = z.object({
  input: z.array(z.object({
    name: SafeText.describe('Column at the source.'), type: ColumnType.describe('Logical type.'), native: z.string().describe('Type as its engine spells it.'),
  })).min(1).describe('Columns of the source as they were profiled.'),
  columns: z.array(z.object({
    name: SafeText.describe('Column behind the last step.'), expr: Expr.describe('Its value.'),
  })).min(1).describe('Columns behind the last step.'),
  where: Expr.nullable().describe('Condition under which a row stays, or null.'),
}).meta({ id: 'Transform', description: 'The steps of a pipeline as one projection and one condition over its source.' });
export type Transform = z.infer<typeof Transform>;
