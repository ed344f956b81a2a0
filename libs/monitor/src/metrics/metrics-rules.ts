import type { LiveRunView } from '@agent-etl/contracts';
import { type RunEvent, type SeenRun, hasEnded } from '../runs/run-view-state.ts';

export interface Increment { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly by: number }
/** Upper bounds in seconds of `etl_run_seconds`. */
export const runSecondsBuckets = [1, 5, 15, 60, 300, 900, 3600, 14_400] as const;

const one = (name: string, labels: Record<string, string> = {}): Increment => ({ name, labels, by: 1 });
const isFirstEnd = (before: SeenRun | null): boolean => !['succeeded', 'failed', 'cancelled'].includes(before?.view.state ?? '');

/** What one event adds to the counters. Counted in the transaction that projects the event, so a repeat adds nothing. */
export function incrementsFor(before: SeenRun | null, event: RunEvent, seconds: number): Increment[] {
  if (event.type === 'task.run.failed.v1') {
    if (hasEnded(before, event.payload)) return [];
    const { code } = event.payload.failure;
    return [...(code === 'lease.expired' ? [one('etl_lease_lost_total')] : []), ...(code === 'sink.reconcile-mismatch' ? [one('etl_reconcile_mismatch_total')] : [])];
  }
  if (event.type !== 'run.finished.v1' || event.payload.kind !== 'copy' || !isFirstEnd(before)) return [];
  const { state, receipt } = event.payload;
  return [one('etl_runs_total', { pipeline_class: 'copy', state }), ...durations(seconds),
    ...(receipt ? [{ name: 'etl_rows_total', labels: { direction: 'read' }, by: receipt.read }, { name: 'etl_rows_total', labels: { direction: 'written' }, by: receipt.written },
      { name: 'etl_rejected_rows_total', labels: {}, by: receipt.rejected }] : [])];
}
/** A Prometheus histogram as plain counters: cumulative buckets, sum and count. */
const durations = (seconds: number): Increment[] => [
  ...runSecondsBuckets.filter((bound) => seconds <= bound).map((bound) => one('etl_run_seconds_bucket', { le: String(bound) })),
  one('etl_run_seconds_bucket', { le: '+Inf' }), { name: 'etl_run_seconds_sum', labels: {}, by: seconds }, one('etl_run_seconds_count')];

export const isGreen = (event: RunEvent): event is Extract<RunEvent, { type: 'run.finished.v1' }> =>
  event.type === 'run.finished.v1' && event.payload.kind === 'copy' && event.payload.state === 'succeeded';
export const labelText = (labels: Readonly<Record<string, string>>): string => JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
/** Rows that became known since the last look at this task, for throughput. */
export const newRows = (known: number, { rows }: Pick<LiveRunView, 'rows'>): number => Math.max(0, rows - known);
