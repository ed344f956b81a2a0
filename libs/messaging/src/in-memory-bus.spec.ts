import { describe, expect, it } from '@jest/globals';
import { InMemoryBus } from './in-memory-bus.ts';
import type { WireMessage } from './message-bus.ts';

const message: WireMessage = { topic: 'etl.run.events', key: 'k', headers: {}, value: Buffer.from('x') };

describe('the bus in memory', () => {
  it('takes nothing for a group that is announced and not reading yet: the outbox row stays unsent', async () => {
    const bus = new InMemoryBus();
    const got: WireMessage[] = [];
    bus.expect('monitor', ['etl.run.events']);
    await expect(bus.publish([message])).rejects.toThrow('monitor is not reading');
    await bus.subscribe('monitor', ['etl.run.events'], async (one) => { got.push(one); });
    await bus.publish([message]);
    expect(got.length).toBe(1);
  });
  it('takes nothing for an announced group that has left: the next process delivers it', async () => {
    const bus = new InMemoryBus();
    bus.expect('monitor', ['etl.run.events']);
    const reading = await bus.subscribe('monitor', ['etl.run.events'], async () => undefined);
    await reading.close();
    await expect(bus.publish([message])).rejects.toThrow('monitor is not reading');
    await expect(bus.publish([{ ...message, topic: 'etl.dag.events' }])).resolves.toBeUndefined();
  });
  it('never uses an offset of an earlier process again: tables keep them', async () => {
    const offsets: bigint[] = [];
    const read = async (): Promise<void> => {
      const bus = new InMemoryBus();
      await bus.subscribe('g', ['etl.run.events'], async ({ offset }) => { offsets.push(BigInt(offset ?? 0)); });
      await bus.publish([message, message]);
      await bus.close();
      await new Promise((done) => { setTimeout(done, 2); });
    };
    await read();
    await read();
    expect(new Set(offsets).size).toBe(4);
    expect(offsets[2]! > offsets[1]!).toBe(true);
  });
});
