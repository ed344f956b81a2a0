import { EtlError } from '@agent-etl/contracts';
import { StateDatabase } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { Attempts } from './attempts.service.ts';
import { HeldTask } from './held-task.ts';
import { Leases } from './leases.service.ts';
import { type Claimed, TasksRepository, type WaitingTask } from './tasks.repository.ts';
import { WORKER_LOG, type WorkerLog } from './worker-log.ts';
import { WorkerSettings } from './worker-settings.ts';

const isForIdleHours = ({ claimed: { command: { task } } }: HeldTask): boolean => task.kind === 'sketch' && task.when === 'idle';

/** The free hands of one worker: each takes the next waiting attempt of any tenant. */
@Injectable()
export class Slots {
  private readonly state: StateDatabase;
  private readonly tasks: TasksRepository;
  private readonly leases: Leases;
  private readonly attempts: Attempts;
  private readonly settings: WorkerSettings;
  private readonly log: WorkerLog;
  private readonly held = new Map<HeldTask, Promise<void>>();
  private claiming = 0;
  private isStopping = false;
  private looking: Promise<void> | null = null;
  private isAskedAgain = false;

  constructor(
    state: StateDatabase, tasks: TasksRepository, leases: Leases, attempts: Attempts, settings: WorkerSettings, @Inject(WORKER_LOG) log: WorkerLog,
  ) {
    this.state = state;
    this.tasks = tasks;
    this.leases = leases;
    this.attempts = attempts;
    this.settings = settings;
    this.log = log;
  }

  /** Somebody wrote or marked a row. @param hint the row, when it was written by this very process: a free slot takes it without looking */
  wake(hint: WaitingTask | null): void {
    if (hint && this.free > 0 && !this.looking) void this.take(hint).catch((error: unknown) => { this.sleepOn(error); });
    else void this.look();
  }

  /** Looks whether a held row was marked. */
  peek(): void { for (const task of this.held.keys()) task.peek(); }

  /** Fills free slots with what waits. A second call while one runs makes that one look once more. */
  look(): Promise<void> {
    this.isAskedAgain = true;
    this.looking ??= this.giveWay().then(() => this.fill()).catch((error: unknown) => { this.sleepOn(error); }).finally(() => {
      this.looking = null;
      if (this.isAskedAgain && this.free > 0) void this.look();
    });
    return this.looking;
  }

  /** Takes nothing new and ends what runs at its chunk boundary; each is reported as `worker.stopping`. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.looking;
    for (const task of this.held.keys()) task.stop(new EtlError('worker.stopping'));
    while (this.held.size + this.claiming > 0) {
      await Promise.all(this.held.values());
      await sleep(5);
    }
  }

  /** A profile of values gives its slot up to whatever else waits; it is asked for again, and begins anew in a slot that nobody wants. */
  private async giveWay(): Promise<void> {
    const profile = this.free > 0 ? undefined : [...this.held.keys()].find(({ claimed, signal }) => claimed.command.task.kind === 'sketch' && !signal.aborted);
    if (profile && await this.state.asRelayEach((tx) => this.tasks.isWanted(tx))) profile.stop(new EtlError('worker.stopping'));
  }

  /** One that nobody waits for does not even share its worker with anything that moves rows. */
  private makeWay({ command: { task: { kind } } }: Claimed): void {
    if (kind === 'sketch') return;
    for (const held of this.held.keys()) if (isForIdleHours(held)) held.stop(new EtlError('worker.stopping'));
  }

  private get free(): number { return this.isStopping ? 0 : this.settings.slots - this.held.size - this.claiming; }

  private async fill(): Promise<void> {
    let unclaimable = 0;
    while (this.isAskedAgain && this.free > 0) {
      this.isAskedAgain = false;
      const waiting = await this.state.asRelayEach((tx) => this.tasks.waiting(tx, this.free + 4 + unclaimable, this.held.size > 0 ? 'busy' : 'idle'));
      let failed = 0;
      for (const key of waiting) {
        if (this.free <= 0) break;
        const taken = await this.takeOrSkip(key);
        if (taken === 'failed') failed += 1;
        if (taken === 'taken') this.isAskedAgain = true;
      }
      if (failed > unclaimable) this.isAskedAgain = true; // whatever stands behind them has its turn
      unclaimable = Math.max(unclaimable, failed);
    }
  }

  /** A row that cannot be claimed, such as a command of a newer release, waits for another worker and keeps nobody behind it waiting. */
  private async takeOrSkip(key: WaitingTask): Promise<'taken' | 'gone' | 'failed'> {
    try {
      return await this.take(key) ? 'taken' : 'gone';
    } catch (error) {
      if (error instanceof EtlError && error.code === 'platform.unavailable') throw error;
      this.log.warn({ err: error, taskRunId: key.taskRunId }, 'a task could not be claimed');
      return 'failed';
    }
  }

  private async take(key: WaitingTask): Promise<boolean> {
    this.claiming += 1;
    try {
      const claimed = await this.leases.claim(key);
      if (!claimed) return false;
      const task = new HeldTask(claimed, this.leases, this.settings);
      if (this.isStopping) task.stop(new EtlError('worker.stopping'));
      const running = this.attempts.run(task).catch((error: unknown) => { this.log.error({ err: error, taskRunId: key.taskRunId }, 'attempt broke off'); });
      this.makeWay(claimed);
      this.held.set(task, running.finally(() => { this.release(task); }));
      return true;
    } finally {
      this.claiming -= 1;
      if (this.isAskedAgain && !this.looking && this.free > 0) void this.look(); // asked while this claim held the last hand
    }
  }

  private release(task: HeldTask): void {
    this.held.delete(task);
    if (!this.isStopping) void this.look();
  }

  /** A claim that found no database is tried again at the next look. */
  private sleepOn(error: unknown): void {
    this.isAskedAgain = false;
    this.log.warn({ err: error }, 'no task could be claimed');
  }
}
