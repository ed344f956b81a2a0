import type { MessageBus, WireMessage } from '@agent-etl/messaging';
import type { Acknowledged, Published } from './worker-process.ts';

type Subscription = Awaited<ReturnType<MessageBus['subscribe']>>;

/** The bus of a worker process: it publishes through its parent and is told nothing, since its parent's handlers write the rows it claims. */
export class ParentBus implements MessageBus {
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #next = 1;
  constructor() {
    process.on('message', ({ id, ok }: Acknowledged) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (ok) waiting?.resolve(); else waiting?.reject(new Error('the parent could not publish'));
    });
    // Who waits for the word of a parent that is gone would keep the outbox to itself, and no successor could send what is in it.
    process.once('disconnect', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the parent is gone'));
      this.#waiting.clear();
    });
  }
  async publish(messages: readonly WireMessage[]): Promise<void> {
    if (!process.connected) throw new Error('the parent is gone');
    const id = this.#next++;
    const said: Published = { id, messages: messages.map((message) => ({ ...message, value: Buffer.from(message.value).toString('base64') })) };
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      process.send?.(said, (error: Error | null) => { if (error) { this.#waiting.delete(id); reject(error); } });
    });
  }
  async subscribe(): Promise<Subscription> { return Promise.resolve({ close: () => Promise.resolve() }); }
  async close(): Promise<void> { return Promise.resolve(); }
  health(): { ok: boolean; reason?: string } { return process.connected ? { ok: true } : { ok: false, reason: 'the parent is gone' }; }
}
