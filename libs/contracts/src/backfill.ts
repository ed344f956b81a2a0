import { z } from 'zod';
import { Failure } from './failure.ts';
import { Count, Instant, PipelineName, PlanId, RunId } from './ids.ts';
import { Decision } from './plan.ts';

const end = z.union([z.iso.date(), z.iso.datetime({ offset: true, precision: -1 }), z.iso.datetime({ offset: true })]);
export const BackfillRequest = z.object({
  from: end.describe('First day or instant of the slice, such as 2026-03-01 or 2026-03-01T06:00:00Z. A day begins at midnight UTC.'),
  to: end.describe('First day or instant behind it.'),
  step: z.string().regex(/^[1-9]\d{0,3}[hdw]$/, 'must be hours, days or weeks, such as 6h, 1d or 2w').optional().describe('Length of the sub-slices that are run one after another; one when left out.'),
}).strict().meta({ id: 'BackfillRequest', description: 'Which slice of a source is to be read again.' });
export type BackfillRequest = z.infer<typeof BackfillRequest>;

export const backfillStates = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export const BackfillView = z.object({
  backfillId: z.uuid().describe('Id.'), pipeline: PipelineName, planId: PlanId.describe('Approved plan whose columns, types and proof it goes by.'), column: z.string().describe('Cursor at the source that the slice is of.'),
  from: Instant.describe('First instant.'), to: Instant.describe('First instant behind it.'), step: z.string().nullable().describe('Length of a sub-slice, or null.'),
  state: z.enum(backfillStates).describe('waiting: its target is being written by another run. failed or cancelled: the sub-slices behind the one that was are not run.'),
  decisions: z.array(Decision).describe('How rows of the slice get into the target, and why.'),
  slices: z.array(z.object({
    from: Instant.describe('First instant.'), to: Instant.describe('First instant behind it.'), state: z.enum(backfillStates).describe('State.'), runId: RunId.nullable().describe('Run; null while it waits.'),
    read: Count.nullable().describe('Rows of the slice at the source.'), changed: Count.nullable().describe('Rows that were new or changed at the target.'), extra: Count.nullable().describe('Rows that the target has in it and the source has not.'),
    failure: Failure.nullable().describe('Why it is red.'),
  })).describe('Sub-slices in their order.'),
  askedBy: z.string().describe('Who asked.'), createdAt: Instant.describe('When.'), finishedAt: Instant.nullable().describe('When it ended, or null.'),
}).meta({ id: 'BackfillView', description: 'A slice of a source that is read again.' });
export type BackfillView = z.infer<typeof BackfillView>;
