import { StateDatabase } from '@agent-etl/persistence';
import { Injectable } from '@nestjs/common';
import { Leases } from './leases.service.ts';
import { Leftovers } from './leftovers.service.ts';
import { TaskRetention } from './task-retention.service.ts';
import { TasksRepository } from './tasks.repository.ts';

/** Finds attempts whose worker fell silent, what ended ones have left, and what ended long ago. Every worker sweeps; of two that find the same one, one is heard. */
@Injectable()
export class LeaseSweeper {
  constructor(
    private readonly state: StateDatabase, private readonly tasks: TasksRepository, private readonly leases: Leases, private readonly leftovers: Leftovers,
    private readonly retention: TaskRetention,
  ) {}

  /** Reports each silent attempt as `lease.expired`. @returns how many this worker declared lost */
  async sweep(): Promise<number> {
    const silent = await this.state.asRelay((tx) => this.tasks.silent(tx));
    let lost = 0;
    for (const key of silent) if (await this.leases.declareLost(key)) lost += 1;
    this.leftovers.look();
    await this.retention.tidy();
    return lost;
  }
  stop(): Promise<void> { return this.leftovers.stop(); }
}
