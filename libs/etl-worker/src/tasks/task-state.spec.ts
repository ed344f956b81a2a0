import { describe, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import { decisiveError, leavesStaging, outcomeOf, staysUnused, taskTransitions } from './task-state.ts';

describe('how an attempt ends', () => {
  it('is final in every state but waiting and running', () => {
    expect(Object.entries(taskTransitions).filter(([, next]) => next.length > 0).map(([state]) => state)).toEqual(['waiting', 'running']);
  });
  it('counts why it was told to stop, not what the interrupted step then threw', () => {
    const told = new EtlError('run.cancelled', { reason: 'test' });
    expect(decisiveError(new Error('socket closed'), told)).toBe(told);
    expect(decisiveError(told, undefined)).toBe(told);
  });
  it('calls a full scratch disk by its name', () => {
    expect(decisiveError(Object.assign(new Error('write'), { code: 'ENOSPC' }), undefined)).toMatchObject({ code: 'platform.disk-full' });
  });
  it('reports nothing once another attempt owns the task', () => {
    expect(outcomeOf(new EtlError('lease.lost'))).toEqual({ state: 'gone' });
  });
  it('keeps the words of unknown errors out of the report', () => {
    expect(outcomeOf(new Error('password hunter2'))).toMatchObject({ state: 'failed', failure: { code: 'platform.internal', text: expect.not.stringContaining('hunter2') } });
  });
  it.each([
    ['run.cancelled', true], ['data.value-out-of-range', true], ['sink.reconcile-mismatch', true], ['run.deadline-passed', true],
    ['connection.interrupted', false], ['worker.stopping', false], ['lease.lost', false],
  ] as const)('after %s, staging certainly stays unused: %s', (code, isUnused) => {
    expect(staysUnused(new EtlError(code))).toBe(isUnused);
  });
  it('leaves staging for another attempt after what nobody foresaw', () => { expect(staysUnused(new Error('?'))).toBe(false); });
  it('sends a cancelled publish, and a load that was tried before, to a worker that drops staging', () => {
    expect([leavesStaging('publish', 1), leavesStaging('load', 2), leavesStaging('load', 1), leavesStaging('profile', 3)]).toEqual([true, true, false, false]);
  });
});
