import { z } from 'zod';
import { Failure } from './failure.ts';
import { Count, Instant, PlanId, RunId } from './ids.ts';
import { Receipt, runStates, taskRunStates } from './run.ts';
import { Progress } from './task.ts';

export const LiveRunView = z.object({
  runId: RunId, planId: PlanId.nullable().describe('Plan.'), pipeline: z.string().describe('Pipeline.'), state: z.enum(runStates).describe('State.'),
  startedAt: Instant.describe('Start.'), finishedAt: Instant.nullable().describe('End.'),
  rows: Count.describe('Rows moved so far.'), totalRows: Count.nullable().describe('Rows expected.'), rowsPerSecond: z.number().describe('Speed over the last progress interval.'),
  tasks: z.array(z.object({
    id: z.string().describe('Task.'), kind: z.string().describe('Kind.'), state: z.enum(taskRunStates).describe('State.'), attempt: Count.describe('Attempt.'), worker: z.string().nullable().describe('Worker.'),
    progress: Progress.nullable().describe('Progress.'), startedAt: Instant.nullable().describe('Start.'), finishedAt: Instant.nullable().describe('End.'), failure: Failure.nullable().describe('Why the latest attempt failed.'),
  })).describe('Tasks in order.'),
  receipt: Receipt.nullable().describe('Proof.'), failure: Failure.nullable().describe('Why it is red.'), seq: Count.describe('Number of the latest event in it.'),
}).meta({ id: 'LiveRunView', description: 'A run as the dashboard shows it.' });
export type LiveRunView = z.infer<typeof LiveRunView>;

export const Series = z.object({
  name: z.string().describe('Metric.'), stepSeconds: z.number().describe('Seconds between points.'),
  points: z.array(z.tuple([z.number(), z.number()])).describe('Pairs of Unix seconds and value per second.'),
}).meta({ id: 'Series', description: 'A metric over time.' });
export type Series = z.infer<typeof Series>;

export const DeadLetterView = z.object({
  id: z.uuid().describe('Id.'), app: z.string().describe('Service that could not handle it.'), topic: z.string().describe('Topic.'), partition: z.int().describe('Partition.'), offset: z.string().describe('Offset.'),
  key: z.string().describe('Key.'), type: z.string().nullable().describe('ce_type, where it had one.'), failure: Failure, tries: Count.describe('Tries.'), at: Instant.describe('When it died.'), bytes: Count.describe('Size.'),
}).meta({ id: 'DeadLetterView', description: 'A message that no handler could take.' });
export type DeadLetterView = z.infer<typeof DeadLetterView>;

/** First frame of a client: what it wants, and the last number it saw. */
export const LiveSubscribe = z.object({
  subscribe: z.array(z.string().max(200)).max(100).describe('run:ID, pipeline:NAME, runs, throughput.'), after: Count.optional().describe('Last seq seen: frames after it are sent again.'),
}).strict().meta({ id: 'LiveSubscribe', description: 'What a live client asks for.' });
export type LiveSubscribe = z.infer<typeof LiveSubscribe>;
/** `event` of `runs`, `run:ID` and `pipeline:NAME` is a LiveRunView; of `throughput` rows per second; `heartbeat` and `reset` have none. */
export const LiveFrame = z.object({
  seq: Count.describe('Grows by one per event of this tenant; heartbeat repeats the latest.'), topic: z.string().describe('Topic, heartbeat or reset.'), event: z.unknown().describe('What happened.'),
}).meta({ id: 'LiveFrame', description: 'One frame of the live feed.' });
export type LiveFrame = z.infer<typeof LiveFrame>;

/** Metric names that dashboards and alerts may use. */
export const metricNames = ['etl_runs_total', 'etl_run_seconds', 'etl_rows_total', 'etl_rejected_rows_total', 'etl_freshness_seconds', 'etl_queue_depth', 'etl_task_wait_seconds',
  'etl_outbox_oldest_seconds', 'etl_consumer_lag', 'etl_dead_letters', 'etl_reconcile_mismatch_total', 'etl_lease_lost_total', 'etl_live_clients'] as const;
