import { EtlError } from '@agent-etl/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from './leases.service.ts';
import type { Claimed } from './tasks.repository.ts';
import type { WorkerSettings } from './worker-settings.ts';

const RETRY_MS = 250;

/** A task while this worker holds it: beats on its own, and stops the work when the claim is gone, cancelled or late. */
export class HeldTask {
  readonly claimed: Claimed;
  private readonly leases: Leases;
  private readonly settings: WorkerSettings;
  private readonly stopper = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private heardAt = performance.now();
  private isClosed = false;

  constructor(claimed: Claimed, leases: Leases, settings: WorkerSettings) {
    this.claimed = claimed;
    this.leases = leases;
    this.settings = settings;
    if (claimed.isCancelled) this.stop(cancelled());
    this.schedule(settings.beatMs);
  }

  /** Aborted with the EtlError that says why the work must stop. */
  get signal(): AbortSignal { return this.stopper.signal; }

  stop(reason: EtlError): void { this.stopper.abort(reason); }

  /** Asks now whether the claim stands. While the state database is away the answer is awaited as long as the lease lasts.
   * @throws EtlError `lease.lost`, `run.cancelled`, `run.deadline-passed`, `worker.stopping` */
  async beat(): Promise<void> {
    for (;;) {
      this.signal.throwIfAborted();
      if (await this.tryBeat()) break;
      await sleep(RETRY_MS);
    }
    this.signal.throwIfAborted();
  }

  /** Looks for a mark on the row at once; called when somebody marked one. */
  peek(): void { void this.tryBeat(); }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private schedule(waitMs: number): void {
    if (this.isClosed) return;
    this.timer = setTimeout(() => { void this.tryBeat().then((isHeard) => { this.schedule(isHeard ? this.settings.beatMs : RETRY_MS); }); }, waitMs);
  }

  /** @returns false when the state database gave no answer: the claim may still stand until the lease is over */
  private async tryBeat(): Promise<boolean> {
    if (this.isClosed) return true;
    const askedAt = performance.now();
    try {
      const beat = await this.leases.beat(this.claimed);
      if (this.isClosed) return true;
      if (!beat) this.stop(new EtlError('lease.lost'));
      else if (beat.isCancelled) this.stop(cancelled());
      else if (beat.isLate) this.stop(new EtlError('run.deadline-passed', { deadline: this.claimed.command.deadline }));
      this.heardAt = askedAt;
      return true;
    } catch (error) {
      // Silence as long as a lease: another worker may own the task by now, so nothing more may be committed.
      if (performance.now() - this.heardAt > this.settings.leaseMs) this.stop(new EtlError('lease.lost', {}, { cause: error }));
      return false;
    }
  }
}
const cancelled = (): EtlError => new EtlError('run.cancelled', { reason: 'asked for' });
