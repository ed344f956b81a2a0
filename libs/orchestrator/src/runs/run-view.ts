import { type PlanId, RunId, RunView, TaskRunId, type TaskRunView } from '@agent-etl/contracts';
import type { RunRecord, RunTask } from './run-record.ts';

const rowsOf = ({ result, progress }: RunTask): number => (result?.kind === 'load' ? result.written : result?.kind === 'publish' ? result.published : progress?.rows ?? 0);
const taskView = (task: RunTask): TaskRunView => ({
  id: task.id, taskRunId: TaskRunId.parse(task.taskRunId), kind: task.kind, state: task.state, attempts: task.attempt, rows: rowsOf(task), worker: task.worker,
  progress: task.progress, result: task.result, failure: task.failure, startedAt: task.startedAt, finishedAt: task.finishedAt });

/** A run as scripts and screens read it. A value that did not fit is inside: it is for the one who asked, never for logs or events. */
export const runView = (run: RunRecord): RunView => ({
  runId: RunId.parse(run.runId), planId: run.planId as PlanId | null, requestId: run.requestId, kind: run.kind, pipeline: run.pipeline, state: run.state, driver: run.driver,
  startedAt: run.startedAt, finishedAt: run.finishedAt, tasks: run.tasks.map(taskView), receipt: run.receipt, failure: run.failure });
