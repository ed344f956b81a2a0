import { z } from 'zod';
import { DatasetRef, digestKinds } from './dataset.ts';
import { Failure } from './failure.ts';
import { Count, Instant, PipelineName, PlanId, RequestId, RunId, Sha256, TaskRunId } from './ids.ts';
import { Slice } from './plan.ts';
import { Sampled, proofLevels } from './proof.ts';
import { QualityScore } from './quality.ts';
import { Progress, TaskResult } from './task.ts';
import { Combined, Queried } from './transform/combine.ts';
import { stepEngines } from './transform/step-engines.ts';

export const runStates = ['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'] as const;
export type RunState = (typeof runStates)[number];
/** copy moves rows; planning profiles; inspect looks at a connection; reconcile compares both ends; sketch profiles the values of a dataset; quarantine reads what was set aside. */
export const runKinds = ['copy', 'planning', 'inspect', 'reconcile', 'sketch', 'quarantine'] as const;
export type RunKind = (typeof runKinds)[number];
export const taskRunStates = ['waiting', 'ready', 'running', 'succeeded', 'failed', 'cancelled', 'skipped'] as const;
export type TaskRunState = (typeof taskRunStates)[number];
export const isFinal = (state: RunState): boolean => state === 'succeeded' || state === 'failed' || state === 'cancelled';

export const ReceiptBody = z.object({
  receiptVersion: z.literal(1).describe('Version of this shape.'),
  runId: RunId, planId: PlanId, pipeline: PipelineName.describe('Pipeline.'), tenant: z.string().describe('Tenant.'),
  source: DatasetRef.describe('What was read.'), target: DatasetRef.describe('What was written.'),
  reconciled: z.boolean().describe('Whether source and target were found equal. A green run always says true.'),
  level: z.enum(proofLevels).describe('What was compared.'),
  sampled: Sampled.optional().describe('Share and seed of a sampled proof; absent at other levels.'),
  proofMs: Count.optional().describe('Milliseconds that reading back and comparing took.'), sourceProofMs: Count.optional().describe('Milliseconds that hashing the source took beside the copy.'),
  read: Count.describe('Rows read.'), filtered: Count.describe('Rows filtered out.'), rejected: Count.describe('Rows set aside.'), written: Count.describe('Rows staged: read - filtered - rejected, or what groups, joins and queries made of them.'),
  grouped: Count.optional().describe('Rows that went into groups, or into a query: read - filtered - rejected. Absent where rows go one by one.'),
  joined: Count.optional().describe('Rows that went into joins and unions: read - filtered - rejected. Absent where rows go one by one, or into groups.'),
  combined: z.array(Combined).optional().describe('What each join and union did, in their order. Absent where there are none.'),
  queried: z.array(Queried).optional().describe('What each query over other datasets did, in their order. Absent where there are none.'),
  published: Count.describe('Rows that became visible.'),
  inserted: Count.optional().describe('New rows, where rows were merged by a key.'), updated: Count.optional().describe('Changed rows.'), deleted: Count.optional().describe('Rows that went, or whose version ended.'), unchanged: Count.optional().describe('Rows left as they were.'),
  engine: z.enum(stepEngines).optional().describe('What computed the steps; absent where there were none, and in receipts of earlier releases.'),
  digest: z.enum(digestKinds).describe('How rows were hashed.'),
  sourceDigest: z.string().nullable().describe('kind:rows:a:b of the source; null: none was taken.'), targetDigest: z.string().nullable().describe('kind:rows:a:b of the target; null: none was taken.'),
  slice: Slice.pick({ column: true, from: true, to: true }).extend({ extra: Count.describe('Rows that the target has in the slice and the source has not.') }).optional().describe('What a backfill read again: every row of the slice is in the target as the source has it.'),
  quality: QualityScore.optional().describe('How good the rows were; absent where nobody asked.'),
  chunks: Count.describe('Pieces.'), attempts: Count.describe('Attempts of all tasks together.'),
  approvedBy: z.string().describe('policy, or who approved the plan.'),
  startedAt: Instant.describe('Start of the run.'), finishedAt: Instant.describe('End of the run.'),
}).meta({ id: 'ReceiptBody', description: 'What a receipt says. Signed as RFC 8785 canonical JSON.' });
export type ReceiptBody = z.infer<typeof ReceiptBody>;
export const Receipt = ReceiptBody.extend({
  keyId: z.string().describe('sha256 of the public key (SPKI DER), first 16 hex digits.'),
  signature: z.string().describe('Ed25519 over the canonical JSON of all other fields but keyId, base64.'),
}).meta({ id: 'Receipt', description: 'Signed proof of a run.' });
export type Receipt = z.infer<typeof Receipt>;

/** The digests that a receipt stands on, null where none was taken. Receipts of earlier releases say zeros there. */
export function takenDigests({ level, sourceDigest, targetDigest }: Pick<Receipt, 'level' | 'sourceDigest' | 'targetDigest'>): { readonly source: string | null; readonly target: string | null } {
  const taken = (digest: string | null): string | null => (level === 'counts' && digest?.endsWith(':0:0') ? null : digest);
  return { source: taken(sourceDigest), target: taken(targetDigest) };
}

export const TaskRunView = z.object({
  id: z.string().describe('Task in the plan.'), taskRunId: TaskRunId, kind: z.string().describe('Kind of the task.'), state: z.enum(taskRunStates).describe('State.'),
  attempts: Count.describe('Attempts so far.'), rows: Count.describe('Rows so far.'), worker: z.string().nullable().describe('Worker of the latest attempt.'),
  progress: Progress.nullable().describe('Latest progress, may be stale.'), result: TaskResult.nullable().describe('What it did.'), failure: Failure.nullable().describe('Why the latest attempt failed.'),
  startedAt: Instant.nullable().describe('Start of the latest attempt.'), finishedAt: Instant.nullable().describe('End.'),
}).meta({ id: 'TaskRunView', description: 'One task of a run.' });
export type TaskRunView = z.infer<typeof TaskRunView>;
export const RunView = z.object({
  runId: RunId, planId: PlanId.nullable().describe('Plan; null while profiling.'), requestId: RequestId.nullable().describe('Request.'),
  kind: z.enum(runKinds).describe('copy moves rows; planning profiles; inspect looks at a connection; reconcile compares both ends; sketch profiles the values of a dataset; quarantine reads what was set aside.'),
  pipeline: z.string().describe('Pipeline.'), state: z.enum(runStates).describe('State.'), driver: z.enum(['workers', 'airflow']).describe('Who starts tasks.'),
  startedAt: Instant.nullable().describe('Start.'), finishedAt: Instant.nullable().describe('End.'),
  tasks: z.array(TaskRunView).describe('Tasks in order.'), receipt: Receipt.nullable().describe('Proof; null until green.'), failure: Failure.nullable().describe('Why it is red.'),
}).meta({ id: 'RunView', description: 'A run as scripts and screens read it.' });
export type RunView = z.infer<typeof RunView>;

export const RunEventView = z.object({
  seq: Count.describe('Grows with every message; parts of it may be missing between two.'), at: Instant.describe('When the orchestrator wrote or took it.'), type: z.string().describe('Message, such as task.run.succeeded.v1.'),
  task: z.string().nullable().describe('Task in the plan it is about, or null.'), attempt: Count.nullable().describe('Attempt, or null.'), worker: z.string().nullable().describe('Worker, where the message names one.'),
  state: z.enum(runStates).nullable().describe('Of the end of a run: how it ended.'), code: z.string().nullable().describe('Why something failed: code of the error table.'), text: z.string().nullable().describe('The sentence.'),
}).meta({ id: 'RunEventView', description: 'One message of a run, without its payload and without progress.' });
export type RunEventView = z.infer<typeof RunEventView>;

export const requestStates = ['accepted', 'planning', 'planned', 'waiting', 'running', 'finished', 'failed'] as const;
export const RequestView = z.object({
  requestId: RequestId, pipeline: z.string().nullable().describe('Pipeline.'), pipelineId: z.string().nullable().describe('Pipeline id.'),
  state: z.enum(requestStates).describe('planned: there is a plan and nothing runs; waiting: a person must approve or answer; finished: the run has ended.'),
  planId: PlanId.nullable().describe('Plan.'), runId: RunId.nullable().describe('Run.'), failure: Failure.nullable().describe('Why no plan was made.'),
}).meta({ id: 'RequestView', description: 'What became of a request.' });
export type RequestView = z.infer<typeof RequestView>;
export const DagArtifact = z.object({
  planId: PlanId, dagId: z.string().describe('Id of the DAG in Airflow.'), target: z.string().describe('airflow 3.3 http.'), digest: Sha256.describe('sha256 of the file.'),
  path: z.string().nullable().describe('File, null when it could not be written.'), text: z.string().optional().describe('The file itself.'), publishedAt: Instant.describe('When it was written.'),
}).meta({ id: 'DagArtifact', description: 'A rendered DAG file.' });
export type DagArtifact = z.infer<typeof DagArtifact>;
