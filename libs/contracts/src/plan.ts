import { z } from 'zod';
import { Judging, Replaying } from './check.ts';
import { ColumnType, DatasetRef, Profile, digestKinds } from './dataset.ts';
import { TargetChange } from './drift.ts';
import { Issue } from './failure.ts';
import { Count, Instant, PipelineName, PlanId, RequestId, SafeText, Sha256, TaskName } from './ids.ts';
import { PartitionBy, Pipeline, Schedule, loadModes } from './pipeline.ts';
import { Measuring } from './quality.ts';
import { Transform } from './transform/transform.ts';
import { Sample, proofLevels } from './proof.ts';

export const riskClasses = ['R0', 'R1', 'R2', 'R3'] as const;
export const RiskClass = z.enum(riskClasses).meta({ description: 'R0 reads · R1 creates, appends, upserts on a declared key · R2 overwrites, deletes, changes a schema · R3 new egress.' });
export type RiskClass = z.infer<typeof RiskClass>;

export const decisionQuestions = ['movement', 'steps', 'columns', 'types', 'drift', 'key', 'strategy', 'overlap', 'chunks', 'parallelism', 'load', 'deletes', 'partitions', 'publish', 'gates', 'proof', 'engine', 'driver', 'schedule', 'checks', 'bad rows', 'personal data', 'quality'] as const;
export const Decision = z.object({
  question: z.enum(decisionQuestions).describe('What had to be decided.'),
  choice: z.string().describe('What was chosen, in a few words.'),
  by: z.enum(['rules', 'person', 'model']).describe('Who chose: the rules, the request, or a model.'),
  reason: z.object({
    code: z.string().describe('Rule that fired, stable for scripts.'),
    text: z.string().describe('A sentence with its number.'),
  }).describe('Why.'),
  rejected: z.array(z.object({
    choice: z.string().describe('What was not chosen.'),
    because: z.string().describe('Why not, with its number.'),
  })).min(1).describe('At least one option that lost.'),
}).meta({ id: 'Decision', description: 'One choice in a plan, with its reason and what lost against it.' });
export type Decision = z.infer<typeof Decision>;

export const ColumnMapping = z.object({
  source: SafeText.describe('Column at the source.'),
  target: SafeText.describe('Column at the target.'),
  type: ColumnType.describe('Logical type that travels.'),
  sourceNative: z.string().describe('Type at the source, as its engine spells it.'),
  targetNative: z.string().describe('Type at the target, as its engine spells it.'),
  nullable: z.boolean().describe('Whether the target column may be NULL.'),
  sourceNullable: z.boolean().optional().describe('Whether the source column may be NULL; absent in plans of earlier releases.'),
}).meta({ id: 'ColumnMapping', description: 'One column on its way.' });
export type ColumnMapping = z.infer<typeof ColumnMapping>;

export const carriers = ['frames', 'text', 'file'] as const;
export const Carrier = z.enum(carriers).meta({ description: 'frames: messages of a binary COPY, passed on undecoded or made by the engine · text: a CSV stream · file: the engine opens the file itself.' });
export type Carrier = z.infer<typeof Carrier>;
/** splice: two PostgreSQL ends · duckdb: one end is a file · stream: two ends that write and read the text carrier by themselves · spark: steps are computed there, from staged Parquet. */
export const engines = ['splice', 'duckdb', 'stream', 'spark'] as const;

export const Chunking = z.object({
  by: z.enum(['ctid', 'cursor', 'key', 'whole']).describe('ctid: ranges of the physical order; cursor: ranges of the cursor; key: ranges of a whole-number key; whole: one piece.'),
  count: z.int().positive().describe('Pieces expected; bounds are fixed under the snapshot before the first read.'),
  parallel: z.int().positive().describe('Pieces moved at once.'),
  targetBytes: z.int().positive().describe('Source bytes aimed at per piece.'),
}).meta({ id: 'Chunking', description: 'How a source is cut into pieces that are copied, retried and proved one by one.' });
export type Chunking = z.infer<typeof Chunking>;

export const Cursor = z.object({
  column: SafeText.describe('Column at the source that says when a row changed.'),
  kind: z.enum(['ts', 'tstz']).describe('Its logical type.'),
  pipeline: PipelineName.describe('Whose position in the target it moves.'),
  scope: Sha256.describe('What the position holds for: source, columns, cursor and key.'),
  read: z.enum(['all', 'since']).describe('all: the whole source, and the position is set; since: what changed since the position, and it is moved.'),
  formerScope: Sha256.optional().describe('What the position holds for until this run has published: the scope before columns were added.'),
  overlapSeconds: z.int().nonnegative().describe('How far before the position reading begins.'),
}).meta({ id: 'Cursor', description: 'What lets a later run read only what changed.' });
export type Cursor = z.infer<typeof Cursor>;

export const Slice = z.object({
  column: SafeText.describe('Column at the source that says when a row changed.'), kind: z.enum(['ts', 'tstz']).describe('Its logical type.'),
  from: Instant.describe('First instant of the slice.'), to: Instant.describe('First instant behind it.'),
}).meta({ id: 'Slice', description: 'Rows of a source by their cursor, [from, to): what a backfill reads again. No position moves.' });
export type Slice = z.infer<typeof Slice>;

const base = { id: TaskName.describe('Name inside the plan.'), engine: z.enum(engines).describe('What moves the bytes.') };
export const LoadTask = z.object({
  ...base, kind: z.literal('load').describe('Reads the source and writes staging and ledger.'),
  source: DatasetRef.describe('What is read.'), target: DatasetRef.describe('What it is for.'),
  columns: z.array(ColumnMapping).min(1).describe('Columns in their order.'),
  carrier: Carrier.describe('How bytes travel.'), chunks: Chunking.describe('Pieces.'),
  sourceFingerprint: Sha256.describe('Shape the source had when it was profiled; another shape is drift.'),
  unread: z.array(SafeText).optional().describe('Columns of the source that do not travel; absent when all do.'),
  options: z.record(z.string(), z.string()).describe('How the source is read, explicit.'),
  expectedRows: Count.optional().describe('Rows expected, from statistics: what progress and ETA are measured against.'),
  digest: z.enum(digestKinds).describe('How rows are hashed.'),
  level: z.enum(proofLevels).optional().describe('What its publish compares, full when left out: at counts no digest is taken only to be compared.'),
  sample: Sample.optional(), partitionBy: PartitionBy.optional().describe('Columns whose values name the folders of the parts.'),
  cursor: Cursor.optional(), judging: Judging.optional(),
  transform: Transform.optional(), measuring: Measuring.optional(),
  slice: Slice.optional(),
}).meta({ id: 'LoadTask', description: 'Copies a source into staging.' });
export type LoadTask = z.infer<typeof LoadTask>;

export const publishWays = ['rename', 'swap', 'truncate-insert', 'append', 'upsert', 'merge', 'scd2', 'file', 'replace-slice'] as const;
export const Vanished = z.object({
  then: z.enum(['delete', 'close']).describe('delete: the row goes · close: its version ends.'),
  atMost: z.number().min(0).max(1).describe('Greatest share of the rows that the target has; more stops the run before anything changes.'),
}).meta({ id: 'Vanished', description: 'What becomes of rows of a target whose key the source does not have any more.' });
export type Vanished = z.infer<typeof Vanished>;
export const PublishTask = z.object({
  ...base, kind: z.literal('publish').describe('Reconciles staging with the source and makes it visible in one step.'),
  load: TaskName.describe('The load task whose staging is published.'),
  source: DatasetRef.describe('What was read.'), target: DatasetRef.describe('What becomes visible.'),
  columns: z.array(ColumnMapping).min(1).describe('Columns in their order.'),
  how: z.enum(publishWays).describe('rename: a new table · swap: two renames · truncate-insert: keeps views and keys · append · upsert · merge: an upsert that deletes what vanished · scd2: versions of rows, closed and opened · file: rename of a file · replace-slice: the rows of a slice go and come in one transaction.'),
  key: z.array(z.string()).nullable().describe('Target columns that name a row, or null.'),
  keyFromSource: z.boolean().describe('Whether a new table gets the key as its primary key.'),
  level: z.enum(proofLevels).describe('What is compared before publishing.'),
  sample: Sample.optional(), partitionBy: PartitionBy.optional().describe('Columns whose values name the folders of the parts.'),
  evolve: z.array(TargetChange).optional().describe('How the shape of the target follows its source, in the transaction that publishes.'),
  digest: z.enum(digestKinds).describe('How rows are hashed.'),
  cursor: Cursor.optional(), vanished: Vanished.optional(), replays: Replaying.optional(),
  slice: Slice.optional(),
}).meta({ id: 'PublishTask', description: 'Proves and publishes what a load staged.' });
export type PublishTask = z.infer<typeof PublishTask>;

export const PlanTask = z.discriminatedUnion('kind', [LoadTask, PublishTask]).meta({ description: 'A node of a plan.' });
export type PlanTask = z.infer<typeof PlanTask>;
const Interval = z.tuple([z.number(), z.number(), z.number()]);

export const Plan = z.object({
  schemaVersion: z.literal(1).describe('Version of this shape.'),
  pipeline: Pipeline.describe('The pipeline as it was asked for.'),
  tasks: z.array(PlanTask).min(1).describe('Nodes, in topological order.'),
  edges: z.array(z.tuple([TaskName, TaskName])).describe('Pairs [before, after], sorted.'),
  schedule: Schedule.nullable().describe('When it runs by itself, or null.'),
  driver: z.enum(['workers', 'airflow']).describe('Who decides when tasks start.'),
  target: z.object({
    connection: z.string().describe('Connection.'), dataset: z.string().describe('Dataset.'),
    load: z.enum(loadModes).describe('Load mode.'), key: z.array(z.string()).optional().describe('Key, where one is used.'),
  }).describe('What is written.'),
  decisions: z.array(Decision).describe('Every choice with its reason.'),
  risk: RiskClass.describe('Risk class, computed from the tasks.'),
  risks: z.array(z.string()).describe('What a person has to know before approving, a sentence each.'),
  cost: z.object({
    rows: Interval.describe('Rows: p5, p50, p95.'), seconds: Interval.describe('Seconds: p5, p50, p95.'), usd: Interval.describe('US dollars: p5, p50, p95.'),
  }).describe('What it is expected to take.'),
  profiles: z.object({ source: Profile.describe('Source.'), target: Profile.describe('Target.') }).describe('What the plan rests on.'),
}).meta({ id: 'Plan', description: 'An immutable version of a pipeline: typed tasks, decisions with reasons, expected cost.' });
export type Plan = z.infer<typeof Plan>;

export const Question = z.object({
  id: z.string().describe('Which question.'), text: z.string().describe('The question.'), choices: z.array(z.string()).describe('Possible answers.'),
}).meta({ id: 'Question', description: 'What a person must answer before there is a plan.' });
export type Question = z.infer<typeof Question>;

export const Verdict = z.object({
  ok: z.boolean().describe('Whether the plan may be approved.'), issues: z.array(Issue).describe('What breaks a rule.'),
}).meta({ id: 'Verdict', description: 'What the verifier says of a plan.' });
export type Verdict = z.infer<typeof Verdict>;

export const LineageColumn = z.object({
  column: z.string().describe('Column of the target.'), from: z.array(z.string()).describe('Columns of the source that its value is made of, or decided by; which rows there are is no value.'),
  pii: z.array(z.string()).describe('Personal columns among them that no mask stands before.'), masked: z.array(z.string()).describe('Personal columns among them that only masked values, counts or ranks are of.'),
}).meta({ id: 'LineageColumn', description: 'What a column of the target is made of.' });
export type LineageColumn = z.infer<typeof LineageColumn>;

export const planStatuses = ['proposed', 'approved', 'refused'] as const;
export const PlanView = z.object({
  planId: PlanId, planHash: PlanId,
  requestId: RequestId.nullable().describe('Request that led to it.'),
  pipeline: z.string().describe('Name of the pipeline.'),
  status: z.enum(planStatuses).describe('proposed, approved or refused.'),
  tasks: z.array(z.looseObject({ id: z.string(), kind: z.string(), engine: z.string(), reads: z.array(z.string()), writes: z.array(z.string()) })).describe('Nodes with what they read and write.'),
  edges: z.array(z.tuple([z.string(), z.string()])).describe('Pairs [before, after].'),
  schedule: Schedule.nullable().describe('When it runs by itself.'),
  target: Plan.shape.target, decisions: z.array(Decision).describe('Every choice with its reason.'),
  lineage: z.array(LineageColumn).optional().describe('What each column of the target is made of, computed from the plan alone; absent while there are questions.'),
  verdict: Verdict, risk: RiskClass, risks: Plan.shape.risks, cost: Plan.shape.cost,
  questions: z.array(Question).describe('Not empty: nothing else was done.'),
  createdAt: Instant.describe('When it was proposed.'),
}).meta({ id: 'PlanView', description: 'A plan as scripts and screens read it.' });
export type PlanView = z.infer<typeof PlanView>;
