import { z } from 'zod';
import { SafeText } from '../ids.ts';

const Name = SafeText.min(1).max(255);
const Text = SafeText.min(1).max(8_192);
export const stepKinds = ['filter', 'derive', 'select', 'drop', 'rename', 'cast'] as const;
export type StepKind = (typeof stepKinds)[number];

const CastStep = z.object({
  column: Name.describe('Column.'),
  to: SafeText.min(1).max(63).describe('boolean, smallint, integer, bigint, decimal(p,s), double, text, date or timestamp.'),
  format: SafeText.min(1).max(100).optional().describe('How the text spells a date or a timestamp, such as %b %d %Y.'),
  onError: z.enum(['fail', 'null']).optional().describe('What a value that does not fit does: fail (default), or become NULL.'),
}).strict();

/** A step as a person writes it: one key, which says what it does. Steps see the output of the step before. */
export const Step = z.object({
  filter: Text.optional().describe('Rows for which this holds stay, such as status <> \'test\'.'),
  derive: z.record(Name, Text).optional().describe('Columns computed from the columns before, by name.'),
  select: z.array(Name).min(1).optional().describe('Columns to keep, in this order.'),
  drop: z.array(Name).min(1).optional().describe('Columns to leave out.'),
  rename: z.record(Name, Name).optional().describe('New names by old names.'),
  cast: CastStep.optional().describe('Another type for one column.'),
}).strict().refine((step) => Object.keys(step).length === 1, `is one of ${stepKinds.join(', ')}, each in a step of its own`)
  .meta({ id: 'Step', description: 'One transformation of rows.' });
export type Step = z.infer<typeof Step>;
