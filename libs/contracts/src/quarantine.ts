import { z } from 'zod';
import { DatasetRef } from './dataset.ts';
import { Count, Instant, PipelineName, RunId } from './ids.ts';

export const QuarantinedRow = z.object({
  id: Count.describe('Id in the quarantine of its target.'), pipeline: PipelineName, runId: RunId, task: z.string().describe('Task.'), chunk: z.string().describe('Piece of the source.'),
  row: Count.nullable().describe('Row in its source, 1-based; null where rows have no number.'),
  column: z.string().nullable().describe('Column, null when it is the row as a whole.'), reason: z.string().describe('Check or problem and column, such as not_null:title.'),
  raw: z.string().describe('The row as it was read: a JSON object by the names of the source, or the text of a row that could not be read. Only for the one who asked, never for logs.'),
  at: Instant.describe('When it was set aside.'), replayedBy: RunId.nullable().describe('Run that brought it back, or null.'),
}).meta({ id: 'QuarantinedRow', description: 'A row that was set aside.' });
export type QuarantinedRow = z.infer<typeof QuarantinedRow>;

export const QuarantineGroup = z.object({
  pipeline: PipelineName, runId: RunId, reason: z.string().describe('Why.'), rows: Count.describe('Rows.'), replayed: Count.describe('Of them, brought back.'),
  row: Count.nullable().describe('Row of an example.'), at: Instant.describe('When the first was set aside.'),
}).meta({ id: 'QuarantineGroup', description: 'Rows of one run that were set aside for one reason.' });
export type QuarantineGroup = z.infer<typeof QuarantineGroup>;

export const QuarantineAsk = z.object({
  pipeline: PipelineName.describe('Whose rows.'), runId: RunId.nullable().describe('Of this run; of all when null.'),
  want: z.enum(['groups', 'rows']).describe('Counts by run and reason, or the rows.'),
  after: Count.describe('Rows behind this id; 0 for the first page.'), limit: z.int().min(1).max(500).describe('Rows at most.'),
  waiting: z.enum(['only', 'all']).describe('only: rows that were not brought back yet.'),
});
export type QuarantineAsk = z.infer<typeof QuarantineAsk>;
export const QuarantineTask = z.object({
  id: z.literal('quarantine').describe('Name.'), kind: z.literal('quarantine').describe('Reads what a pipeline has set aside, from where it is.'),
  target: DatasetRef.describe('The rows are with this target.'), ask: QuarantineAsk.describe('What is asked.'),
}).meta({ id: 'QuarantineTask', description: 'Reads rows that were set aside.' });
export type QuarantineTask = z.infer<typeof QuarantineTask>;
export const QuarantinePage = z.object({
  groups: z.array(QuarantineGroup).describe('Counts by run and reason, newest first; empty when rows were asked for.'),
  rows: z.array(QuarantinedRow).describe('Rows by id; empty when counts were asked for.'),
  next: Count.nullable().describe('Where the next page begins, or null.'),
});
export type QuarantinePage = z.infer<typeof QuarantinePage>;
export const QuarantineResult = QuarantinePage.extend({ kind: z.literal('quarantine').describe('Kind.') }).meta({ id: 'QuarantineResult', description: 'Rows that were set aside.' });
export type QuarantineResult = z.infer<typeof QuarantineResult>;
