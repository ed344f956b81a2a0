import { describe, expect, it } from '@jest/globals';
import { Failure, type Payload, RunId, TaskRunId } from '@agent-etl/contracts';
import fc from 'fast-check';
import { type RunEvent, type SeenRun, applyRunEvent } from './run-view-state.ts';

const runId = RunId.parse('018f0000-0000-7000-8000-000000000001');
const load = TaskRunId.parse('018f0000-0000-7000-8000-000000000002');
const publish = TaskRunId.parse('018f0000-0000-7000-8000-000000000003');
const at = (second: number): string => `2026-11-24T10:00:${String(second).padStart(2, '0')}.000Z`;
const runStarted: Payload<'run.started.v1'> = {
  requestId: 'r', runId, planId: null, pipeline: 'orders', kind: 'copy', driver: 'workers', startedAt: at(0),
  tasks: [{ id: 'load', taskRunId: load, kind: 'load' }, { id: 'publish', taskRunId: publish, kind: 'publish' }],
};
const progress = (rows: number) => ({ phase: 'copying' as const, rows, totalRows: 1000, bytes: rows, chunksDone: 0, chunks: 8 });
const failure = Failure.parse({ code: 'lease.expired', text: 'x.', next: null, traceId: null });
const story: RunEvent[] = [
  { type: 'run.started.v1', payload: runStarted, at: at(0) },
  { type: 'task.run.started.v1', payload: { runId, taskRunId: load, attempt: 1, worker: 'w1' }, at: at(1) },
  { type: 'task.run.progressed.v1', payload: { runId, taskRunId: load, attempt: 1, progress: progress(400) }, at: at(3) },
  { type: 'task.run.failed.v1', payload: { runId, taskRunId: load, attempt: 1, failure }, at: at(4) },
  { type: 'task.run.started.v1', payload: { runId, taskRunId: load, attempt: 2, worker: 'w2' }, at: at(5) },
  { type: 'task.run.cancelled.v1', payload: { runId, taskRunId: load, attempt: 2 }, at: at(6) },
  { type: 'run.finished.v1', payload: { requestId: 'r', runId, planId: null, pipeline: 'orders', kind: 'copy', state: 'cancelled', receipt: null, failure: null, finishedAt: at(7) }, at: at(7) },
];
const tell = (events: readonly RunEvent[]): SeenRun => events.reduce<SeenRun | null>(applyRunEvent, null) as SeenRun;

describe('the view of a run', () => {
  it('shows rows, speed and worker while it copies', () => {
    const { kind, view } = tell(story.slice(0, 3));
    expect([kind, view.state, view.rows, view.totalRows, view.rowsPerSecond, view.tasks[0]?.worker]).toEqual(['copy', 'running', 400, 1000, 200, 'w1']);
    expect(view.tasks.map(({ id }) => id)).toEqual(['load', 'publish']);
  });
  it('tells the same story when task events overtake the start of the run', () => {
    const [first, second, third] = story as [RunEvent, RunEvent, RunEvent];
    expect(tell([second, third, first]).view.tasks).toEqual(tell([first, second, third]).view.tasks);
  });
  it('ignores what an older attempt says late', () => {
    const late: RunEvent = { type: 'task.run.progressed.v1', payload: { runId, taskRunId: load, attempt: 1, progress: progress(999) }, at: at(6) };
    expect(tell([...story.slice(0, 5), late]).view).toEqual(tell(story.slice(0, 5)).view);
  });
  it('ends the same however often task events repeat after the end', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(...story.slice(1, 6)), { maxLength: 10 }), (repeats) => {
      expect(tell([...story, ...repeats]).view).toEqual(tell(story).view);
    }));
  });
  it('stays hidden until the start of the run says what kind it is', () => { expect(tell(story.slice(1, 3)).kind).toBeNull(); });
});
