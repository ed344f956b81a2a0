import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { StepRunner } from '../steps/step-runner.ts';
import { Leases } from './leases.service.ts';
import { LAST_ATTEMPT } from './task-state.ts';
import { type LostTask, TasksRepository } from './tasks.repository.ts';

/** Finds attempts whose worker fell silent. Every worker sweeps; of two that find the same one, one is heard. */
@Injectable()
export class LeaseSweeper {
  private readonly state: StateDatabase;
  private readonly tasks: TasksRepository;
  private readonly leases: Leases;
  private readonly steps: StepRunner;
  constructor(state: StateDatabase, tasks: TasksRepository, leases: Leases, steps: StepRunner) {
    this.state = state;
    this.tasks = tasks;
    this.leases = leases;
    this.steps = steps;
  }

  /** Reports each silent attempt as `lease.expired`. @returns how many this worker declared lost */
  async sweep(): Promise<number> {
    const silent = await this.state.asRelay((tx) => this.tasks.silent(tx));
    const lost: LostTask[] = [];
    for (const key of silent) {
      const row = await this.leases.declareLost(key);
      if (row) lost.push(row);
    }
    // Nobody tries again after the last attempt, so nobody else would drop what it staged.
    for (const row of lost.filter(({ attempt }) => attempt >= LAST_ATTEMPT)) await this.steps.cleanUpAfter(row);
    return lost.length;
  }
}
