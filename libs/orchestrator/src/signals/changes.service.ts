import { Injectable } from '@nestjs/common';
import { StateDatabase, type TenantTx } from '@agent-etl/persistence';

const CHANNEL = 'orchestrator_changed';
const SWEEP_MS = 5_000;

/** Lets a caller wait for a change of a request or run. Pushed: in this process by the commit, between replicas by NOTIFY. */
@Injectable()
export class Changes {
  private readonly state: StateDatabase;
  readonly #waiting = new Map<string, Set<() => void>>();
  #channel: Promise<{ close(): Promise<void> }> | null = null;
  constructor(state: StateDatabase) { this.state = state; }

  async start(): Promise<void> {
    this.#channel ??= this.state.listen(CHANNEL, () => { for (const key of [...this.#waiting.keys()]) this.wake(key); });
    await this.#channel;
  }
  async stop(): Promise<void> {
    const channel = await this.#channel;
    this.#channel = null;
    for (const key of [...this.#waiting.keys()]) this.wake(key);
    await channel?.close();
  }

  /** Says, once this transaction is committed, that the thing with this id has changed. */
  async changed(tx: TenantTx, key: string): Promise<void> {
    tx.afterCommit(() => { this.wake(key); });
    await tx.tellOthers(CHANNEL);
  }

  private wake(key: string): void { for (const wake of [...this.#waiting.get(key) ?? []]) wake(); }

  /** Reads until the answer is settled or the seconds are over: after each change, and now and then, since the word of another replica may be lost.
   * @returns the last answer read, settled or not */
  async until<T>(key: string, seconds: number, look: { read: () => Promise<T>; settled: (answer: T) => boolean }): Promise<T> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const change = this.next(key, Math.min(end, performance.now() + SWEEP_MS));
      try {
        const answer = await look.read();
        if (look.settled(answer) || performance.now() >= end) return answer;
        await change.happens;
      } finally {
        change.forget();
      }
    }
  }

  /** Registered before the read, so that no change falls between the two. */
  private next(key: string, latest: number): { happens: Promise<void>; forget: () => void } {
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    const { promise: happens, resolve: wake } = Promise.withResolvers<void>();
    const timer = setTimeout(wake, Math.max(0, latest - performance.now()));
    waiting.add(wake);
    return { happens, forget: () => {
      clearTimeout(timer);
      waiting.delete(wake);
      if (waiting.size === 0) this.#waiting.delete(key);
    } };
  }
}
