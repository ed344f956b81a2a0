import { InMemoryBus } from './in-memory-bus.ts';
import { describeMessageBus } from './message-bus.contract.ts';

let topics = 0;
const topic = async (): Promise<string> => `t${topics += 1}`;
describeMessageBus('in memory', { open: async () => new InMemoryBus({ longestPauseMs: 50 }), topic });
describeMessageBus('in memory, every second message twice', { open: async () => new InMemoryBus({ repeat: 0.5, seed: 11, longestPauseMs: 50 }), topic });
