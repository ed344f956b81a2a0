import { describe, expect, it } from '@jest/globals';
import type { Progress } from '@agent-etl/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgressFeed } from './progress-feed.ts';

const at = (rows: number): Progress => ({ phase: 'copying', rows, totalRows: null, bytes: 0, chunksDone: 0, chunks: 1 });

describe('progress', () => {
  it('is said at once, then at most twice a second, the latest each time', async () => {
    const sent: number[] = [];
    const feed = new ProgressFeed((progress) => { sent.push(progress.rows); return Promise.resolve(); });
    for (let rows = 1; rows <= 120; rows += 1) {
      feed.update(at(rows));
      await sleep(10);
    }
    feed.close();
    expect(sent[0]).toBe(1);
    expect(sent.length).toBeGreaterThanOrEqual(3);
    expect(sent.length).toBeLessThanOrEqual(4);
  });
  it('may be lost without harm', async () => {
    const tried: number[] = [];
    const feed = new ProgressFeed((progress) => { tried.push(progress.rows); return Promise.reject(new Error('the bus is away')); });
    feed.update(at(1));
    feed.update(at(2));
    await sleep(550);
    feed.close();
    expect(tried).toEqual([1, 2]);
  });
  it('says nothing more after the attempt has ended', async () => {
    const sent: number[] = [];
    const feed = new ProgressFeed((progress) => { sent.push(progress.rows); return Promise.resolve(); });
    feed.update(at(1));
    feed.update(at(2));
    feed.close();
    await sleep(600);
    expect(sent).toEqual([1]);
  });
});
