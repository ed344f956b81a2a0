import { type AirflowTaskState, isFinal } from '@agent-etl/contracts';
import type { RunRecord } from '../runs/run-record.ts';

/** Largest max_tries seen per task. Airflow raises it only when a person clears the task; `try` alone means "tell me again". */
export type Tries = Readonly<Record<string, number>>;
/** Whether a person asks for the task to run again. */
export const isCleared = (tries: Tries, { task, max_tries: most }: { task: string; max_tries: number }): boolean => tries[task] !== undefined && most > tries[task];

/** The state of one task, or of the pseudo-task `receipt`, in Airflow's words. Null when the plan has no such task. */
export function airflowState(run: RunRecord, taskId: string): AirflowTaskState | null {
  const receipt = run.receipt ? run.runId : null;
  const attempt = run.tasks.reduce((sum, task) => sum + task.attempt, 0);
  if (taskId === 'receipt') {
    const over = isFinal(run.state);
    return { state: receipt ? 'succeeded' : !over ? 'running' : run.state === 'cancelled' ? 'cancelled' : 'failed', attempt, receipt, code: run.failure?.code ?? null };
  }
  const task = run.tasks.find(({ id }) => id === taskId);
  if (!task) return null;
  const state = task.state === 'waiting' || task.state === 'ready' ? 'queued' : task.state === 'skipped' ? 'failed' : task.state;
  return { state, attempt: task.attempt, receipt, code: task.state === 'failed' || task.state === 'skipped' ? task.failure?.code ?? run.failure?.code ?? null : null };
}
export const isSettledFor = ({ state }: AirflowTaskState): boolean => state === 'succeeded' || state === 'failed' || state === 'cancelled';
/** Whether the tasks before this one have succeeded; those before the receipt are all. */
export const mayStart = (run: RunRecord, taskId: string): boolean =>
  (taskId === 'receipt' ? run.tasks.map(({ id }) => id) : run.tasks.find(({ id }) => id === taskId)?.after ?? []).every((before) => run.tasks.find(({ id }) => id === before)?.state === 'succeeded');
