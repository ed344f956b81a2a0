import { describe, expect, it } from '@jest/globals';
import { type ErrorCode, type Failure, EtlError, isFinal, toFailure } from '@agent-etl/contracts';
import fc from 'fast-check';
import { loadOf, publishOf } from '../testing/scripted-worker.ts';
import { later } from './instant-rules.ts';
import { afterFailure } from './retry-rules.ts';
import type { RunRecord } from './run-record.ts';
import { type RunEvent, type RunOrder, GRACE_MS, applyRunEvent, runTransitions, startRun, taskTransitions, wakeAt } from './run-state.ts';

const T0 = '2026-01-31T23:59:59.500Z';
const spec = { id: 'load', kind: 'load' } as never;
const task = (id: string, after: string[]) => ({
  taskRunId: `run-${id}`, id, kind: id as 'load', spec, after, state: 'waiting' as const, attempt: 0, failures: 0, losses: 0, readyAt: null, worker: null, progress: null, result: null, failure: null, startedAt: null, finishedAt: null });
const aRun = (more: Partial<RunRecord> = {}): RunRecord => ({
  runId: 'run', kind: 'copy', planId: 'plan', requestId: null, pipelineId: null, pipeline: 'p', driver: 'workers', targetKey: 'w.t', approvedBy: 'policy', state: 'queued', deadline: later(T0, 3_600_000),
  cancelReason: null, startedAt: T0, finishedAt: null, receipt: null, failure: null, ignored: 0, tasks: [task('load', []), task('publish', ['load'])], ...more });
const failure = (code: ErrorCode): Failure => toFailure(new EtlError(code));
const of = (id: string, attempt = 1) => ({ taskRunId: `run-${id}`, attempt });
const play = (events: readonly (RunEvent | readonly [RunEvent, number])[], run = startRun(aRun(), T0).run): { run: RunRecord; emit: RunOrder[] } => {
  let state = run;
  const emit: RunOrder[] = [];
  for (const each of events) {
    const [event, afterMs] = Array.isArray(each) ? each as [RunEvent, number] : [each as RunEvent, 1000];
    const step = applyRunEvent(state, event, later(T0, afterMs));
    state = step.run;
    emit.push(...step.emit);
  }
  return { run: state, emit };
};
const loaded: RunEvent = { type: 'succeeded', ...of('load'), result: loadOf(5) };
const published: RunEvent = { type: 'succeeded', ...of('publish'), result: publishOf(5) };
const fails = (code: ErrorCode, id = 'load', attempt = 1): RunEvent => ({ type: 'failed', ...of(id, attempt), failure: failure(code) });

describe('a run', () => {
  it('asks for what is ready, then for what comes after, then ends', () => {
    const start = startRun(aRun(), T0);
    expect([start.run.state, start.emit]).toEqual(['running', [{ order: 'request', ...of('load') }]]);
    const { run, emit } = play([loaded, published], start.run);
    expect([run.state, emit]).toEqual(['succeeded', [{ order: 'request', ...of('publish') }, { order: 'finish' }]]);
  });
  it('with Airflow starts only what is asked for, and only in its turn', () => {
    const start = startRun(aRun({ driver: 'airflow' }), T0);
    expect(start.emit).toEqual([]);
    expect(applyRunEvent(start.run, { type: 'task-asked', taskId: 'publish' }, T0).ignored).not.toBeNull();
    expect(applyRunEvent(start.run, { type: 'task-asked', taskId: 'load' }, T0).emit).toEqual([{ order: 'request', ...of('load') }]);
  });
  it('is red at the first final failure and skips the rest', () => {
    const { run } = play([fails('connection.auth-failed')]);
    expect([run.state, run.failure?.code, run.tasks.map(({ state }) => state)]).toEqual(['failed', 'connection.auth-failed', ['failed', 'skipped']]);
  });
  it('gives the task of a lost worker to another one at once and does not count it', () => {
    const { run, emit } = play([{ type: 'started', ...of('load'), worker: 'w1' }, fails('lease.expired')]);
    expect([run.tasks[0]?.state, run.tasks[0]?.failures, run.tasks[0]?.losses, emit]).toEqual(['ready', 0, 1, [{ order: 'request', ...of('load', 2) }]]);
  });
  it.each<[ErrorCode, number]>([['sink.busy', 5], ['connection.interrupted', 8]])('waits between tries and gives up when %s has come %i times', (code, most) => {
    let run = startRun(aRun(), T0).run;
    for (let attempt = 1; attempt < most; attempt += 1) {
      run = applyRunEvent(run, fails(code, 'load', attempt), T0).run;
      expect(run.tasks[0]?.readyAt! > T0).toBe(true);
      expect(applyRunEvent(run, { type: 'time-passed' }, T0).emit).toEqual([]);
      const woken = applyRunEvent(run, { type: 'time-passed' }, wakeAt(run)!);
      expect(woken.emit).toEqual([{ order: 'request', ...of('load', attempt + 1) }]);
      run = woken.run;
    }
    expect(applyRunEvent(run, fails(code, 'load', most), T0).run.state).toBe('failed');
  });
  it.each<[string, RunEvent[]]>([
    ['is given up', [fails('data.value-out-of-range')]], ['is cancelled between two tries', [fails('connection.interrupted'), { type: 'cancel-asked', reason: 'someone asked' }]],
    ['is cancelled while its load ends', [{ type: 'cancel-asked', reason: 'someone asked' }, loaded]], ['cannot be published', [loaded, fails('sink.constraint-violated', 'publish')]],
  ])('that %s says that nobody resumes or publishes what it staged', (_, events) => {
    const { run, emit } = play(events);
    expect([isFinal(run.state), emit.at(-2), emit.at(-1)]).toEqual([true, { order: 'cancel', ...of('load') }, { order: 'finish' }]);
  });
  it('that is green, or that never began, leaves nothing to drop', () => {
    expect(play([loaded, published]).emit.some(({ order }) => order === 'cancel')).toBe(false);
    expect(play([{ type: 'cancel-asked', reason: 'r' }], startRun(aRun({ driver: 'airflow' }), T0).run).emit).toEqual([{ order: 'finish' }]);
  });
  it('does not try a task for ever that loses every worker', () => {
    let run = startRun(aRun(), T0).run;
    for (let attempt = 1; attempt <= 20; attempt += 1) run = applyRunEvent(run, fails('lease.expired', 'load', attempt), T0).run;
    expect(run.state).toBe('failed');
  });
  it('tells its worker to stop when it is cancelled, and ends when the worker has', () => {
    const { run, emit } = play([{ type: 'started', ...of('load'), worker: 'w' }, { type: 'cancel-asked', reason: 'someone asked' }]);
    expect([run.state, emit, run.tasks.map(({ state }) => state)]).toEqual(['cancelling', [{ order: 'cancel', ...of('load') }], ['running', 'cancelled']]);
    expect(play([{ type: 'cancelled', ...of('load') }], run).run.state).toBe('cancelled');
    expect(play([fails('lease.expired')], run).run.state).toBe('cancelled');
    expect(play([loaded], run).run.state).toBe('cancelled');
  });
  it('is green when the cancel came after the last task was done', () => {
    const { run } = play([loaded, { type: 'cancel-asked', reason: 'late' }, published]);
    expect(run.state).toBe('succeeded');
  });
  it('ends by its deadline and the grace after it, whoever is silent', () => {
    const { run, emit } = play([[{ type: 'time-passed' }, 3_600_000]]);
    expect([run.state, run.failure?.code, emit]).toEqual(['running', 'run.deadline-passed', [{ order: 'cancel', ...of('load') }]]);
    expect(play([[{ type: 'time-passed' }, 3_600_000 + GRACE_MS]], run).run.state).toBe('failed');
  });
  it('that has failed already is looked at once more, one grace after its deadline, not over and over in between', () => {
    const parallel = aRun({ tasks: [task('load', []), task('publish', [])] });
    const { run } = play([fails('connection.auth-failed')], startRun(parallel, T0).run);
    expect([run.state, run.tasks[1]?.state, wakeAt(run)]).toEqual(['running', 'ready', later(run.deadline, GRACE_MS)]);
    expect(applyRunEvent(run, { type: 'time-passed' }, wakeAt(run)!).run.state).toBe('failed');
  });
  it.each<[string, RunEvent[]]>([
    ['a twin', [loaded, loaded]], ['an older attempt', [fails('lease.expired'), loaded]], ['another run', [{ type: 'succeeded', taskRunId: 'other', attempt: 1, result: loadOf(1) }]],
    ['a start after the end', [loaded, { type: 'started', ...of('load'), worker: 'w' }]], ['anything after the end', [loaded, published, fails('platform.internal', 'publish')]],
  ])('ignores %s and says why', (_, events) => {
    const { run } = play(events.slice(0, -1));
    const step = applyRunEvent(run, events.at(-1)!, later(T0, 5000));
    expect([step.run, step.emit, typeof step.ignored]).toEqual([run, [], 'string']);
  });
});

const codes: ErrorCode[] = ['connection.interrupted', 'lease.expired', 'worker.stopping', 'connection.auth-failed', 'sink.busy', 'lease.lost', 'sink.reconcile-mismatch', 'platform.internal'];
const anEvent = fc.oneof(
  fc.record({ type: fc.constant('started' as const), id: fc.constantFrom('load', 'publish'), attempt: fc.integer({ min: 1, max: 4 }) }).map(({ type, id, attempt }): RunEvent => ({ type, ...of(id, attempt), worker: 'w' })),
  fc.record({ id: fc.constantFrom('load', 'publish'), attempt: fc.integer({ min: 1, max: 4 }) }).map(({ id, attempt }): RunEvent => ({ type: 'succeeded', ...of(id, attempt), result: id === 'load' ? loadOf(5) : publishOf(5) })),
  fc.record({ id: fc.constantFrom('load', 'publish'), attempt: fc.integer({ min: 1, max: 4 }), code: fc.constantFrom(...codes) }).map(({ id, attempt, code }): RunEvent => fails(code, id, attempt)),
  fc.record({ id: fc.constantFrom('load', 'publish'), attempt: fc.integer({ min: 1, max: 4 }) }).map(({ id, attempt }): RunEvent => ({ type: 'cancelled', ...of(id, attempt) })),
  fc.constant<RunEvent>({ type: 'time-passed' }), fc.constant<RunEvent>({ type: 'cancel-asked', reason: 'r' }));

describe('whatever comes', () => {
  it('takes legal steps only, and every run ends by its deadline', () => {
    fc.assert(fc.property(fc.array(anEvent, { maxLength: 40 }), (events) => {
      let run = startRun(aRun(), T0).run;
      for (const [index, event] of [...events, { type: 'time-passed' } as RunEvent].entries()) {
        const now = index === events.length ? later(run.deadline, GRACE_MS) : later(T0, index * 1000);
        const next = applyRunEvent(run, event, now).run;
        const legal = run.state === next.state || (runTransitions[run.state] as readonly string[]).includes(next.state);
        const tasksLegal = next.tasks.every((each, at) => each.state === run.tasks[at]!.state || reachable(run.tasks[at]!.state, each.state));
        if (!legal || !tasksLegal) throw new Error(`${run.state} -> ${next.state}`);
        run = next;
      }
      return isFinal(run.state) && run.finishedAt !== null;
    }), { numRuns: 500 });
  });
  it('ends alike when each event comes twice or very late again', () => {
    fc.assert(fc.property(fc.array(anEvent, { maxLength: 25 }), fc.array(fc.nat(24), { maxLength: 10 }), (events, again) => {
      const once = play(events.map((event): [RunEvent, number] => [event, 1000]));
      const doubled = play(events.flatMap((event) => [[event, 1000], [event, 1000]] as [RunEvent, number][]));
      const late = play([...events.map((event): [RunEvent, number] => [event, 1000]), ...again.flatMap((at) => (events[at] && events[at].type !== 'cancel-asked' && about(events[at], once.run) ? [[events[at], 1000] as [RunEvent, number]] : []))]);
      expect(doubled.run).toEqual(once.run);
      expect(late.run).toEqual(once.run);
    }), { numRuns: 500 });
  });
});
const reachable = (from: keyof typeof taskTransitions, to: string): boolean => {
  const direct = taskTransitions[from] as readonly (keyof typeof taskTransitions)[];
  return direct.includes(to as never) || direct.some((next) => (taskTransitions[next] as readonly string[]).includes(to));
};
/** An event that was taken once is late when its task has moved on. */
const about = (event: RunEvent, run: RunRecord): boolean => 'attempt' in event && run.tasks.some(({ taskRunId, attempt, state }) => taskRunId === event.taskRunId && (attempt > event.attempt || taskTransitions[state].length === 0));

it('counts time like the calendar', () => {
  fc.assert(fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }), fc.integer({ min: 0, max: 1e11 }), (date, ms) => later(date.toISOString(), ms) === new Date(date.getTime() + ms).toISOString()));
});
it('waits at random below a ceiling that doubles', () => {
  for (let failures = 0; failures < 4; failures += 1) {
    const waits = Array.from({ length: 200 }, (_, seed) => afterFailure('sink.busy', { kind: 'copy', failures, losses: 0, seed: `s${seed}` })).map((next) => ('delayMs' in next ? next.delayMs : -1));
    expect(Math.min(...waits)).toBeGreaterThan(0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(500 * 2 ** (failures + 1));
    expect(new Set(waits).size).toBeGreaterThan(100);
  }
});
