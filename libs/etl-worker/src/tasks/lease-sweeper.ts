import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { Leases } from './leases.service.ts';
import { Leftovers } from './leftovers.service.ts';
import { TasksRepository } from './tasks.repository.ts';

/** Finds attempts whose worker fell silent, and what ended ones have left. Every worker sweeps; of two that find the same one, one is heard. */
@Injectable()
export class LeaseSweeper {
  private readonly state: StateDatabase;
  private readonly tasks: TasksRepository;
  private readonly leases: Leases;
  private readonly leftovers: Leftovers;
  constructor(state: StateDatabase, tasks: TasksRepository, leases: Leases, leftovers: Leftovers) {
    this.state = state;
    this.tasks = tasks;
    this.leases = leases;
    this.leftovers = leftovers;
  }

  /** Reports each silent attempt as `lease.expired`. @returns how many this worker declared lost */
  async sweep(): Promise<number> {
    const silent = await this.state.asRelay((tx) => this.tasks.silent(tx));
    let lost = 0;
    for (const key of silent) if (await this.leases.declareLost(key)) lost += 1;
    this.leftovers.look();
    return lost;
  }
  stop(): Promise<void> { return this.leftovers.stop(); }
}
