import { describe, expect, it } from '@jest/globals';
import type { WireMessage } from './message-bus.ts';
import { type Reader, takeMessage } from './take-message.ts';

const wire: WireMessage = { topic: 't', key: 'k', headers: {}, value: Buffer.from('x'), partition: 0, offset: '1' };
/** A reader that counts what is in hand, as the supervisor does. */
const aReader = (): Reader & { inHand: number } => {
  const reader = { isStopping: false, inHand: 0, hear: (work: number): void => { reader.inHand += work; } };
  return reader;
};
const heartbeat = (): Promise<void> => Promise.resolve();

describe('a message in hand', () => {
  it('moves its offset after its effect', async () => {
    const order: string[] = [];
    const reader = aReader();
    await takeMessage(wire, { reader, heartbeat, onMessage: async () => { order.push(`effect, ${reader.inHand} in hand`); }, commit: async () => { order.push('commit'); } });
    expect([order, reader.inHand]).toEqual([['effect, 1 in hand', 'commit'], 0]);
  });
  it('is handed over again until it is taken', async () => {
    let tries = 0;
    let commits = 0;
    await takeMessage(wire, { reader: aReader(), heartbeat, onMessage: async () => { tries += 1; if (tries < 3) throw new Error('not yet'); }, commit: async () => { commits += 1; } });
    expect([tries, commits]).toEqual([3, 1]);
  });
  it('is not in hand any more when its offset could not be moved: whoever falls silent afterwards is found', async () => {
    const reader = aReader();
    await expect(takeMessage(wire, { reader, heartbeat, onMessage: async () => undefined, commit: async () => { throw new Error('the group rebalances'); } })).rejects.toThrow('rebalances');
    expect(reader.inHand).toBe(0);
  });
  it('keeps its offset when its reader leaves before it is taken', async () => {
    const reader = aReader();
    let commits = 0;
    await takeMessage(wire, { reader, heartbeat, onMessage: async () => { reader.isStopping = true; throw new Error('not taken'); }, commit: async () => { commits += 1; } });
    expect([commits, reader.inHand]).toEqual([0, 0]);
  });
});
