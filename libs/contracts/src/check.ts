import { z } from 'zod';
import { Count, PipelineName, SafeText } from './ids.ts';

const ColumnName = SafeText.min(1).max(255);
const ColumnNames = z.union([z.array(ColumnName).min(1), ColumnName]);
const CheckValue = z.union([SafeText.max(1000), z.number(), z.boolean()]);

/** Connectors whose sinks keep rows that are set aside, in the transaction of the rows beside them. */
export const keepsAside: readonly string[] = ['postgres', 'sqlite', 'file'];

const AtMost = z.union([Count, z.string().regex(/^(100|\d{1,2}(\.\d{1,4})?)%$/, 'must be a number of rows, or a share such as 1%')]);
const severities = ['error', 'warn'] as const;
const judged = {
  severity: z.enum(severities).optional().describe('error, when left out: a row that breaks it is bad, and onFail says what becomes of it · warn: it stays, and is counted.'),
  atMost: AtMost.optional().describe('Rows, or the share of the rows measured, that may break a check of severity warn; more fail the run, and nothing is published.'),
};
/** A check as a person writes it: one key that names it, and how grave it is. */
export const PipelineCheck = z.union([
  z.object({ not_null: ColumnNames.describe('Columns that may not be NULL.'), ...judged }).strict(),
  z.object({ unique: ColumnNames.describe('Columns that together name a row. The first row of a key stays, later ones break the check; NULL is equal to nothing.'), ...judged }).strict(),
  z.object({ range: z.object({
    column: ColumnName.describe('Column.'), from: CheckValue.optional().describe('Least value that is allowed.'), to: CheckValue.optional().describe('Greatest value that is allowed.'),
  }).strict().describe('Bounds of a column, both inclusive; NULL passes.'), ...judged }).strict(),
  z.object({ in: z.object({
    column: ColumnName.describe('Column.'), values: z.array(CheckValue).min(1).max(1000).describe('Values that are allowed.'),
  }).strict().describe('Values that a column may have; NULL passes.'), ...judged }).strict(),
]).meta({ id: 'PipelineCheck', description: 'What every row has to keep: not_null, unique, range or in.' });
export type PipelineCheck = z.infer<typeof PipelineCheck>;
/** Checks whose rows are bad. Those that only warn are counted, and judge no row. */
export const judgingChecks = (checks: readonly PipelineCheck[] = []): readonly PipelineCheck[] => checks.filter(({ severity }) => severity !== 'warn');

export const OnFail = z.union([z.literal('stop'), z.object({
  quarantine: z.object({ atMost: AtMost.optional().describe('Rows, or the share of the rows read, that may be set aside; 1% when left out. More fail the run, and nothing is published.') }).strict()
    .describe('Bad rows are set aside with row, column and reason, and the others are loaded.'),
}).strict()]).meta({ id: 'OnFail', description: 'stop: the first bad row fails the run · quarantine: bad rows are set aside.' });
export type OnFail = z.infer<typeof OnFail>;

const about = { column: SafeText.describe('Column at the target.') };
/** A check as it is planned: one column or key each, values as text. */
export const RowCheck = z.discriminatedUnion('check', [
  z.object({ check: z.literal('not_null').describe('May not be NULL.'), ...about }),
  z.object({ check: z.literal('range').describe('Lies between two values.'), ...about, from: z.string().optional().describe('Least value.'), to: z.string().optional().describe('Greatest value.') }),
  z.object({ check: z.literal('in').describe('Is one of some values.'), ...about, values: z.array(z.string()).describe('The values.') }),
  z.object({ check: z.literal('unique').describe('Names a row.'), columns: z.array(SafeText).min(1).describe('Columns at the target.') }),
]).meta({ description: 'A check as it is planned.' });
export type RowCheck = z.infer<typeof RowCheck>;

export const AsideLimit = z.discriminatedUnion('of', [
  z.object({ of: z.literal('rows').describe('A number.'), rows: Count.describe('Rows.') }),
  z.object({ of: z.literal('share').describe('A part of the rows read.'), percent: z.number().min(0).max(100).describe('Of the rows read, in percent.') }),
]).meta({ description: 'How many rows may be set aside.' });
export type AsideLimit = z.infer<typeof AsideLimit>;
/** Rows that a limit lets pass, of so many. A share has four digits behind its point at most: in whole millionths a limit that is just met is not missed by the last digit of a double. */
export const allowedRows = (limit: AsideLimit, rows: number): number => (limit.of === 'rows' ? limit.rows : (rows * Math.round(limit.percent * 10_000)) / 1_000_000);

export const Judging = z.object({
  pipeline: PipelineName.describe('Whose rows they are.'),
  checks: z.array(RowCheck).describe('In the order in which they are judged; unique comes last, among rows that pass all else.'),
  bad: z.enum(['stop', 'aside']).describe('stop: the first row that breaks a check fails the load · aside: bad rows, also such as cannot be read, are set aside.'),
  atMost: AsideLimit.nullable().describe('How many may be set aside; null where none are.'),
}).meta({ id: 'Judging', description: 'How rows are judged while they are read.' });
export type Judging = z.infer<typeof Judging>;

const IdRanges = z.string().max(200_000).regex(/^\d{1,15}(-\d{1,15})?(,\d{1,15}(-\d{1,15})?)*$/, 'must be ids such as 3,5-9');
export const Replaying = z.object({
  pipeline: PipelineName.describe('Pipeline whose rows come back.'),
  rows: IdRanges.describe('Ids of the rows in quarantine that these rows stand for, such as 3,5-9.'),
}).strict().meta({ id: 'Replaying', description: 'Rows in quarantine that a load brings back; each comes back once.' });
export type Replaying = z.infer<typeof Replaying>;

export const AsideReason = z.object({
  reason: z.string().describe('Check or problem and column, such as not_null:title.'), rows: Count.describe('Rows.'),
  row: Count.nullable().describe('Row of an example in its source, 1-based; null where rows have no number.'),
}).meta({ id: 'AsideReason', description: 'Rows that were set aside for one reason.' });
export type AsideReason = z.infer<typeof AsideReason>;
