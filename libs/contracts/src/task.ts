import { z } from 'zod';
import { AsideReason } from './check.ts';
import { DatasetRef, Digest, Profile } from './dataset.ts';
import { Count, Instant, PlanId, RunId, TaskRunId } from './ids.ts';
import { Combined, Queried } from './transform/combine.ts';
import { ColumnMapping, LoadTask, PublishTask } from './plan.ts';
import { Connection, PipelineSource } from './pipeline.ts';
import { SketchResult, SketchTask } from './sketch.ts';
import { SampleSums, Sampled, proofLevels } from './proof.ts';
import { Quality } from './quality.ts';
import { QuarantineResult, QuarantineTask } from './quarantine.ts';

export const ProfileTask = z.object({
  id: z.literal('profile').describe('Name.'), kind: z.literal('profile').describe('Looks at source and target before a plan is made.'),
  source: DatasetRef.describe('Source.'), target: DatasetRef.describe('Target.'),
  others: z.array(DatasetRef).optional().describe('Datasets that steps read beside the source; absent when there are none.'),
  select: PipelineSource.shape.select,
  bad: z.literal('aside').optional().describe('aside: rows that cannot be read do not end the look; they will be set aside.'),
}).meta({ id: 'ProfileTask', description: 'Observes a source and a target.' });
export type ProfileTask = z.infer<typeof ProfileTask>;
export const InspectTask = z.object({
  id: z.literal('inspect').describe('Name.'), kind: z.literal('inspect').describe('Tries a connection, or lists what it holds.'),
  connection: z.string().describe('Connection.'), want: z.enum(['test', 'datasets']).describe('What is asked.'),
}).meta({ id: 'InspectTask', description: 'Tries a connection, or lists its datasets.' });
export type InspectTask = z.infer<typeof InspectTask>;

/** Compares what a pipeline's source holds now with what readers of its target see now. Nothing is written. */
export const ReconcileTask = z.object({
  id: z.literal('reconcile').describe('Name.'), kind: z.literal('reconcile').describe('Compares source and target as they are.'),
  source: DatasetRef.describe('Source.'), target: DatasetRef.describe('Target.'),
  load: LoadTask.describe('How the source is read.'), publish: PublishTask.describe('How the target is read back.'),
}).meta({ id: 'ReconcileTask', description: 'Compares source and target at any time.' });
export type ReconcileTask = z.infer<typeof ReconcileTask>;

export const TaskSpec = z.discriminatedUnion('kind', [ProfileTask, InspectTask, LoadTask, PublishTask, ReconcileTask, SketchTask, QuarantineTask]).meta({ description: 'What a worker is asked to do.' });
export type TaskSpec = z.infer<typeof TaskSpec>;

export const ProfileResult = z.object({
  kind: z.literal('profile').describe('Kind.'), source: Profile.describe('Source.'), target: Profile.describe('Target.'),
  others: z.array(Profile).optional().describe('Datasets beside the source, in the order of the task; absent when there are none.'),
}).meta({ id: 'ProfileResult', description: 'What a profile task saw.' });
export const InspectResult = z.object({
  kind: z.literal('inspect').describe('Kind.'), system: z.string().describe('What answered, with version.'),
  datasets: z.array(z.object({ name: z.string().describe('Dataset.'), rows: Count.nullable().describe('Row estimate, or null.'), bytes: Count.nullable().describe('Bytes, or null.') })).describe('What it holds; empty for a test.'),
}).meta({ id: 'InspectResult', description: 'What an inspect task saw.' });
export const Span = z.object({
  from: z.string().nullable().describe('Position that reading began from; null: the source was read whole.'),
  to: z.string().nullable().describe('Position that was reached, as the source spells it; null: the source was empty.'),
}).meta({ id: 'Span', description: 'What a load with a cursor covers.' });
export type Span = z.infer<typeof Span>;
export const MaskKeys = z.record(z.string(), z.string()).meta({ id: 'MaskKeys', description: 'Which keys masks were made under: a fingerprint of each, by its reference. It tells keys apart, and no key is computed from it.' });
export type MaskKeys = z.infer<typeof MaskKeys>;
export const LoadResult = z.object({
  kind: z.literal('load').describe('Kind.'),
  read: Count.describe('Rows read at the source.'), filtered: Count.describe('Rows left out by a filter.'), rejected: Count.describe('Rows set aside.'), written: Count.describe('Rows staged.'),
  grouped: Count.optional().describe('Rows that went into groups or into a query, where the steps do not go row by row: written is what they came to. Absent otherwise.'),
  joined: Count.optional().describe('Rows that went into joins and unions, where none became groups: written are what came out. Absent otherwise.'),
  combined: z.array(Combined).optional().describe('What each join and union did, in their order. Absent where there are none.'),
  queried: z.array(Queried).optional().describe('What each query over other datasets did, in their order. Absent where there are none.'),
  bytes: Count.describe('Bytes moved.'), chunks: Count.describe('Pieces in all.'), resumed: Count.describe('Pieces that an earlier attempt had written.'),
  digest: Digest.nullable().describe('Digest of what was read, at level sampled of the sample; null: none was taken, since nobody compares it.'),
  digestMs: Count.optional().describe('Milliseconds that hashing the source took beside the copy; 0 where rows are hashed on their way.'),
  sample: SampleSums.optional().describe('Sums of the sampled rows by bucket, at level sampled.'),
  span: Span.optional(),
  aside: z.array(AsideReason).optional().describe('Rejected rows by reason, most first; absent when there are none.'),
  quality: Quality.optional(),
  maskKeys: MaskKeys.optional(),
}).meta({ id: 'LoadResult', description: 'What a load did.' });
export const PublishResult = z.object({
  kind: z.literal('publish').describe('Kind.'),
  published: Count.describe('Rows that became visible.'), inserted: Count.nullable().describe('New rows of an upsert, a merge or a history, else null.'), updated: Count.nullable().describe('Changed rows of one, else null.'),
  deleted: Count.optional().describe('Of a merge: rows that went; of a history: rows whose version ended, since the source has them no more.'), unchanged: Count.optional().describe('Of a merge or a history: rows left as they were.'),
  asOf: Instant.optional().describe('Of a history: when the versions of this run begin, and those that they follow end.'),
  level: z.enum(proofLevels).describe('What was compared.'), sampled: Sampled.optional(),
  sourceDigest: Digest.nullable().describe('Digest of what was read; null: none was taken.'), targetDigest: Digest.nullable().describe('Digest of what was published; null: none was taken.'),
  proofMs: Count.describe('Milliseconds the comparison took.'),
  extra: Count.optional().describe('Of a slice: rows that the target has in it and the source has not, since they were deleted there or changed after it.'),
}).meta({ id: 'PublishResult', description: 'What a publish did.' });
export const ReconcileResult = z.object({
  kind: z.literal('reconcile').describe('Kind.'), sourceDigest: Digest.describe('Digest of every row of the source.'), targetDigest: Digest.describe('Digest of every row of the target: the same, unless rows are kept.'),
  proofMs: Count.describe('Milliseconds both took.'),
  kept: Count.optional().describe('Rows of the target that the source has not any more, where the pipeline keeps what vanished; all other rows are the same.'),
}).meta({ id: 'ReconcileResult', description: 'What a comparison found: both ends are equal, but for rows that the pipeline keeps. Ends that differ make the task fail with sink.reconcile-mismatch.' });
export const TaskResult = z.discriminatedUnion('kind', [ProfileResult, InspectResult, LoadResult, PublishResult, ReconcileResult, SketchResult, QuarantineResult]).meta({ description: 'What a task did.' });
export type TaskResult = z.infer<typeof TaskResult>;
export type ProfileResult = z.infer<typeof ProfileResult>;
export type InspectResult = z.infer<typeof InspectResult>;
export type LoadResult = z.infer<typeof LoadResult>;
export type PublishResult = z.infer<typeof PublishResult>;
export type ReconcileResult = z.infer<typeof ReconcileResult>;

export const progressPhases = ['waiting', 'connecting', 'copying', 'indexing', 'proving', 'publishing', 'profiling'] as const;
export const Progress = z.object({
  phase: z.enum(progressPhases).describe('What is going on.'),
  rows: Count.describe('Rows so far.'), totalRows: Count.nullable().describe('Rows expected, from statistics, or null.'),
  bytes: Count.describe('Bytes so far.'), chunksDone: Count.describe('Pieces committed.'), chunks: Count.describe('Pieces in all.'),
}).meta({ id: 'Progress', description: 'How far a task is. May be lost; the ledger is the truth.' });
export type Progress = z.infer<typeof Progress>;

export const TaskCommand = z.object({
  taskRunId: TaskRunId, runId: RunId, planId: PlanId.nullable().describe('Plan, or null for a profile.'), attempt: z.int().positive().describe('1 for the first try.'),
  task: TaskSpec, connections: z.array(Connection).describe('Connections the task needs, with references to secrets.'),
  load: LoadResult.nullable().describe('For a publish: what its load did.'),
  pipeline: z.string().max(200).optional().describe('Pipeline that the run belongs to: tasks that wait take turns by it.'),
  deadline: Instant.describe('When the run must have ended.'), began: Instant.optional().describe('When the run began, by the clock of the state database: the same for all its tasks and attempts.'),
}).meta({ id: 'TaskCommand', description: 'Asks the workers to run one task.' });
export type TaskCommand = z.infer<typeof TaskCommand>;
