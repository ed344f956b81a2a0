import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { untilAborted } from './until-aborted.ts';

describe('work that cannot be interrupted', () => {
  it('is left alone when the signal comes first, even if it fails later', async () => {
    const stop = new AbortController();
    const told = new Error('told');
    const late = sleep(30).then(() => { throw new Error('late'); });
    setTimeout(() => { stop.abort(told); }, 5);
    await expect(untilAborted(stop.signal, late)).rejects.toBe(told);
    await expect(late).rejects.toThrow('late');
  });
  it('answers or fails as it would by itself', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(signal, Promise.resolve(7))).resolves.toBe(7);
    await expect(untilAborted(signal, Promise.reject(new Error('own')))).rejects.toThrow('own');
  });
  it('is not begun after the signal', async () => {
    await expect(untilAborted(AbortSignal.abort(new Error('before')), Promise.resolve(7))).rejects.toThrow('before');
  });
});
