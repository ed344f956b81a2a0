import { StateDatabase } from '@agent-etl/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { StepRunner } from '../steps/step-runner.ts';
import { Leases } from './leases.service.ts';
import { LAST_ATTEMPT } from './task-state.ts';
import { TaskRetention } from './task-retention.service.ts';
import { TasksRepository } from './tasks.repository.ts';
import { WORKER_LOG, type WorkerLog } from './worker-log.ts';

/** Finds attempts whose worker fell silent, and drops what ended long ago. Every worker sweeps; of two that find the same one, one is heard. */
@Injectable()
export class LeaseSweeper {
  constructor(
    private readonly state: StateDatabase, private readonly tasks: TasksRepository, private readonly leases: Leases, private readonly steps: StepRunner,
    private readonly retention: TaskRetention, @Inject(WORKER_LOG) private readonly log: WorkerLog,
  ) {}

  /** Reports each silent attempt as `lease.expired`. @returns how many this worker declared lost */
  async sweep(): Promise<number> {
    const silent = await this.state.asRelay((tx) => this.tasks.silent(tx));
    let lost = 0;
    for (const key of silent) {
      const row = await this.leases.declareLost(key);
      if (!row) continue;
      lost += 1;
      // Nobody tries again after the last attempt, so nobody else would drop what it staged. The target may be away or locked: the sweep does not wait for it.
      if (row.attempt >= LAST_ATTEMPT && row.command) void this.cleanUp({ ...row, command: row.command });
    }
    await this.retention.tidy();
    return lost;
  }

  private async cleanUp(lost: Parameters<StepRunner['cleanUpAfter']>[0]): Promise<void> {
    try {
      await this.steps.cleanUpAfter(lost);
    } catch (err) {
      this.log.warn({ taskRunId: lost.taskRunId, err }, 'staging of a lost attempt could not be dropped');
    }
  }
}
