import type { WaitingTask } from './tasks.repository.ts';

/** Wakes the slots of this process right after a commit, with the attempt that was just written, so that a free slot need not look for it. */
export class SlotSignal {
  private listener: (hint: WaitingTask | null) => void = () => undefined;
  wake(hint: WaitingTask | null): void { this.listener(hint); }
  onWake(listener: (hint: WaitingTask | null) => void): void { this.listener = listener; }
}
