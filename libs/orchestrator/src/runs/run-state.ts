import { type Failure, type Progress, type RunState, type TaskResult, type TaskRunState, EtlError, isFinal, toFailure } from '@agent-etl/contracts';
import { later } from './instant-rules.ts';
import { afterFailure } from './retry-rules.ts';
import type { RunRecord, RunTask } from './run-record.ts';

interface About { readonly taskRunId: string; readonly attempt: number }
export type RunEvent =
  | (About & { readonly type: 'started'; readonly worker: string })
  | (About & { readonly type: 'progressed'; readonly progress: Progress })
  | (About & { readonly type: 'succeeded'; readonly result: TaskResult })
  | (About & { readonly type: 'failed'; readonly failure: Failure })
  | (About & { readonly type: 'cancelled' })
  | { readonly type: 'cancel-asked'; readonly reason: string }
  | { readonly type: 'task-asked'; readonly taskId: string }
  | { readonly type: 'time-passed' };

/** What has to be said when the new state is kept. */
export type RunOrder = { readonly order: 'request' | 'cancel'; readonly taskRunId: string; readonly attempt: number } | { readonly order: 'finish' };
/** @property ignored why the event changed nothing, or null */
export interface RunStep { readonly run: RunRecord; readonly emit: readonly RunOrder[]; readonly ignored: string | null }

export const runTransitions = {
  queued: ['running', 'cancelling', 'succeeded', 'failed', 'cancelled'], running: ['cancelling', 'succeeded', 'failed', 'cancelled'], cancelling: ['succeeded', 'failed', 'cancelled'],
  succeeded: [], failed: [], cancelled: [],
} as const satisfies Record<RunState, readonly RunState[]>;
export const taskTransitions = {
  waiting: ['ready', 'cancelled', 'skipped'], ready: ['running', 'succeeded', 'failed', 'cancelled', 'skipped'], running: ['ready', 'succeeded', 'failed', 'cancelled'],
  succeeded: [], failed: [], cancelled: [], skipped: [],
} as const satisfies Record<TaskRunState, readonly TaskRunState[]>;

/** How long after its deadline a run still waits for its workers to stop. */
export const GRACE_MS = 15_000;

/** A new run: with driver workers its first tasks are requested, with airflow each waits to be asked for. */
export const startRun = (run: RunRecord, now: string): RunStep => settle(run, { now, touched: [] });

/** What one event makes of a run. Twins, late and reordered events change nothing; every run comes to an end by its deadline. */
export function applyRunEvent(run: RunRecord, event: RunEvent, now: string): RunStep {
  if (isFinal(run.state)) return ignore(run, `the run is ${run.state}`);
  switch (event.type) {
    case 'cancel-asked': return run.state === 'cancelling' ? ignore(run, 'is being cancelled') : stop({ ...run, state: 'cancelling', cancelReason: event.reason }, now);
    case 'task-asked': return ask(run, event.taskId, now);
    case 'time-passed': return timePassed(run, now);
    case 'started': case 'progressed': case 'succeeded': case 'failed': case 'cancelled': return report(run, event, now);
  }
}

const ignore = (run: RunRecord, ignored: string): RunStep => ({ run, emit: [], ignored });
/** With the workers: asked for and not answered yet. */
export const isActive = ({ state, readyAt }: RunTask): boolean => state === 'running' || (state === 'ready' && readyAt === null);
const isOver = ({ state }: RunTask): boolean => taskTransitions[state].length === 0;
const replaced = (run: RunRecord, task: RunTask): RunRecord => ({ ...run, tasks: run.tasks.map((each) => (each.taskRunId === task.taskRunId ? task : each)) });

function report(run: RunRecord, event: Extract<RunEvent, About>, now: string): RunStep {
  const task = run.tasks.find(({ taskRunId }) => taskRunId === event.taskRunId);
  if (!task) return ignore(run, 'no such task in this run');
  if (event.attempt !== task.attempt) return ignore(run, `attempt ${event.attempt} is not the current one, ${task.attempt}`);
  if (!isActive(task)) return ignore(run, `the task is ${task.state}`);
  switch (event.type) {
    case 'started': return task.state === 'running' ? ignore(run, 'has started') : settle(replaced(run, { ...task, state: 'running', worker: event.worker, startedAt: now }), { now, touched: [] });
    case 'progressed': return { run: replaced(run, { ...task, progress: event.progress }), emit: [], ignored: null };
    case 'succeeded': return settle(replaced(run, { ...task, state: 'succeeded', result: event.result, failure: null, startedAt: task.startedAt ?? now, finishedAt: now }), { now, touched: [] });
    case 'cancelled': return cancelled(run, task, now);
    case 'failed': return failed(run, { ...task, failure: event.failure }, now);
  }
}

/** A worker stopped because it was told to; if nobody told it, the task is due again. */
function cancelled(run: RunRecord, task: RunTask, now: string): RunStep {
  if (run.state === 'cancelling' || run.failure) return settle(replaced(run, { ...task, state: 'cancelled', finishedAt: now }), { now, touched: [] });
  return failed(run, { ...task, failure: toFailure(new EtlError('worker.stopping')) }, now);
}

function failed(run: RunRecord, task: RunTask, now: string): RunStep {
  if (run.state === 'cancelling' || run.failure) return settle(replaced(run, { ...task, state: 'cancelled', finishedAt: now }), { now, touched: [] });
  const next = afterFailure(task.failure!.code, { kind: run.kind, failures: task.failures, losses: task.losses, seed: task.taskRunId });
  if (next.then === 'give-up') {
    const over = replaced(run, { ...task, state: 'failed', failures: task.failures + 1, finishedAt: now });
    return stop({ ...over, failure: task.failure }, now);
  }
  const counted = next.counts === 'loss' ? { losses: task.losses + 1 } : { failures: task.failures + 1 };
  return settle(replaced(run, { ...task, ...counted, state: 'ready', worker: null, readyAt: later(now, next.delayMs) }), { now, touched: [] });
}

/** Airflow asks for a task: it starts when all before it have succeeded. */
function ask(run: RunRecord, taskId: string, now: string): RunStep {
  const task = run.tasks.find(({ id }) => id === taskId);
  if (!task) return ignore(run, 'no such task in this run');
  if (task.state !== 'waiting') return ignore(run, `the task is ${task.state}`);
  if (!startable(run, task)) return ignore(run, 'tasks before it have not succeeded');
  return settle(replaced(run, { ...task, state: 'ready', readyAt: now }), { now, touched: [] });
}

function timePassed(run: RunRecord, now: string): RunStep {
  if (now < run.deadline) return settle(run, { now, touched: [] });
  const late: RunRecord = run.failure ? run : { ...run, failure: toFailure(new EtlError('run.deadline-passed', { deadline: run.deadline })) };
  if (now < later(run.deadline, GRACE_MS)) return run.failure ? settle(run, { now, touched: [] }) : stop(late, now);
  return settle({ ...late, tasks: late.tasks.map((task) => (isOver(task) ? task : { ...task, state: isActive(task) ? 'cancelled' : 'skipped', readyAt: null, finishedAt: now })) }, { now, touched: [] });
}

/** No further task starts; those with a worker are told to stop at the next chunk boundary. */
function stop(run: RunRecord, now: string): RunStep {
  const gone = run.state === 'cancelling' ? 'cancelled' : 'skipped';
  const tasks = run.tasks.map((task) => (isOver(task) || isActive(task) ? task : { ...task, state: gone, readyAt: null, finishedAt: now } as const));
  const told = tasks.filter(isActive).map(({ taskRunId, attempt }) => ({ order: 'cancel', taskRunId, attempt }) as const);
  return settle({ ...run, tasks }, { now, touched: told });
}

const startable = (run: RunRecord, { after }: RunTask): boolean => after.every((id) => run.tasks.find((task) => task.id === id)?.state === 'succeeded');

/** Requests what is due and ends the run when nothing is left to wait for. */
function settle(run: RunRecord, { now, touched }: { now: string; touched: readonly RunOrder[] }): RunStep {
  const stopping = run.state === 'cancelling' || run.failure !== null;
  const tasks = run.tasks.map((task): RunTask => {
    const due = task.state === 'ready' ? task.readyAt !== null && task.readyAt <= now : task.state === 'waiting' && run.driver === 'workers' && startable(run, task);
    return due && !stopping ? { ...task, state: 'ready', attempt: task.attempt + 1, readyAt: null, worker: null } : task;
  });
  const requested = tasks.filter((task, index) => task.attempt !== run.tasks[index]!.attempt).map(({ taskRunId, attempt }) => ({ order: 'request', taskRunId, attempt }) as const);
  const state = run.state === 'queued' && tasks.some(({ attempt }) => attempt > 0) ? 'running' : run.state;
  const next: RunRecord = { ...run, state, tasks };
  const end = endOf(next);
  return end ? { run: { ...next, state: end, finishedAt: now }, emit: [...touched, ...requested, ...(end === 'succeeded' ? [] : abandoned(next)), { order: 'finish' }], ignored: null } : { run: next, emit: [...touched, ...requested], ignored: null };
}

/** Nobody resumes or publishes what these attempts have staged: their workers are told so, whether they run or have ended. */
const abandoned = ({ tasks }: RunRecord): RunOrder[] =>
  tasks.filter(({ kind, attempt }) => kind === 'load' && attempt > 0).map(({ taskRunId, attempt }) => ({ order: 'cancel', taskRunId, attempt }));

function endOf({ tasks, failure, state }: RunRecord): 'succeeded' | 'failed' | 'cancelled' | null {
  if (!tasks.every(isOver)) return null;
  if (tasks.every((task) => task.state === 'succeeded')) return 'succeeded'; // a cancel that came after the last task changes nothing that is done
  return state === 'cancelling' && !failure ? 'cancelled' : 'failed';
}

/** When time alone may change the run: its next retry, its deadline, or the end of the grace after it. */
export function wakeAt(run: RunRecord): string | null {
  if (isFinal(run.state)) return null;
  const retries = run.tasks.flatMap(({ readyAt }) => (readyAt ? [readyAt] : []));
  const limit = run.failure ? later(run.deadline, GRACE_MS) : run.deadline; // a run that has failed has told its workers already
  return [...retries, limit].sort()[0]!;
}
