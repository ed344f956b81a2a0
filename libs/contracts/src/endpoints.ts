import { z } from 'zod';
import { BackfillRequest, BackfillView } from './backfill.ts';
import { endpoint } from './endpoint.ts';
import { Failure, Issue } from './failure.ts';
import { ConnectionName, Count, Instant, PipelineName, PlanId, RequestId, RunId, SafeText } from './ids.ts';
import { ConnectionSpec, Pipeline, PipelineRequest } from './pipeline.ts';
import { noClimbing } from './secret-ref.ts';
import { PlanView } from './plan.ts';
import { DagArtifact, Receipt, RequestView, RunEventView, RunView } from './run.ts';
import { ScheduleView } from './schedule.ts';
import { DatasetProfile } from './sketch.ts';
import { QuarantinePage } from './quarantine.ts';
import { InspectResult } from './task.ts';
import { DeadLetterView, LiveRunView, Series } from './live.ts';

const everyone = ['viewer', 'editor', 'admin'] as const;
const editors = ['editor', 'admin'] as const;
const page = z.object({ limit: z.coerce.number().int().min(1).max(500).optional().describe('Rows at most, 50 when left out.'), cursor: z.string().max(200).optional().describe('`next` of the page before.') }).strict();
const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item).describe('Rows.'), next: z.string().nullable().describe('Cursor of the next page, or null.') });
const plansPage = page.extend({ pipeline: PipelineName.optional(), begins: z.string().regex(/^[0-9a-f]{6,64}$/, 'must be 6 to 64 lower-case hex digits').optional().describe('How the id begins.') });
const wait = z.object({ wait: z.coerce.number().min(0).max(60).optional().describe('Seconds to wait for the end before answering.') }).strict();
const quarantineQuery = z.object({
  pipeline: PipelineName.describe('Whose rows.'), run: RunId.optional().describe('Of this run only.'), want: z.enum(['groups', 'rows']).optional().describe('groups (default): counts by run and reason; rows: the rows themselves.'),
  waiting: z.enum(['only', 'all']).optional().describe('only: rows that were not brought back yet; all when left out.'),
  after: z.coerce.number().int().nonnegative().optional().describe('`next` of the page before.'), limit: z.coerce.number().int().min(1).max(200).optional().describe('Rows at most, 50 when left out.'),
}).strict();
const byRequest = z.object({ requestId: RequestId }).strict();
const byPlan = z.object({ planId: PlanId }).strict();
const byRun = z.object({ runId: RunId }).strict();
const byName = z.object({ name: PipelineName }).strict();
const byBackfill = z.object({ name: PipelineName, backfillId: z.uuid() }).strict();
const byConnection = z.object({ name: ConnectionName }).strict();
const byDataset = z.object({ id: SafeText.min(3).max(1100).regex(/^[a-z][a-z0-9_]{0,47}[.:].+/, 'must be connection.schema.table or connection:path').describe('connection.schema.table, or connection:path of a file, percent-encoded.') }).strict();
export const PipelineView = z.object({
  pipelineId: z.string().describe('Id.'), name: PipelineName, owner: z.string().nullable().describe('Owner.'), spec: Pipeline.describe('As it was asked for.'),
  planId: PlanId.nullable().describe('Latest approved plan.'), lastRunId: RunId.nullable().describe('Latest run.'), lastState: z.string().nullable().describe('State of the latest run.'), updatedAt: Instant.describe('Latest change.'),
  schedule: ScheduleView.nullable().describe('Schedule that workers keep; null when it runs on demand, or Airflow keeps it.'),
}).meta({ id: 'PipelineView', description: 'A pipeline.' });
export type PipelineView = z.infer<typeof PipelineView>;
export const ConnectorView = z.object({
  name: z.string().describe('Name for `connector:`.'), says: z.string().describe('What it reaches.'), source: z.boolean().describe('Can be read.'), sink: z.boolean().describe('Can be written.'), tier: z.enum(['A', 'B', 'C', 'D']).describe('What its sink can promise.'),
}).meta({ id: 'ConnectorView', description: 'A connector of this release.' });
export type ConnectorView = z.infer<typeof ConnectorView>;
export const ConnectionView = z.object({ name: ConnectionName, connector: z.string().describe('Connector.'), spec: ConnectionSpec }).meta({ id: 'ConnectionView', description: 'A connection; secrets are references.' });
export type ConnectionView = z.infer<typeof ConnectionView>;
export const AirflowTaskRun = z.object({
  dag_id: SafeText.max(250).describe('DAG.'), run_id: SafeText.max(250).describe('Run in Airflow.'), task: SafeText.max(250).describe('Task, or receipt.'),
  try: z.int().describe('try_number.'), max_tries: z.int().describe('Grows only when a person clears the task.'), wait_s: z.number().min(0).max(60).describe('Seconds to wait for the end.'),
}).meta({ id: 'AirflowTaskRun', description: 'What a DAG asks: make sure this task runs.' });
export const AirflowTaskState = z.object({
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']).describe('State of the task.'), attempt: Count.describe('Attempts so far.'),
  receipt: z.string().nullable().describe('Run whose receipt exists, or null.'), code: z.string().nullable().describe('Why it failed.'),
}).meta({ id: 'AirflowTaskState', description: 'What a DAG is told.' });
export type AirflowTaskState = z.infer<typeof AirflowTaskState>;

export const endpoints = {
  createRequest: endpoint({ method: 'POST', path: '/v1/requests', app: 'orchestrator', roles: editors, status: 202, says: 'Asks for a pipeline, a plan or a run. Takes an Idempotency-Key, which counts for 24 hours.', query: wait, body: PipelineRequest, response: RequestView }),
  getRequest: endpoint({ method: 'GET', path: '/v1/requests/:requestId', app: 'orchestrator', roles: everyone, says: 'What became of a request.', params: byRequest, query: wait, response: RequestView }),
  createPlan: endpoint({ method: 'POST', path: '/v1/plans', app: 'orchestrator', roles: editors, status: 202, says: 'Only plans: nothing is written to any target. Takes an Idempotency-Key, which counts for 24 hours.', query: wait, body: PipelineRequest, response: RequestView }),
  listPlans: endpoint({ method: 'GET', path: '/v1/plans', app: 'orchestrator', roles: everyone, says: 'Plans, newest first; those of one pipeline by when they were last proposed.', query: plansPage, response: listOf(PlanView) }),
  getPlan: endpoint({ method: 'GET', path: '/v1/plans/:planId', app: 'orchestrator', roles: everyone, says: 'A plan with its reasons.', params: byPlan, response: PlanView }),
  approvePlan: endpoint({ method: 'POST', path: '/v1/plans/:planId/approve', app: 'orchestrator', roles: editors, says: 'Approves exactly this plan.', params: byPlan, response: PlanView }),
  refusePlan: endpoint({ method: 'POST', path: '/v1/plans/:planId/refuse', app: 'orchestrator', roles: editors, says: 'Refuses the plan.', params: byPlan, response: PlanView }),
  runPlan: endpoint({ method: 'POST', path: '/v1/plans/:planId/runs', app: 'orchestrator', roles: editors, status: 202, says: 'Runs an approved plan. Takes an Idempotency-Key, which counts for 24 hours.', params: byPlan, response: RunView }),
  getDag: endpoint({ method: 'GET', path: '/v1/plans/:planId/dag', app: 'dag-generator', roles: everyone, says: 'The rendered DAG.', params: byPlan, response: DagArtifact }),
  listPipelines: endpoint({ method: 'GET', path: '/v1/pipelines', app: 'orchestrator', roles: everyone, says: 'Pipelines by name.', query: page, response: listOf(PipelineView) }),
  getPipeline: endpoint({ method: 'GET', path: '/v1/pipelines/:name', app: 'orchestrator', roles: everyone, says: 'A pipeline.', params: byName, response: PipelineView }),
  runPipeline: endpoint({ method: 'POST', path: '/v1/pipelines/:name/runs', app: 'orchestrator', roles: editors, status: 202, says: 'Plans the pipeline anew and runs it. Takes an Idempotency-Key, which counts for 24 hours.', params: byName, query: wait, response: RequestView }),
  reconcilePipeline: endpoint({ method: 'POST', path: '/v1/pipelines/:name/reconcile', app: 'orchestrator', roles: editors, status: 202, says: 'Compares source and target of the pipeline as they are now, every row; writes nothing. The run is green when they are equal.', params: byName, response: RunView }),
  backfillPipeline: endpoint({ method: 'POST', path: '/v1/pipelines/:name/backfills', app: 'orchestrator', roles: editors, status: 202, says: 'Reads a slice of the source again, by the approved plan, and moves no position. Takes an Idempotency-Key: the same key is the same backfill.', params: byName, body: BackfillRequest, response: BackfillView }),
  listBackfills: endpoint({ method: 'GET', path: '/v1/pipelines/:name/backfills', app: 'orchestrator', roles: everyone, says: 'Backfills of a pipeline, newest first.', params: byName, query: page, response: listOf(BackfillView) }),
  getBackfill: endpoint({ method: 'GET', path: '/v1/pipelines/:name/backfills/:backfillId', app: 'orchestrator', roles: everyone, says: 'A backfill with its sub-slices.', params: byBackfill, response: BackfillView }),
  readQuarantine: endpoint({ method: 'GET', path: '/v1/quarantine', app: 'orchestrator', roles: editors, says: 'A worker reads what a pipeline has set aside, from where it is: counts by run and reason, or the rows.', query: quarantineQuery, response: QuarantinePage }),
  pausePipeline: endpoint({ method: 'POST', path: '/v1/pipelines/:name/pause', app: 'orchestrator', roles: editors, says: 'Starts no run at the slots of its schedule until it is resumed. Twice is once.', params: byName, response: PipelineView }),
  resumePipeline: endpoint({ method: 'POST', path: '/v1/pipelines/:name/resume', app: 'orchestrator', roles: editors, says: 'Goes on with the next slot; those that passed meanwhile are not run. Twice is once.', params: byName, response: PipelineView }),
  listRuns: endpoint({ method: 'GET', path: '/v1/runs', app: 'orchestrator', roles: everyone, says: 'Runs that move rows, newest first.', query: page.extend({ pipeline: PipelineName.optional() }), response: listOf(RunView) }),
  getRun: endpoint({ method: 'GET', path: '/v1/runs/:runId', app: 'orchestrator', roles: everyone, says: 'A run with its tasks, receipt or failure.', params: byRun, query: wait, response: RunView }),
  getReceipt: endpoint({ method: 'GET', path: '/v1/runs/:runId/receipt', app: 'orchestrator', roles: everyone, says: 'The signed receipt.', params: byRun, response: Receipt }),
  listRunEvents: endpoint({ method: 'GET', path: '/v1/runs/:runId/events', app: 'orchestrator', roles: everyone, says: 'Messages of a run in their order, without progress.', params: byRun, query: page, response: listOf(RunEventView) }),
  cancelRun: endpoint({ method: 'POST', path: '/v1/runs/:runId/cancel', app: 'orchestrator', roles: editors, says: 'Stops at the next chunk boundary.', params: byRun, response: RunView }),
  retryRun: endpoint({ method: 'POST', path: '/v1/runs/:runId/retry', app: 'orchestrator', roles: editors, status: 202, says: 'Runs the same plan again. Takes an Idempotency-Key, which counts for 24 hours.', params: byRun, response: RunView }),
  listConnectors: endpoint({ method: 'GET', path: '/v1/connectors', app: 'orchestrator', roles: everyone, says: 'Connectors of this release.', response: z.object({ items: z.array(ConnectorView).describe('Rows.') }) }),
  listConnections: endpoint({ method: 'GET', path: '/v1/connections', app: 'orchestrator', roles: everyone, says: 'Connections; secrets are references.', response: z.object({ items: z.array(ConnectionView).describe('Rows.') }) }),
  putConnection: endpoint({ method: 'PUT', path: '/v1/connections/:name', app: 'orchestrator', roles: editors, says: 'Adds or changes a connection.', params: byConnection, body: ConnectionSpec.superRefine(noClimbing), response: ConnectionView }),
  testConnection: endpoint({ method: 'POST', path: '/v1/connections/:name/test', app: 'orchestrator', roles: editors, says: 'A worker tries the connection.', params: byConnection, response: InspectResult }),
  listDatasets: endpoint({ method: 'GET', path: '/v1/connections/:name/datasets', app: 'orchestrator', roles: everyone, says: 'A worker lists what the connection holds.', params: byConnection, response: InspectResult }),
  getDatasetProfile: endpoint({ method: 'GET', path: '/v1/datasets/:id/profile', app: 'orchestrator', roles: everyone, says: 'What is known of a dataset: what its catalogue said, and what its values are like. Reads nothing at the source.', params: byDataset, response: DatasetProfile }),
  profileDataset: endpoint({ method: 'POST', path: '/v1/datasets/:id/profile', app: 'orchestrator', roles: editors, status: 202, says: 'Has a worker read the dataset in a free slot and profile its values. While one does, that run is the answer.', params: byDataset, response: RunView }),
  putAirflowTaskRun: endpoint({ method: 'PUT', path: '/v1/plans/:planId/airflow-task-runs', app: 'orchestrator', roles: ['airflow', 'editor', 'admin'], says: 'What a generated DAG calls: make sure this task runs.', params: byPlan, body: AirflowTaskRun, response: AirflowTaskState }),
  postAirflowDeadline: endpoint({ method: 'POST', path: '/v1/airflow-deadlines', app: 'orchestrator', roles: ['airflow', 'editor', 'admin'], says: 'What a generated DAG calls when a run is late.', body: z.object({ plan: PlanId, run_id: SafeText.max(250) }), response: z.object({}) }),
  listRunViews: endpoint({ method: 'GET', path: '/v1/views/runs', app: 'monitor', roles: everyone, says: 'Runs as the dashboard shows them, newest first; each says by seq how new it is.', query: page, response: listOf(LiveRunView) }),
  getRunView: endpoint({ method: 'GET', path: '/v1/views/runs/:runId', app: 'monitor', roles: everyone, says: 'One run as the dashboard shows it.', params: byRun, response: LiveRunView }),
  queryMetrics: endpoint({ method: 'GET', path: '/v1/metrics/query', app: 'monitor', roles: everyone, says: 'Rows written per second over the last hour.', query: z.object({ name: z.enum(['etl_rows_total']).describe('Metric.') }).strict(), response: Series }),
  listDeadLetters: endpoint({ method: 'GET', path: '/v1/dlq', app: 'monitor', roles: everyone, says: 'Messages that no handler could take, newest first.', query: page, response: listOf(DeadLetterView) }),
  getDeadLetter: endpoint({ method: 'GET', path: '/v1/dlq/:id', app: 'monitor', roles: everyone, says: 'One dead letter with its original bytes.', params: z.object({ id: z.uuid() }).strict(), response: DeadLetterView.extend({ valueBase64: z.string().describe('Original bytes.'), headers: z.record(z.string(), z.string()).describe('Original headers.') }) }),
  putEphemeralSecret: endpoint({ method: 'PUT', path: '/v1/ephemeral-secrets/:id', app: 'standalone', roles: ['admin'], says: 'Keeps a value in memory for one command. Only a standalone has this.', params: z.object({ id: z.uuid() }).strict(), body: z.object({ fields: z.record(z.string(), z.string()).describe('Values by field.') }).strict(), response: z.object({}) }),
  allowFileRoot: endpoint({ method: 'PUT', path: '/v1/file-roots', app: 'standalone', roles: ['admin'], says: 'Lets file connections use a folder that a person named. Only a standalone has this.', body: z.object({ folder: SafeText.min(1).max(4096).describe('Absolute path.') }).strict(), response: z.object({}) }),
};
export type EndpointName = keyof typeof endpoints;
/** problem+json: the failure at top level, with status and title. */
export const Problem = z.object({
  type: z.string().describe('about:blank.'), title: z.string().describe('The sentence.'), status: z.int().describe('HTTP status.'),
  code: z.string().describe('Code of the error table.'), text: z.string().describe('The sentence.'), next: z.string().nullable().describe('What to do next.'),
  issues: z.array(Issue).optional().describe('Each thing that is wrong.'), cell: Failure.shape.cell, traceId: z.string().nullable().describe('Trace.'),
}).meta({ id: 'Problem', description: 'An error answer, application/problem+json.' });
export type Problem = z.infer<typeof Problem>;
