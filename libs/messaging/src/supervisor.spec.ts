import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type Supervised, supervise } from './supervisor.ts';

/** A consumer whose life the test decides. */
class Consumer implements Supervised {
  hear: (work: -1 | 0 | 1) => void = () => undefined;
  die: (reason: string) => void = () => undefined;
  stopped = false;
  constructor(private readonly failing = 0, private readonly starts: { count: number } = { count: 0 }) {}
  onLife(hear: (work: -1 | 0 | 1) => void): void { this.hear = hear; }
  onDeath(died: (reason: string) => void): void { this.die = died; }
  async start(): Promise<void> { this.starts.count += 1; if (this.starts.count > 1 && this.starts.count <= 1 + this.failing) throw new Error('still away'); }
  async stop(): Promise<void> { this.stopped = true; }
}
const made = (options: { failing?: number; silenceMs?: number } = {}) => {
  const consumers: Consumer[] = [];
  const reasons: string[] = [];
  const starts = { count: 0 };
  const running = supervise(() => { const one = new Consumer(options.failing, starts); consumers.push(one); return one; },
    { pauseMs: 5, silenceMs: options.silenceMs ?? 10_000, onRestart: (reason) => { reasons.push(reason); } });
  return { consumers, reasons, running };
};

describe('the supervisor of a consumer', () => {
  it('makes a new one after a crash, however often starting fails at first', async () => {
    const { consumers, reasons, running } = made({ failing: 3 });
    const { close } = await running;
    consumers[0]?.die('crash');
    await sleep(100);
    expect([consumers.length, consumers[0]?.stopped, reasons]).toEqual([5, true, ['crash']]);
    await close();
    expect(consumers.at(-1)?.stopped).toBe(true);
  });
  it('tries no further first start once nobody wants it any more', async () => {
    const wanted = new AbortController();
    let made = 0;
    const running = supervise(() => {
      made += 1;
      let die: (reason: string) => void = () => undefined;
      return { onLife: () => undefined, onDeath: (died) => { die = died; }, start: () => { die('crash'); return new Promise(() => undefined); }, stop: () => Promise.resolve() };
    }, { pauseMs: 5, startMs: 1_000, signal: wanted.signal });
    running.catch(() => undefined);
    await sleep(30);
    wanted.abort();
    const before = made;
    await expect(running).rejects.toThrow();
    expect([before > 1, made - before]).toEqual([true, 0]);
  });
  it('makes a new one after silence', async () => {
    const { consumers, reasons, running } = made({ silenceMs: 80 });
    const { close } = await running;
    await sleep(150);
    await close();
    expect(reasons[0]).toBe('silence');
    expect(consumers.length).toBeGreaterThan(1);
  });
  it('leaves a consumer alone whose handler takes its time', async () => {
    const { consumers, reasons, running } = made({ silenceMs: 60 });
    const { close } = await running;
    consumers[0]?.hear(1);
    await sleep(200);
    await close();
    expect(reasons).toEqual([]);
  });
  it.each<[string, (one: Consumer) => void]>([
    ['dies before it has started, without an error', (one) => { setTimeout(() => { one.die('crash'); }, 5); }],
    ['neither starts nor says so', () => undefined],
  ])('makes another one when a new one %s', async (_, begin) => {
    const consumers: Consumer[] = [];
    const { close } = await supervise(() => {
      const one = new Consumer();
      if (consumers.length === 1) one.start = () => { begin(one); return new Promise(() => undefined); };
      consumers.push(one);
      return one;
    }, { pauseMs: 5, startMs: 60 });
    consumers[0]?.die('crash');
    await sleep(150);
    expect([consumers.length, consumers[1]?.stopped]).toEqual([3, true]);
    await close();
  });
  const dying = () => {
    const one = new Consumer();
    one.start = () => new Promise(() => { setTimeout(() => { one.die('crash'); }, 5); });
    return one;
  };
  it('tries a first one that dies while it starts again, and fails aloud when none ever starts', async () => {
    const [consumers, never]: Consumer[][] = [[], []];
    const { close } = await supervise(() => { consumers!.push(consumers!.length < 2 ? dying() : new Consumer()); return consumers!.at(-1)!; }, { pauseMs: 5 });
    expect(consumers!.map(({ stopped }) => stopped)).toEqual([true, true, false]);
    await close();
    await expect(supervise(() => { never!.push(dying()); return never!.at(-1)!; }, { pauseMs: 5, startMs: 60 })).rejects.toThrow('crash');
    expect([never!.length > 1, never!.every(({ stopped }) => stopped)]).toEqual([true, true]);
  });
  it('fails aloud at once when the client refuses the first one', async () => {
    const one = new Consumer();
    one.start = () => Promise.reject(new Error('no such host'));
    await expect(supervise(() => one)).rejects.toThrow('no such host');
    expect(one.stopped).toBe(true);
  });
  it('closes at once, also while a new one is starting', async () => {
    const consumers: Consumer[] = [];
    const { close } = await supervise(() => {
      const one = new Consumer();
      if (consumers.length > 0) one.start = () => new Promise(() => undefined);
      consumers.push(one);
      return one;
    }, { pauseMs: 1 });
    consumers[0]?.die('crash');
    await sleep(30);
    const began = performance.now();
    await close();
    expect([consumers.length, consumers[1]?.stopped, performance.now() - began < 1_000]).toEqual([2, true, true]);
  });
  it('ignores the death of a consumer that it has replaced', async () => {
    const { consumers, reasons, running } = made();
    const { close } = await running;
    consumers[0]?.die('crash');
    await sleep(40);
    consumers[0]?.die('crash');
    await sleep(20);
    await close();
    expect(reasons).toEqual(['crash']);
  });
});
