import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Closable, MessageBus, WireMessage } from './message-bus.ts';

/** What a suite needs of an adapter: a bus, and a topic of its own for each test. */
export interface BusHarness { open(): Promise<MessageBus>; topic(): Promise<string> }
const message = (topic: string, key: string, text: string): WireMessage => ({ topic, key, headers: { ce_type: 'x', n: text }, value: Buffer.from(text) });
async function until(check: () => boolean, ms = 20_000): Promise<void> {
  for (const end = Date.now() + ms; !check(); await sleep(20)) if (Date.now() > end) throw new Error('not within the time');
}
const text = ({ value }: WireMessage): string => Buffer.from(value).toString();

/** Every message bus behaves like this. */
export function describeMessageBus(name: string, harness: BusHarness): void {
  describe(`message bus ${name}`, () => {
    let bus: MessageBus;
    const open: Closable[] = [];
    let group = 0;
    const read = async (topic: string, onMessage: (one: WireMessage) => Promise<void>, named = `t-${process.pid}-${group += 1}`): Promise<string> => {
      open.push(await bus.subscribe(named, [topic], onMessage));
      return named;
    };
    beforeAll(async () => { bus = await harness.open(); });
    afterAll(async () => { await Promise.all(open.map((one) => one.close())); await bus.close(); });

    it('hands over bytes, key and headers as they were given', async () => {
      const topic = await harness.topic();
      const got: WireMessage[] = [];
      await read(topic, async (one) => { got.push(one); });
      await bus.publish([{ topic, key: 'k', headers: { ce_id: 'ü' }, value: Uint8Array.from([0, 255, 10]) }]);
      await until(() => got.length >= 1);
      expect([got[0]?.key, got[0]?.headers['ce_id'], [...got[0]?.value ?? []], typeof got[0]?.offset]).toEqual(['k', 'ü', [0, 255, 10], 'string']);
    });
    it('keeps the order of a key', async () => {
      const topic = await harness.topic();
      const got: string[] = [];
      await read(topic, async (one) => { await sleep(Math.random() * 3); got.push(text(one)); });
      const sent = Array.from({ length: 40 }, (_, index) => message(topic, `k${index % 4}`, String(index)));
      await bus.publish(sent.slice(0, 4)); // a partition that was made just now may refuse its first message once: sent again, it would come behind those of other callers
      for (const one of sent.slice(4)) void bus.publish([one]).catch(() => undefined);
      await until(() => new Set(got).size === 40);
      for (const key of [0, 1, 2, 3]) {
        const first = [...new Set(got.filter((one) => Number(one) % 4 === key))];
        expect(first).toEqual(sent.map(text).filter((one) => Number(one) % 4 === key));
      }
    });
    it('delivers again what a handler rejects, and lets nothing of that key overtake', async () => {
      const topic = await harness.topic();
      const taken: string[] = [];
      let failures = 0;
      await read(topic, async (one) => { if (text(one) === 'a' && failures < 2) { failures += 1; throw new Error('not yet'); } taken.push(text(one)); });
      void bus.publish([message(topic, 'k', 'a'), message(topic, 'k', 'b')]).catch(() => undefined);
      await until(() => taken.includes('b'));
      expect([failures, [...new Set(taken)]]).toEqual([2, ['a', 'b']]);
    });
    it('gives every group its own copy', async () => {
      const topic = await harness.topic();
      const [one, two]: [string[], string[]] = [[], []];
      await read(topic, async (got) => { one.push(text(got)); });
      await read(topic, async (got) => { two.push(text(got)); });
      await bus.publish([message(topic, 'k', 'x')]);
      await until(() => one.includes('x') && two.includes('x'));
      expect([new Set(one), new Set(two)]).toEqual([new Set(['x']), new Set(['x'])]);
    });
    it('does not make one group wait for another', async () => {
      const topic = await harness.topic();
      const fast: string[] = [];
      let release: () => void = () => undefined;
      const held = new Promise<void>((done) => { release = done; });
      await read(topic, () => held);
      await read(topic, async (got) => { fast.push(text(got)); });
      void bus.publish([message(topic, 'a', '1'), message(topic, 'b', '2')]).catch(() => undefined);
      await until(() => new Set(fast).size === 2);
      release();
      expect(new Set(fast)).toEqual(new Set(['1', '2']));
    });
    it('finishes the message in hand before a reader closes', async () => {
      const topic = await harness.topic();
      let [begun, ended] = [false, false];
      const closing = await bus.subscribe(`t-${process.pid}-drain`, [topic], async () => { begun = true; await sleep(200); ended = true; });
      void bus.publish([message(topic, 'k', 'x')]).catch(() => undefined);
      await until(() => begun);
      await closing.close();
      expect(ended).toBe(true);
    });
  });
}
