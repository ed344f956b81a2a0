import { type Connector, connectors } from '@agent-etl/connectors';
import { grantEngines } from '@agent-etl/engines';
import { Outbox } from '@agent-etl/messaging';
import { type MigrationClass, StateDatabase, platformMigrations } from '@agent-etl/persistence';
import { type SecretStore, openSecretStore, secretsFrom } from '@agent-etl/secrets';
import type { ServiceDefinition, ServiceParts } from '@agent-etl/service-kit';
import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type Provider } from '@nestjs/common';
import { ChunkEntity } from './chunks/chunk.entity.ts';
import { ChunksRepository } from './chunks/chunks.repository.ts';
import { FileLedgerRepository } from './files/file-ledger.repository.ts';
import { workerMigrations } from './migrations/worker-tables.ts';
import { ScratchFolders } from './steps/scratch-folders.ts';
import { StepRunner, StepTools } from './steps/step-runner.ts';
import { Attempts } from './tasks/attempts.service.ts';
import { LeaseSweeper } from './tasks/lease-sweeper.ts';
import { Leases } from './tasks/leases.service.ts';
import { Leftovers } from './tasks/leftovers.service.ts';
import { SlotSignal } from './tasks/slot-signal.ts';
import { Slots } from './tasks/slots.service.ts';
import { TaskMetrics } from './tasks/task-metrics.ts';
import { TaskRetention } from './tasks/task-retention.service.ts';
import { TaskWatch } from './tasks/task-watch.ts';
import { TaskEntity } from './tasks/task.entity.ts';
import { TasksHandler } from './tasks/tasks.handler.ts';
import { TasksRepository } from './tasks/tasks.repository.ts';
import { TasksService } from './tasks/tasks.service.ts';
import { WORKER_LOG } from './tasks/worker-log.ts';
import { WorkerSettings } from './tasks/worker-settings.ts';
import { type EtlWorkerConfig, etlWorkerConfig, fileRootsOf, sparkPlaceOf } from './worker-config.ts';

/** What a process that hosts the worker may hand in instead of configuration. */
export interface EtlWorkerOptions {
  /** Opens secret references; the store of the environment when left out. */
  readonly secrets?: SecretStore;
  /** Folders that file connections may lie below; those of the environment when left out. Read at each task, so they may grow. */
  readonly fileRoots?: readonly string[];
  /** Connectors by name; those of the registry when left out. */
  readonly connectors?: Readonly<Record<string, Connector>>;
}
export const etlWorkerMigrations: MigrationClass[] = [...platformMigrations(), ...workerMigrations()];
type Parts = ServiceParts<'etl-worker', EtlWorkerConfig>;

@Module({})
export class EtlWorkerModule {}

/** Starts the worker once its handlers are in place. */
@Injectable()
export class EtlWorkerStart implements OnApplicationBootstrap {
  private readonly watch: TaskWatch;
  private readonly tools: StepTools;
  constructor(watch: TaskWatch, tools: StepTools) {
    this.watch = watch;
    this.tools = tools;
  }
  async onApplicationBootstrap(): Promise<void> {
    await this.tools.scratch.check();
    await this.tools.scratch.sweep();
    await this.watch.start();
  }
  async stop(): Promise<void> {
    await this.watch.stop();
    await this.tools.resting.close();
    await this.tools.scratch.close();
  }
}

/** The service that moves bytes: claims tasks, copies, proves, publishes. */
export function etlWorkerService(options: EtlWorkerOptions = {}): ServiceDefinition<'etl-worker', EtlWorkerConfig> {
  return {
    app: 'etl-worker', schema: 'worker', entities: [TaskEntity, ChunkEntity], migrations: etlWorkerMigrations,
    config: etlWorkerConfig, module: (parts) => moduleOf(parts, options),
  };
}

function moduleOf(parts: Parts, options: EtlWorkerOptions): DynamicModule {
  return {
    module: EtlWorkerModule, controllers: [TasksHandler],
    providers: [
      ...given(parts, options), TasksRepository, ChunksRepository, FileLedgerRepository, SlotSignal,
      Leases, StepRunner, Attempts, Slots, TaskRetention, Leftovers, LeaseSweeper, TaskWatch, TasksService, EtlWorkerStart,
      { provide: 'hooks of the platform', inject: [EtlWorkerStart, TasksService], useFactory: (start: EtlWorkerStart, tasks: TasksService) => {
        parts.shutdown.onStop('work', () => start.stop());
        parts.onGivenUp((letter, tx) => tasks.giveUp(tx, letter));
      } },
    ],
  };
}

function given(parts: Parts, options: EtlWorkerOptions): Provider[] {
  const { config, state } = parts;
  grantEngines({ memoryBytes: config.ETL_ETL_WORKER_ENGINE_MEMORY_MB * 1024 * 1024 });
  const tools = new StepTools({
    connectors: options.connectors ?? connectors, secrets: options.secrets ?? openSecretStore(secretsFrom(config)),
    fileRoots: options.fileRoots ?? fileRootsOf(config), scratch: new ScratchFolders(config.ETL_ETL_WORKER_SCRATCH ?? null), spark: sparkPlaceOf(config),
  });
  const settings = new WorkerSettings({ worker: parts.instance, slots: config.ETL_ETL_WORKER_SLOTS, leaseMs: config.ETL_ETL_WORKER_LEASE_MS, keptMs: config.ETL_ETL_WORKER_KEPT_HOURS * 3_600_000 });
  return [
    { provide: StateDatabase, useValue: state }, { provide: Outbox, useValue: parts.outbox }, { provide: WORKER_LOG, useValue: parts.log },
    { provide: StepTools, useValue: tools }, { provide: WorkerSettings, useValue: settings },
    { provide: TaskMetrics, inject: [TasksRepository], useFactory: (tasks: TasksRepository) => new TaskMetrics(parts.metrics, () => state.asRelay((tx) => tasks.depth(tx))) },
  ];
}
