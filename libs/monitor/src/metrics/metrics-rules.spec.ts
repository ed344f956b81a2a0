import { describe, expect, it } from '@jest/globals';
import { Failure, RunId, TaskRunId } from '@agent-etl/contracts';
import { type RunEvent, applyRunEvent } from '../runs/run-view-state.ts';
import { incrementsFor } from './metrics-rules.ts';

const runId = RunId.parse('018f0000-0000-7000-8000-000000000001');
const at = '2026-11-24T10:00:00.000Z';
const finished: RunEvent = { type: 'run.finished.v1', at, payload: { requestId: null, runId, planId: null, pipeline: 'orders', kind: 'copy', state: 'failed', receipt: null, failure: null, finishedAt: at } };
const failed = (code: Failure['code'], attempt = 1): RunEvent => ({ type: 'task.run.failed.v1', at, payload: { runId, taskRunId: TaskRunId.parse(runId), attempt, failure: { code, text: 'x.', next: null, traceId: null } } });

describe('the counters', () => {
  it('count a run once, by its final state, with its time in every bucket above it', () => {
    const increments = incrementsFor(null, finished, 20);
    expect(increments).toContainEqual({ name: 'etl_runs_total', labels: { pipeline_class: 'copy', state: 'failed' }, by: 1 });
    expect(increments.filter(({ name }) => name === 'etl_run_seconds_bucket').map(({ labels }) => labels['le'])).toEqual(['60', '300', '900', '3600', '14400', '+Inf']);
    expect(incrementsFor(applyRunEvent(null, finished), finished, 20)).toEqual([]);
  });
  it('do not count planning runs', () => {
    expect(incrementsFor(null, { ...finished, payload: { ...finished.payload, kind: 'planning' } } as RunEvent, 1)).toEqual([]);
  });
  it.each([['lease.expired', 'etl_lease_lost_total'], ['sink.reconcile-mismatch', 'etl_reconcile_mismatch_total']] as const)('count %s as %s, once for each attempt', (code, name) => {
    expect(incrementsFor(null, failed(code), 0)).toEqual([{ name, labels: {}, by: 1 }]);
    const once = applyRunEvent(null, failed(code));
    expect(incrementsFor(once, failed(code), 0)).toEqual([]);
    expect(incrementsFor(once, failed(code, 2), 0)).toHaveLength(1);
    expect(incrementsFor(applyRunEvent(once, failed(code, 2)), failed(code), 0)).toEqual([]);
  });
});
