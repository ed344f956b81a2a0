import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TaskSpec } from '@agent-etl/contracts';
import type { RunRecord } from './run-record.ts';
import { type RunEvent, applyRunEvent, startRun } from './run-state.ts';

const folder = join(import.meta.dirname, '..', '..', 'corpus');
interface History { readonly begun: RunRecord; readonly events: readonly { readonly at: string; readonly event: RunEvent }[]; readonly ended: { readonly state: string; readonly failure: string | null; readonly tasks: readonly { id: string; state: string; attempt: number }[] } }
const histories = readdirSync(folder).flatMap((release) => readFileSync(join(folder, release, 'histories.ndjson'), 'utf8').split('\n').filter(Boolean).map((line, nth) => {
  const history = JSON.parse(line) as History;
  return [release, nth + 1, `${history.begun.kind} ${history.begun.pipeline} ${history.ended.state}`, history] as const;
}));

/** What was reported, in its order; a task that waits for its next attempt is due before that attempt is heard of. */
function replay({ begun, events }: History): RunRecord {
  let run = startRun(begun, begun.startedAt).run;
  for (const { at, event } of events) {
    const task = 'taskRunId' in event ? run.tasks.find(({ taskRunId }) => taskRunId === event.taskRunId) : undefined;
    if (task && 'attempt' in event && event.attempt > task.attempt && task.readyAt) run = applyRunEvent(run, { type: 'time-passed' }, task.readyAt).run;
    run = applyRunEvent(run, event, at).run;
  }
  return run;
}

describe('histories of runs of earlier releases', () => {
  it.each(histories)('%s, %d: %s', (_, nth, what, history) => {
    for (const { spec } of history.begun.tasks) expect(TaskSpec.parse(spec)).toEqual(spec);
    const run = replay(history);
    expect({ state: run.state, failure: run.failure?.code ?? null, tasks: run.tasks.map(({ id, state, attempt }) => ({ id, state, attempt })) }).toEqual(history.ended);
  });
  it('are of every end, and of a run that a worker left in its middle', () => {
    const ends = histories.map(([, , , { begun, ended }]) => `${begun.kind} ${ended.state}`);
    expect(ends).toEqual(expect.arrayContaining(['copy succeeded', 'copy failed', 'copy cancelled', 'planning succeeded', 'planning failed']));
    expect(histories.some(([, , , { ended }]) => ended.tasks.some(({ attempt }) => attempt > 1) && ended.state === 'succeeded')).toBe(true);
  });
});
