import { z } from 'zod';
import { ColumnType } from '../dataset.ts';
import { SafeText } from '../ids.ts';
import { MOST_INPUTS } from './combine.ts';
import { Address } from './other-datasets.ts';
import { Query } from './query.ts';
import { stepEngines } from './step-engines.ts';

/** What a query calls the rows of the step before it. */
export const QUERY_INPUT = 'input';
const Relation = z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, 'must begin with a-z and go on with a-z 0-9 _, at most 48 characters').refine((name) => name !== QUERY_INPUT, `is what the rows of the step before are called`);

export const QueryStep = z.object({
  sql: SafeText.min(1).max(65_536).describe(`One SELECT. It reads ${QUERY_INPUT}, the rows of the step before, and what with names; nothing else.`),
  dialect: z.enum(stepEngines).optional().describe('Whose SQL it is written in, whatever computes it: postgres when left out, duckdb or spark.'),
  with: z.record(Relation, Address).refine((names) => Object.keys(names).length > 0 && Object.keys(names).length <= MOST_INPUTS, `names 1 to ${MOST_INPUTS} datasets`).optional().describe('Other datasets by the names that the query reads them under, such as airports: files:airports.csv.'),
}).strict();

const Name = SafeText.min(1).describe('Column.');
const Columns = z.array(z.object({ name: Name, type: ColumnType.describe('Its type.') }).strict()).min(1);
export const QueryStage = z.object({
  op: z.literal('query').describe('What a SELECT of a person makes of rows.'), query: Query,
  input: Columns.describe(`Columns of the rows before it, which it calls ${QUERY_INPUT}.`),
  relations: z.array(z.object({ name: Relation.describe('Name in the query.'), input: z.int().nonnegative().max(MOST_INPUTS - 1).describe('Which of the inputs, from 0.'), columns: z.array(Name).min(1).describe('Columns of it that are used.') }).strict()).max(MOST_INPUTS).describe('Other datasets that it reads.'),
  columns: Columns.describe('Columns behind it.'),
}).strict();
export type QueryStage = z.infer<typeof QueryStage>;
