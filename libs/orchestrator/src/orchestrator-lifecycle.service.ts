import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ProjectService } from './connections/project.service.ts';
import { StepsService } from './planning/steps.service.ts';
import { Ticker } from './runs/ticker.service.ts';
import { ScheduleTicker } from './schedules/schedule-ticker.service.ts';
import { Changes } from './signals/changes.service.ts';

/** Starts what runs beside requests and messages. It is stopped with the consumers, before the pools close. */
@Injectable()
export class OrchestratorLifecycle implements OnApplicationBootstrap {
  constructor(
    private readonly project: ProjectService, private readonly ticker: Ticker, private readonly schedules: ScheduleTicker, private readonly changes: Changes,
    private readonly steps: StepsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.project.refresh();
    await this.changes.start();
    this.ticker.start();
    this.schedules.start();
  }
  async stop(): Promise<void> {
    await this.schedules.stop();
    await this.ticker.stop();
    await this.changes.stop();
    await this.steps.stop();
  }
}
