import type { RunView, TaskRunView } from '@agent-etl/contracts';
import { compact, durationText, grouped } from './numbers.ts';

/** What was seen of a run's speed: taken between two looks, kept by the caller. */
export interface Speed { readonly rowsPerSecond: number | null; readonly elapsedMs: number }

const barWidth = 40;
export const bar = (share: number): string => {
  const full = Math.min(barWidth, Math.max(0, Math.round(share * barWidth)));
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`;
};
export const shareOf = ({ progress, state }: Pick<TaskRunView, 'progress' | 'state'>): number | null => {
  if (state === 'succeeded') return 1;
  if (!progress?.totalRows) return progress?.chunks ? progress.chunksDone / progress.chunks : null;
  // Totals are estimates: until the task is done, nothing is 100 %.
  return Math.min(0.99, progress.rows / progress.totalRows);
};
/** The task a person wants to see: the running one, else the last that moved. */
export const currentTask = (run: RunView): TaskRunView | undefined =>
  run.tasks.find(({ state }) => state === 'running') ?? run.tasks.findLast(({ state }) => state === 'succeeded' || state === 'failed') ?? run.tasks[0];

export const etaText = (task: TaskRunView, { rowsPerSecond }: Speed): string => {
  const { progress } = task;
  if (!progress?.totalRows || !rowsPerSecond || progress.rows >= progress.totalRows) return '';
  return `ETA ${durationText(((progress.totalRows - progress.rows) / rowsPerSecond) * 1000)}`;
};
/** What a phase is called in the column of labels: the words of the screen that stays. */
const labels = { waiting: 'waiting', connecting: 'connect', copying: 'copy', proving: 'proof', indexing: 'index', publishing: 'publish', profiling: 'profile' } as const;
/** What a run does at the moment, in a list of many: its phase, and how much of it is done. */
export function nowText(run: RunView): string {
  const task = currentTask(run);
  if (run.finishedAt !== null) return '';
  if (!task || task.state === 'ready' || task.state === 'waiting') return 'waiting';
  // Between two tasks nobody works: the next one has not been claimed, such as while its connection bears no more.
  if (task.state !== 'running') return 'waiting';
  const share = task.progress?.phase === 'copying' ? shareOf(task) : null;
  return `${labels[task.progress?.phase ?? 'connecting']}${share === null ? '' : ` ${String(Math.floor(share * 100)).padStart(2)} %`}`;
}
/** One line about a running task: bar, percent, rows, speed, ETA; the phase where it is not copying. */
export function progressLine(run: RunView, speed: Speed): string {
  const task = currentTask(run);
  if (!task) return ` ${run.state.padEnd(7)} waiting for a worker`;
  const { progress } = task;
  const phase = task.state === 'ready' || task.state === 'waiting' ? 'waiting' : progress?.phase ?? 'connecting';
  const share = shareOf(task);
  const parts = [
    share === null ? '' : `${bar(share)} ${String(Math.floor(share * 100)).padStart(3)} %`,
    progress ? `${grouped(progress.rows)} rows` : '', speed.rowsPerSecond ? `${compact(speed.rowsPerSecond)}/s` : '', etaText(task, speed),
    task.attempts > 1 ? `attempt ${task.attempts}` : '', durationText(speed.elapsedMs)];
  return ` ${labels[phase].padEnd(7)} ${parts.filter(Boolean).join('  ')}`;
}
