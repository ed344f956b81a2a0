import type { DynamicModule } from '@nestjs/common';
import type { MigrationClass } from '@agent-etl/persistence';
import { StateDatabase, platformMigrations } from '@agent-etl/persistence';
import type { ServiceDefinition, ServiceParts } from '@agent-etl/service-kit';
import { z } from 'zod';
import { DeadLettersController } from './dead-letters/dead-letters.controller.ts';
import { DeadLettersRepository } from './dead-letters/dead-letters.repository.ts';
import { DeadLettersService, MESSAGE_BUS, MONITOR_LOG } from './dead-letters/dead-letters.service.ts';
import { FeedRepository } from './feed/feed.repository.ts';
import { LiveHub } from './feed/live-hub.service.ts';
import { METRICS_REGISTRY, MetricsService } from './metrics/metrics.service.ts';
import { MetricsRepository } from './metrics/metrics.repository.ts';
import { MonitorTables1764000000000 } from './migrations/monitor-tables.migration.ts';
import { LIVE_SOCKETS, MonitorLifecycle } from './monitor-lifecycle.service.ts';
import { ProjectionsHandler } from './projections/projections.handler.ts';
import { ProjectionsService } from './projections/projections.service.ts';
import { RunViewEntity } from './runs/run-view.entity.ts';
import { RunViewsRepository } from './runs/run-views.repository.ts';
import { ViewsController } from './views/views.controller.ts';
import { ViewsService } from './views/views.service.ts';

export const monitorConfig = z.object({});
export type MonitorConfig = z.output<typeof monitorConfig>;
export const monitorMigrations: MigrationClass[] = [...platformMigrations(), MonitorTables1764000000000];

/** Nest's module of the monitor. */
export class MonitorModule {
  static register({ state, bus, metrics, live, log }: ServiceParts<'monitor', MonitorConfig>): DynamicModule {
    return {
      module: MonitorModule,
      controllers: [ViewsController, DeadLettersController, ProjectionsHandler],
      providers: [
        { provide: StateDatabase, useValue: state }, { provide: MESSAGE_BUS, useValue: bus }, { provide: METRICS_REGISTRY, useValue: metrics }, { provide: LIVE_SOCKETS, useValue: live },
        { provide: MONITOR_LOG, useValue: log },
        RunViewsRepository, FeedRepository, MetricsRepository, DeadLettersRepository, LiveHub, MetricsService, ProjectionsService, ViewsService, DeadLettersService, MonitorLifecycle,
      ],
    };
  }
}

/** The monitor: views, live feed and metrics, all made of events. */
export const monitorService = (): ServiceDefinition<'monitor', MonitorConfig> => ({
  app: 'monitor', schema: 'monitor', entities: [RunViewEntity], migrations: monitorMigrations, config: monitorConfig, module: (parts) => MonitorModule.register(parts),
});
