import { instant } from './instant.ts';
import { type LiveRunView, type Payload, type RunKind, type TaskRunState, progressPhases } from '@agent-etl/contracts';

export const runEventTypes = ['run.started.v1', 'run.finished.v1', 'task.run.started.v1', 'task.run.progressed.v1', 'task.run.succeeded.v1', 'task.run.failed.v1', 'task.run.cancelled.v1'] as const;
export type RunEventType = (typeof runEventTypes)[number];
/** One event of a run, with the instant its writer gave it. */
export type RunEvent = { [T in RunEventType]: { readonly type: T; readonly payload: Payload<T>; readonly at: string } }[RunEventType];
/** `kind` is null until the run's own start arrived: task events travel on another topic and may come first. */
export interface SeenRun { readonly kind: RunKind | null; readonly view: LiveRunView; readonly taskIds: Readonly<Record<string, string>> }
type TaskView = LiveRunView['tasks'][number];

const FINAL = new Set<string>(['succeeded', 'failed', 'cancelled']);
const newTask = (id: string, kind: string): TaskView => ({ id, kind, state: 'waiting', attempt: 0, worker: null, progress: null, startedAt: null, finishedAt: null, failure: null });
const emptyRun = ({ payload, at }: RunEvent): SeenRun => ({
  kind: null, taskIds: {},
  view: { runId: payload.runId, planId: null, pipeline: '', state: 'queued', startedAt: at, finishedAt: null, rows: 0, totalRows: null, rowsPerSecond: 0, tasks: [], receipt: null, failure: null, seq: 0 },
});

/** The view after one event. Late and repeated events leave a finished run as it is. */
export function applyRunEvent(before: SeenRun | null, event: RunEvent): SeenRun {
  const seen = before ?? emptyRun(event);
  switch (event.type) {
    case 'run.started.v1': return started(seen, event.payload);
    case 'run.finished.v1': {
      const { state, receipt, failure, finishedAt } = event.payload;
      return { ...seen, kind: event.payload.kind, view: { ...seen.view, pipeline: event.payload.pipeline, planId: event.payload.planId, state, receipt, failure, finishedAt, rowsPerSecond: 0, rows: receipt?.published ?? seen.view.rows } };
    }
    case 'task.run.started.v1': return onTask(seen, event, (task) => ({ ...task, state: FINAL.has(task.state) ? task.state : 'running', worker: event.payload.worker, startedAt: event.at }));
    case 'task.run.progressed.v1': return progressed(seen, event);
    case 'task.run.succeeded.v1': return onTask(seen, event, (task) => ({ ...end(task, 'succeeded', event.at), progress: wholeOf(task.progress, event.payload.result) }));
    case 'task.run.cancelled.v1': return onTask(seen, event, (task) => end(task, 'cancelled', event.at));
    case 'task.run.failed.v1': return onTask(seen, event, (task) => ({ ...end(task, 'failed', event.at), failure: event.payload.failure }));
  }
}
/** Whether this attempt was seen to end, or a later one to begin. The inbox forgets what it took after some days; the view does not. */
export function hasEnded(seen: SeenRun | null, { taskRunId, attempt }: { readonly taskRunId: string; readonly attempt: number }): boolean {
  const task = seen?.view.tasks.find(({ id }) => id === (seen.taskIds[taskRunId] ?? taskRunId));
  return task !== undefined && (task.attempt > attempt || (task.attempt === attempt && FINAL.has(task.state)));
}
const end = (task: TaskView, state: TaskRunState, at: string): TaskView => ({ ...task, state, finishedAt: at });

function started(seen: SeenRun, { kind, pipeline, planId, startedAt, tasks }: Payload<'run.started.v1'>): SeenRun {
  const known = new Map(seen.view.tasks.map((task) => [task.id, task]));
  const view: LiveRunView = {
    ...seen.view, pipeline, planId, startedAt, state: FINAL.has(seen.view.state) ? seen.view.state : 'running',
    tasks: tasks.map(({ id, kind: taskKind, taskRunId }) => ({ ...(known.get(id) ?? known.get(taskRunId) ?? newTask(id, taskKind)), id, kind: taskKind })),
  };
  return { kind, view, taskIds: { ...seen.taskIds, ...Object.fromEntries(tasks.map(({ id, taskRunId }) => [taskRunId, id])) } };
}

/** Changes one task, of a finished run too: its last events travel on another topic than the end of the run, so they may come after it.
 * Before the run's start the id is unknown: the task stands under its taskRunId until then. */
function onTask(seen: SeenRun, { payload }: Exclude<RunEvent, { type: 'run.started.v1' | 'run.finished.v1' }>, change: (task: TaskView) => TaskView): SeenRun {
  const id = seen.taskIds[payload.taskRunId] ?? payload.taskRunId;
  const known = seen.view.tasks.find((one) => one.id === id);
  const task = known ?? newTask(id, '');
  if (payload.attempt < task.attempt) return seen;
  const changed = change(payload.attempt > task.attempt ? { ...newTask(id, task.kind), state: 'running', attempt: payload.attempt } : task);
  const tasks = known ? seen.view.tasks.map((one) => (one === known ? changed : one)) : [...seen.view.tasks, changed];
  return { ...seen, view: { ...seen.view, tasks } };
}

type ProgressView = NonNullable<TaskView['progress']>;
/** The one that is further: a late report never takes a task back. */
const further = (before: ProgressView | null, now: ProgressView): ProgressView => {
  const [was, is] = [before ? progressPhases.indexOf(before.phase) : -1, progressPhases.indexOf(now.phase)];
  return before && (was > is || (was === is && before.rows > now.rows)) ? before : now;
};
/** What a load that ended has done: progress may be lost, its last report is not. */
const wholeOf = (before: ProgressView | null, result: Payload<'task.run.succeeded.v1'>['result']): ProgressView | null => (result.kind === 'load'
  ? { phase: 'copying', rows: result.written, totalRows: before?.totalRows ?? null, bytes: result.bytes, chunksDone: result.chunks, chunks: result.chunks } : before);
function progressed(seen: SeenRun, event: Extract<RunEvent, { type: 'task.run.progressed.v1' }>): SeenRun {
  const { progress } = event.payload;
  const next = onTask(seen, event, (task) => ({ ...task, progress: further(task.progress, progress) }));
  if (next === seen || progress.phase !== 'copying' || FINAL.has(seen.view.state)) return next;
  return { ...next, view: { ...next.view, rows: progress.rows, totalRows: progress.totalRows, rowsPerSecond: speed(next.view, progress.rows, event.at) } };
}
/** Rows per second since the copying task began: steadier than the last half second. */
function speed({ tasks }: LiveRunView, rows: number, at: string): number {
  const began = tasks.find(({ kind, startedAt }) => kind === 'load' && startedAt !== null)?.startedAt ?? tasks.find(({ startedAt }) => startedAt !== null)?.startedAt;
  const seconds = began ? millisecondsBetween(began, at) / 1000 : 0;
  return seconds > 0 ? Math.round(rows / seconds) : 0;
}
/** Both are ISO 8601. `Date` is no clock here: it only reads the two texts. */
const millisecondsBetween = (from: string, to: string): number => Math.max(0, instant(to) - instant(from));
