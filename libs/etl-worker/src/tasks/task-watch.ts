import { StateDatabase } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { LeaseSweeper } from './lease-sweeper.ts';
import { SlotSignal } from './slot-signal.ts';
import { Slots } from './slots.service.ts';
import { TASK_CHANNEL } from './task-channels.ts';
import { WORKER_LOG, type WorkerLog } from './worker-log.ts';
import { WorkerSettings } from './worker-settings.ts';

/** Keeps a worker awake: told by its own handlers and by its colleagues, and every few seconds on its own, since a word may be lost. */
@Injectable()
export class TaskWatch {
  private readonly state: StateDatabase;
  private readonly slots: Slots;
  private readonly sweeper: LeaseSweeper;
  private readonly signal: SlotSignal;
  private readonly settings: WorkerSettings;
  private readonly log: WorkerLog;
  private timer: NodeJS.Timeout | undefined;
  private listening: { close(): Promise<void> } | undefined;
  private isStopping = false;

  constructor(state: StateDatabase, slots: Slots, sweeper: LeaseSweeper, signal: SlotSignal, settings: WorkerSettings, @Inject(WORKER_LOG) log: WorkerLog) {
    this.state = state;
    this.slots = slots;
    this.sweeper = sweeper;
    this.signal = signal;
    this.settings = settings;
    this.log = log;
  }

  async start(): Promise<void> {
    this.signal.onWake((hint) => { this.slots.wake(hint); });
    this.listening = await this.state.listen(TASK_CHANNEL, () => { this.slots.peek(); this.slots.wake(null); });
    this.schedule();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    this.signal.onWake(() => undefined);
    await this.listening?.close();
    await Promise.all([this.slots.stop(), this.sweeper.stop()]);
  }

  private schedule(): void {
    if (this.isStopping) return;
    this.timer = setTimeout(() => { void this.round().finally(() => { this.schedule(); }); }, this.settings.lookMs);
  }

  private async round(): Promise<void> {
    try {
      await this.sweeper.sweep();
    } catch (error) {
      this.log.warn({ err: error }, 'no sweep this time');
    }
    await this.slots.look();
  }
}
