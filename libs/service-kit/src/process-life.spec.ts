import { describe, expect, it } from '@jest/globals';
import { isRunning, startOf } from './process-life.ts';
import { aZombie } from './testing.ts';

describe('isRunning', () => {
  it('knows this process by its id and its start', async () => {
    expect(await isRunning(process.pid, await startOf(process.pid))).toBe(true);
    expect(await isRunning(process.pid, '')).toBe(true);
  });
  it('takes another one with the same id for another one', async () => { expect(await isRunning(process.pid, '1')).toBe(false); });
  it('says no of an id that nobody has', async () => { expect(await isRunning(999_999_999, '')).toBe(false); });
  it('says no of one that was killed and that nobody has collected', async () => {
    const { pid, start, collect } = await aZombie();
    expect(await isRunning(pid, start)).toBe(false);
    collect();
  });
});
