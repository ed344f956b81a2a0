import { setTimeout as sleep } from 'node:timers/promises';

/** Wakes one waiting loop. A ring while nobody waits is remembered: the next wait ends at once. */
export class Bell {
  #rung = false;
  #wake: () => void = () => undefined;

  ring(): void { this.#rung = true; this.#wake(); }
  /** Forgets earlier rings: what they told of is looked at from now on. */
  hush(): void { this.#rung = false; }
  /** Resolves after a ring, after `ms`, or when `until` aborts. */
  async wait(ms: number, until: AbortSignal): Promise<void> {
    if (this.#rung || until.aborted) return;
    const timer = new AbortController();
    await Promise.race([
      sleep(ms, undefined, { signal: AbortSignal.any([until, timer.signal]) }).catch(() => undefined), // an abort ends the wait, too
      new Promise<void>((woken) => { this.#wake = woken; }),
    ]);
    timer.abort();
    this.#wake = () => undefined;
  }
}
