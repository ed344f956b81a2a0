import { Outbox } from '@agent-etl/messaging';
import { type MigrationClass, StateDatabase, platformMigrations } from '@agent-etl/persistence';
import type { ServiceDefinition, ServiceParts } from '@agent-etl/service-kit';
import { type DynamicModule } from '@nestjs/common';
import { type DagGeneratorConfig, dagGeneratorConfig } from './dag-generator-config.ts';
import { AddressBook1764000300100 } from './migrations/address-book.migration.ts';
import { DagTables1764000000100 } from './migrations/dag-tables.migration.ts';
import { FilePublisher } from './publishing/file-publisher.service.ts';
import type { Folders } from './publishing/folder-rules.ts';
import { AddressBook } from './rendering/address-book.repository.ts';
import { DagArtifactEntity } from './rendering/dag-artifact.entity.ts';
import { DagArtifactsRepository } from './rendering/dag-artifacts.repository.ts';
import { DagsController } from './rendering/dags.controller.ts';
import { DagsService } from './rendering/dags.service.ts';
import { RenderingLoop } from './rendering/rendering-loop.service.ts';
import { RenderingHandler } from './rendering/rendering.handler.ts';
import { FOLDERS, RenderingService } from './rendering/rendering.service.ts';

export const dagGeneratorMigrations: MigrationClass[] = [...platformMigrations(), DagTables1764000000100, AddressBook1764000300100];
/** Folders that a process which holds the service knows better than the environment. */
export type DagGeneratorOptions = Partial<Folders>;

const foldersOf = (config: DagGeneratorConfig, options: DagGeneratorOptions): Folders => ({
  scheduler: options.scheduler ?? config.ETL_DAG_GENERATOR_FOLDER ?? null, preview: options.preview ?? config.ETL_DAG_GENERATOR_PREVIEW_FOLDER ?? null,
  root: options.root ?? config.ETL_DAG_GENERATOR_ROOT ?? null,
});

/** Nest's module of the dag-generator. */
export class DagGeneratorModule {
  static register({ state, outbox, config, onGivenUp }: ServiceParts<'dag-generator', DagGeneratorConfig>, options: DagGeneratorOptions): DynamicModule {
    return {
      module: DagGeneratorModule,
      controllers: [DagsController, RenderingHandler],
      providers: [
        { provide: StateDatabase, useValue: state }, { provide: Outbox, useValue: outbox }, { provide: FOLDERS, useValue: foldersOf(config, options) },
        DagArtifactsRepository, AddressBook, FilePublisher, RenderingService, RenderingLoop, DagsService,
        { provide: 'hooks of the platform', inject: [RenderingService], useFactory: (rendering: RenderingService) => { onGivenUp((letter, tx) => rendering.giveUp(tx, letter)); } },
      ],
    };
  }
}

/** The dag-generator: renders each approved plan as an Airflow DAG. */
export const dagGeneratorService = (options: DagGeneratorOptions = {}): ServiceDefinition<'dag-generator', DagGeneratorConfig> => ({
  app: 'dag-generator', schema: 'dag_generator', entities: [DagArtifactEntity], migrations: dagGeneratorMigrations, config: dagGeneratorConfig,
  module: (parts) => DagGeneratorModule.register(parts, options),
});
