import type { TaskKey } from './tasks.repository.ts';

/** Wakes the slots of this process right after a commit, with the attempt that was just written, so that a free slot need not look for it. */
export class SlotSignal {
  private listener: (hint: TaskKey | null) => void = () => undefined;
  wake(hint: TaskKey | null): void { this.listener(hint); }
  onWake(listener: (hint: TaskKey | null) => void): void { this.listener = listener; }
}
