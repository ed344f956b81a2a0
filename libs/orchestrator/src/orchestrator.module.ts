import type { KeyObject } from 'node:crypto';
import { EtlError } from '@agent-etl/contracts';
import { builtInConnectors } from './built-in-connectors.ts';
import { Outbox } from '@agent-etl/messaging';
import { type MigrationClass, StateDatabase, platformMigrations } from '@agent-etl/persistence';
import type { ServiceDefinition, ServiceParts } from '@agent-etl/service-kit';
import type { DynamicModule, Provider } from '@nestjs/common';
import { AirflowController } from './airflow/airflow.controller.ts';
import { AirflowRepository } from './airflow/airflow.repository.ts';
import { AirflowRuns } from './airflow/airflow-runs.service.ts';
import { AirflowService } from './airflow/airflow.service.ts';
import { BackfillEndings } from './backfills/backfill-endings.service.ts';
import { BackfillsController } from './backfills/backfills.controller.ts';
import { BackfillsRepository } from './backfills/backfills.repository.ts';
import { BackfillsService } from './backfills/backfills.service.ts';
import { ConnectionEntity } from './connections/connection.entity.ts';
import { ConnectionsController } from './connections/connections.controller.ts';
import { ConnectionsRepository } from './connections/connections.repository.ts';
import { ConnectionsService } from './connections/connections.service.ts';
import { PROJECT_FILE, ProjectService } from './connections/project.service.ts';
import { CONNECTORS, type ConnectorCatalogue } from './connector-catalogue.ts';
import { DatasetsController } from './datasets/datasets.controller.ts';
import { DatasetsRepository } from './datasets/datasets.repository.ts';
import { DatasetEndings } from './datasets/dataset-endings.service.ts';
import { DatasetsService } from './datasets/datasets.service.ts';
import { GivenUpMessages } from './given-up/given-up-messages.service.ts';
import { Backfills1764000700000 } from './migrations/backfills.migration.ts';
import { DatasetProfiles1764000600000 } from './migrations/dataset-profiles.migration.ts';
import { OrchestratorTables1764000200000 } from './migrations/orchestrator-tables.migration.ts';
import { PlanAddresses1764000300000 } from './migrations/plan-addresses.migration.ts';
import { QuarantineRuns1764000900000 } from './migrations/quarantine-runs.migration.ts';
import { ReconcileRuns1764000400000 } from './migrations/reconcile-runs.migration.ts';
import { RunEvents1764000800000 } from './migrations/run-events.migration.ts';
import { Schedules1764000500000 } from './migrations/schedules.migration.ts';
import { type OrchestratorConfig, engineMeansOf, orchestratorConfig } from './orchestrator-config.ts';
import { ORCHESTRATOR_LOG } from './orchestrator-log.ts';
import { OrchestratorLifecycle } from './orchestrator-lifecycle.service.ts';
import { PipelineEntity } from './pipelines/pipeline.entity.ts';
import { PipelinesController } from './pipelines/pipelines.controller.ts';
import { PipelineEndings } from './pipelines/pipeline-endings.service.ts';
import { PipelinesRepository } from './pipelines/pipelines.repository.ts';
import { PipelinesService } from './pipelines/pipelines.service.ts';
import { Approvals } from './planning/approvals.service.ts';
import { CopyRuns, DEADLINE_MS } from './planning/copy-runs.service.ts';
import { DagsHandler } from './planning/dags.handler.ts';
import { DagsService } from './planning/dags.service.ts';
import { DriftReplans } from './planning/drift-replans.service.ts';
import { PlanEntity } from './planning/plan.entity.ts';
import { MEANS, PlanningGround, type PlanningMeans } from './planning/planning-ground.service.ts';
import { PlanningService } from './planning/planning.service.ts';
import { PlansController } from './planning/plans.controller.ts';
import { PlansRepository } from './planning/plans.repository.ts';
import { PlansService } from './planning/plans.service.ts';
import { RequestProgress } from './planning/request-progress.service.ts';
import { QuarantineController } from './quarantine/quarantine.controller.ts';
import { QuarantineService } from './quarantine/quarantine.service.ts';
import { ReconcilesService } from './planning/reconciles.service.ts';
import { RetriesService } from './planning/retries.service.ts';
import { ENGINE_MEANS, StepsService } from './planning/steps.service.ts';
import { readSigningKey, signingKey } from './receipts/receipt-signature.ts';
import { ReceiptSigner, SIGNING_KEY } from './receipts/receipt-signer.service.ts';
import { Intake, PLANNING_MS } from './requests/intake.service.ts';
import { RequestEntity } from './requests/request.entity.ts';
import { RequestsController } from './requests/requests.controller.ts';
import { RequestsHandler } from './requests/requests.handler.ts';
import { RequestsRepository } from './requests/requests.repository.ts';
import { RequestsService } from './requests/requests.service.ts';
import { RunEndings } from './runs/run-endings.ts';
import { RunEnds } from './runs/run-ends.service.ts';
import { RunQueries } from './runs/run-queries.service.ts';
import { RunEntity, TaskRunEntity } from './runs/run.entity.ts';
import { RunsController } from './runs/runs.controller.ts';
import { RunsHandler } from './runs/runs.handler.ts';
import { RunsRepository } from './runs/runs.repository.ts';
import { RunsService } from './runs/runs.service.ts';
import { StuckRuns } from './runs/stuck-runs.service.ts';
import { Ticker } from './runs/ticker.service.ts';
import { Deployments } from './schedules/deployments.service.ts';
import { ScheduleTicker } from './schedules/schedule-ticker.service.ts';
import { ScheduledRuns } from './schedules/scheduled-runs.service.ts';
import { SchedulesRepository } from './schedules/schedules.repository.ts';
import { SchedulesService } from './schedules/schedules.service.ts';
import { Slots } from './schedules/slots.service.ts';
import { Changes } from './signals/changes.service.ts';

/** @property signingKey Ed25519 private key, or its PKCS #8 PEM; else ETL_ORCHESTRATOR_SIGNING_KEY_FILE names it
 * @property project path of agent-etl.yaml; else ETL_ORCHESTRATOR_PROJECT names it */
export interface OrchestratorOptions { readonly signingKey?: KeyObject | string; readonly project?: string; readonly connectors?: ConnectorCatalogue }

export const orchestratorMigrations: MigrationClass[] = [...platformMigrations(), OrchestratorTables1764000200000, PlanAddresses1764000300000, ReconcileRuns1764000400000, Schedules1764000500000, DatasetProfiles1764000600000, Backfills1764000700000, RunEvents1764000800000, QuarantineRuns1764000900000];
type Parts = ServiceParts<'orchestrator', OrchestratorConfig>;

const services: Provider[] = [
  ConnectionsRepository, PipelinesRepository, RequestsRepository, PlansRepository, RunsRepository, AirflowRepository, ProjectService, ConnectionsService, PipelinesService, RequestsService, Intake,
  PlanningService, PlanningGround, StepsService, Approvals, CopyRuns, PipelineEndings, PlansService, RetriesService, ReconcilesService, QuarantineService, DagsService, DriftReplans, RequestProgress, RunEndings, RunEnds, RunsService, RunQueries, Ticker, StuckRuns, Changes, ReceiptSigner,
  AirflowService, AirflowRuns, GivenUpMessages, OrchestratorLifecycle,
  SchedulesRepository, SchedulesService, Deployments, ScheduledRuns, Slots, ScheduleTicker,
  DatasetsRepository, DatasetsService, DatasetEndings, BackfillsRepository, BackfillsService, BackfillEndings,
];

/** Nest's module of the orchestrator. */
export class OrchestratorModule {
  static register(parts: Parts, options: OrchestratorOptions): DynamicModule {
    const { state, outbox, config, log } = parts;
    const connectors = options.connectors ?? builtInConnectors();
    const value = (provide: symbol | Function, useValue: unknown): Provider => ({ provide, useValue });
    return {
      module: OrchestratorModule,
      controllers: [RequestsController, PlansController, PipelinesController, RunsController, ConnectionsController, QuarantineController, AirflowController, DatasetsController, BackfillsController, RequestsHandler, RunsHandler, DagsHandler],
      providers: [
        value(StateDatabase, state), value(Outbox, outbox), value(ORCHESTRATOR_LOG, log), value(CONNECTORS, connectors), value(PROJECT_FILE, options.project ?? config.ETL_ORCHESTRATOR_PROJECT ?? null),
        value(SIGNING_KEY, keyOf(options, config)), value(MEANS, { mapColumn: connectors.mapColumn, parallel: config.ETL_ORCHESTRATOR_PARALLEL } satisfies PlanningMeans), value(ENGINE_MEANS, engineMeansOf(config)), value(DEADLINE_MS, config.ETL_ORCHESTRATOR_DEADLINE_MINUTES * 60_000),
        value(PLANNING_MS, config.ETL_ORCHESTRATOR_PLANNING_SECONDS * 1000), ...services,
        { provide: PARTS_JOINED, inject: [GivenUpMessages, OrchestratorLifecycle], useFactory: (givenUp: GivenUpMessages, lifecycle: OrchestratorLifecycle) => join(parts, { givenUp, lifecycle }) },
      ],
    };
  }
}
const PARTS_JOINED = Symbol('hooks of the platform are set');

function join({ onGivenUp, shutdown }: Parts, { givenUp, lifecycle }: { givenUp: GivenUpMessages; lifecycle: OrchestratorLifecycle }): true {
  onGivenUp((letter, tx) => givenUp.end(letter, tx));
  shutdown.onStop('work', () => lifecycle.stop());
  return true;
}

function keyOf({ signingKey: given }: OrchestratorOptions, { ETL_ORCHESTRATOR_SIGNING_KEY_FILE: file }: OrchestratorConfig): KeyObject {
  if (given !== undefined) return signingKey(given);
  if (file === undefined) throw new EtlError('config.invalid', { problems: 'ETL_ORCHESTRATOR_SIGNING_KEY_FILE: names the key that signs receipts' });
  return readSigningKey(file);
}

/** The orchestrator: requests, plans, runs, connections. */
export const orchestratorService = (options: OrchestratorOptions = {}): ServiceDefinition<'orchestrator', OrchestratorConfig> => ({
  app: 'orchestrator', schema: 'orchestrator', entities: [ConnectionEntity, PipelineEntity, RequestEntity, PlanEntity, RunEntity, TaskRunEntity], migrations: orchestratorMigrations,
  config: orchestratorConfig, module: (parts) => OrchestratorModule.register(parts, options),
});
