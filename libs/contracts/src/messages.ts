import { z } from 'zod';
import { Failure, Issue } from './failure.ts';
import { Instant, PipelineId, PipelineName, PlanId, RequestId, RunId, Sha256, TaskRunId } from './ids.ts';
import { Plan, PlanView, RiskClass } from './plan.ts';
import { AirflowTarget } from './project.ts';
import { PipelineRequest } from './pipeline.ts';
import { Receipt, runKinds, runStates } from './run.ts';
import { SlotView } from './schedule.ts';
import { Progress, TaskCommand, TaskResult } from './task.ts';

export const apps = ['orchestrator', 'etl-worker', 'dag-generator', 'monitor'] as const;
export type App = (typeof apps)[number];
type Writer = App | 'anyone';

/** A topic is an ordering domain with one writer. */
export interface Topic { readonly key: string; readonly writer: Writer; readonly partitions: number; readonly retentionHours: number; readonly says: string }
export const topics = {
  'etl.pipeline.requests': { key: "anything stable of the requester's", writer: 'anyone', partitions: 6, retentionHours: 168, says: 'The door for other services.' },
  'etl.pipeline.events': { key: 'pipelineId', writer: 'orchestrator', partitions: 6, retentionHours: 168, says: 'What became of a request, and every plan.' },
  'etl.task.commands': { key: 'taskRunId', writer: 'orchestrator', partitions: 6, retentionHours: 168, says: 'Work for the workers; a cancel stays behind its request.' },
  'etl.task.events': { key: 'runId', writer: 'etl-worker', partitions: 6, retentionHours: 168, says: 'What workers did.' },
  'etl.run.events': { key: 'runId', writer: 'orchestrator', partitions: 6, retentionHours: 168, says: 'Start and end of runs, with the receipt.' },
  'etl.dag.events': { key: 'pipelineId', writer: 'dag-generator', partitions: 6, retentionHours: 168, says: 'DAG files that were written or refused.' },
  'etl.dlq.orchestrator': { key: 'original key', writer: 'orchestrator', partitions: 1, retentionHours: 720, says: 'Messages the orchestrator could not handle: original bytes.' },
  'etl.dlq.etl-worker': { key: 'original key', writer: 'etl-worker', partitions: 1, retentionHours: 720, says: 'Messages the workers could not handle: original bytes.' },
  'etl.dlq.dag-generator': { key: 'original key', writer: 'dag-generator', partitions: 1, retentionHours: 720, says: 'Messages the dag-generator could not handle: original bytes.' },
  'etl.dlq.monitor': { key: 'original key', writer: 'monitor', partitions: 1, retentionHours: 720, says: 'Messages the monitor could not handle: original bytes.' },
} as const satisfies Record<string, Topic>;
export type TopicName = keyof typeof topics;
export const topicNames = Object.keys(topics) as TopicName[];
export const deadLetterTopic = (app: App): TopicName => `etl.dlq.${app}`;

interface Definition<W extends Writer, R extends App, P extends z.ZodType> {
  readonly topic: TopicName; readonly writer: W; readonly readers: readonly R[]; readonly key: string; readonly says: string; readonly payload: P;
}
const message = <const W extends Writer, const R extends App, P extends z.ZodType>(definition: Definition<W, R, P>) => definition;
const task = { runId: RunId, taskRunId: TaskRunId, attempt: z.int().positive().describe('Attempt the event is about.') };
const plan = { requestId: RequestId.nullable().describe('Request that led to it.'), pipelineId: PipelineId, pipeline: PipelineName, planId: PlanId };
const run = { requestId: RequestId.nullable().describe('Request that led to it.'), runId: RunId, planId: PlanId.nullable().describe('Plan, or null while profiling.'), pipeline: z.string().describe('Pipeline.'), kind: z.enum(runKinds).describe('What kind of run.') };

/** Every message of the system. Writing another app's message does not compile; a reader without a handler does not boot.
 * Messages without a reader are answers: the requester reads them. */
export const messages = {
  'pipeline.requested.v1': message({ topic: 'etl.pipeline.requests', writer: 'anyone', readers: ['orchestrator'], key: 'requestId', says: 'Someone asks for a pipeline.', payload: PipelineRequest }),
  'pipeline.accepted.v1': message({ topic: 'etl.pipeline.events', writer: 'orchestrator', readers: [], key: 'pipelineId', says: 'The request is stored and will be planned.',
    payload: z.object({ requestId: RequestId, pipelineId: PipelineId, pipeline: PipelineName, owner: z.string().nullable().describe('Owner.') }) }),
  'pipeline.rejected.v1': message({ topic: 'etl.pipeline.events', writer: 'orchestrator', readers: [], key: 'requestId', says: 'The request cannot be taken, or no plan can be made of it.',
    payload: z.object({ requestId: RequestId, code: z.string().describe('Code of the error table.'), text: z.string().describe('One sentence.'), issues: z.array(Issue).describe('Each thing that is wrong.'),
      next: z.string().nullable().optional().describe('What to do next, or null.') }) }),
  'plan.proposed.v1': message({ topic: 'etl.pipeline.events', writer: 'orchestrator', readers: [], key: 'pipelineId', says: 'A plan was made and verified.',
    payload: z.object({ ...plan, risk: RiskClass, view: PlanView }) }),
  'plan.approved.v1': message({ topic: 'etl.pipeline.events', writer: 'orchestrator', readers: ['dag-generator'], key: 'pipelineId', says: 'The plan may run; the whole plan is inside.',
    payload: z.object({ ...plan, plan: Plan, by: z.string().describe('policy, or who approved.'), approvedAt: Instant.describe('When.'), airflow: AirflowTarget.describe('DAG target of the policy.'),
      addresses: z.record(z.string(), z.string()).optional().describe('Where connections lead, by name, as the beginning of asset URIs: postgres://host:port/database or file:///folder, never a user or password.') }) }),
  'plan.refused.v1': message({ topic: 'etl.pipeline.events', writer: 'orchestrator', readers: [], key: 'pipelineId', says: 'The plan may not run.',
    payload: z.object({ ...plan, by: z.string().describe('verifier, or who refused.'), issues: z.array(Issue).describe('What breaks a rule.') }) }),
  'slot.decided.v1': message({ topic: 'etl.pipeline.events', writer: 'orchestrator', readers: [], key: 'pipelineId', says: 'The slot of a schedule has come: it has a run, or says why it has none.',
    payload: z.object({ pipelineId: PipelineId, pipeline: PipelineName, planId: PlanId, slot: SlotView }) }),
  'task.run.requested.v1': message({ topic: 'etl.task.commands', writer: 'orchestrator', readers: ['etl-worker'], key: 'taskRunId', says: 'Run this task.', payload: TaskCommand }),
  'task.run.cancel-requested.v1': message({ topic: 'etl.task.commands', writer: 'orchestrator', readers: ['etl-worker'], key: 'taskRunId', says: 'Stop this task at the next chunk boundary. After an attempt has ended: nobody follows it, what it staged is to be dropped.',
    payload: z.object({ ...task, reason: z.string().describe('Why.') }) }),
  'task.run.started.v1': message({ topic: 'etl.task.events', writer: 'etl-worker', readers: ['orchestrator', 'monitor'], key: 'runId', says: 'A worker claimed the task.',
    payload: z.object({ ...task, worker: z.string().describe('Worker.') }) }),
  'task.run.progressed.v1': message({ topic: 'etl.task.events', writer: 'etl-worker', readers: ['orchestrator', 'monitor'], key: 'runId', says: 'How far it is; at most twice a second, may be lost.',
    payload: z.object({ ...task, progress: Progress }) }),
  'task.run.succeeded.v1': message({ topic: 'etl.task.events', writer: 'etl-worker', readers: ['orchestrator', 'monitor'], key: 'runId', says: 'The task is done.',
    payload: z.object({ ...task, result: TaskResult }) }),
  'task.run.failed.v1': message({ topic: 'etl.task.events', writer: 'etl-worker', readers: ['orchestrator', 'monitor'], key: 'runId', says: 'The attempt failed.',
    payload: z.object({ ...task, failure: Failure }) }),
  'task.run.cancelled.v1': message({ topic: 'etl.task.events', writer: 'etl-worker', readers: ['orchestrator', 'monitor'], key: 'runId', says: 'The attempt stopped at a chunk boundary.',
    payload: z.object(task) }),
  'run.started.v1': message({ topic: 'etl.run.events', writer: 'orchestrator', readers: ['monitor'], key: 'runId', says: 'A run began.',
    payload: z.object({ ...run, driver: z.enum(['workers', 'airflow']).describe('Who starts tasks.'), tasks: z.array(z.object({ id: z.string().describe('Task.'), taskRunId: TaskRunId, kind: z.string().describe('Kind.') })).describe('Tasks in order.'), startedAt: Instant.describe('When.') }) }),
  'run.finished.v1': message({ topic: 'etl.run.events', writer: 'orchestrator', readers: ['monitor'], key: 'runId', says: 'A run ended; green ones carry their receipt.',
    payload: z.object({ ...run, state: z.enum(runStates).describe('Final state.'), receipt: Receipt.nullable().describe('Proof.'), failure: Failure.nullable().describe('Why it is red.'), finishedAt: Instant.describe('When.') }) }),
  'run.deadline-missed.v1': message({ topic: 'etl.run.events', writer: 'orchestrator', readers: [], key: 'planId', says: 'Airflow says a run missed its deadline.',
    payload: z.object({ planId: PlanId, airflowRunId: z.string().describe('Run in Airflow.') }) }),
  'dag.published.v1': message({ topic: 'etl.dag.events', writer: 'dag-generator', readers: ['orchestrator'], key: 'pipelineId', says: 'The DAG file is in place.',
    payload: z.object({ pipelineId: PipelineId, planId: PlanId, dagId: z.string().describe('DAG.'), digest: Sha256, path: z.string().describe('File; a bare name when it is kept in the database only.'),
      approvedAt: Instant.optional().describe('Approval it stands for: a plan that comes back after another one is published again.') }) }),
  'dag.failed.v1': message({ topic: 'etl.dag.events', writer: 'dag-generator', readers: ['orchestrator'], key: 'pipelineId', says: 'No DAG file could be made.',
    payload: z.object({ pipelineId: PipelineId, planId: PlanId, failure: Failure }) }),
};
export type MessageType = keyof typeof messages;
export const messageTypes = Object.keys(messages) as MessageType[];
export type Payload<T extends MessageType> = z.infer<(typeof messages)[T]['payload']>;
export type ReadBy<A extends App> = { [T in MessageType]: A extends (typeof messages)[T]['readers'][number] ? T : never }[MessageType];
export type WrittenBy<A extends App> = { [T in MessageType]: (typeof messages)[T]['writer'] extends A ? T : never }[MessageType];
/** Types an app must handle. */
export const readBy = (app: App): MessageType[] => messageTypes.filter((type) => (messages[type].readers as readonly App[]).includes(app));
export const isMessageType = (text: string): text is MessageType => Object.hasOwn(messages, text);
