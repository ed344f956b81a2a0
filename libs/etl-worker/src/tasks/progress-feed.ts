import type { Progress } from '@agent-etl/contracts';

const PERIOD_MS = 500;

/** Hands on the latest progress at most twice a second. What comes in between is replaced, what cannot be sent is lost: the ledger is the truth. */
export class ProgressFeed {
  private readonly send: (progress: Progress) => Promise<void>;
  private latest: Progress | null = null;
  private sentAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  constructor(send: (progress: Progress) => Promise<void>) { this.send = send; }

  update(progress: Progress): void {
    this.latest = progress;
    if (this.timer) return;
    const waitMs = this.sentAt + PERIOD_MS - performance.now();
    if (waitMs <= 0) this.flush();
    else this.timer = setTimeout(() => { this.flush(); }, waitMs);
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.latest = null;
  }

  private flush(): void {
    this.timer = undefined;
    const progress = this.latest;
    if (!progress) return;
    this.latest = null;
    this.sentAt = performance.now();
    void this.send(progress).catch(() => undefined);
  }
}
