import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { inLanes } from './in-lanes.ts';

const never = new AbortController().signal;
describe('lanes', () => {
  it('work through all items, never more at once than there are lanes', async () => {
    let busy = 0;
    let most = 0;
    const done: number[] = [];
    await inLanes([1, 2, 3, 4, 5, 6, 7], { lanes: 3, signal: never }, async (item) => {
      most = Math.max(most, busy += 1);
      await sleep(5);
      busy -= 1;
      done.push(item);
    });
    expect([...done].sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });
  it('stop together, and the first failure is the one that counts', async () => {
    const started: number[] = [];
    const work = async (item: number, signal: AbortSignal): Promise<void> => {
      started.push(item);
      if (item === 2) throw new Error('first');
      await sleep(1_000, undefined, { signal }).catch(() => { throw new Error('second'); });
    };
    await expect(inLanes([1, 2, 3, 4], { lanes: 2, signal: never }, work)).rejects.toThrow('first');
    expect(started).toEqual([1, 2]);
  });
  it('share the fate of the work beside them', async () => {
    const beside = (): Promise<void> => Promise.reject(new Error('digest'));
    await expect(inLanes([1], { lanes: 1, signal: never, beside }, (_item, signal) => sleep(1_000, undefined, { signal }))).rejects.toThrow('digest');
  });
  it('throw why they were told to stop', async () => {
    const stop = new AbortController();
    const told = new Error('told');
    setTimeout(() => { stop.abort(told); }, 5);
    await expect(inLanes([1], { lanes: 1, signal: stop.signal }, (_item, signal) => sleep(1_000, undefined, { signal }))).rejects.toBe(told);
  });
  it('have nothing to do without items', async () => {
    await expect(inLanes([], { lanes: 2, signal: never }, () => Promise.reject(new Error('no')))).resolves.toBeUndefined();
  });
});
