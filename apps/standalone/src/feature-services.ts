import { join } from 'node:path';
import { dagGeneratorService } from '@agent-etl/dag-generator';
import { etlWorkerService } from '@agent-etl/etl-worker';
import { monitorService } from '@agent-etl/monitor';
import { orchestratorService } from '@agent-etl/orchestrator';
import type { SecretStore } from '@agent-etl/secrets';
import type { AnyService } from '@agent-etl/service-kit';
import { homeOf } from './project-lock.ts';

export interface Given { readonly secrets: SecretStore; readonly fileRoots: readonly string[] }

/** The four services, as every deployment has them. */
export const allServices = (given: Given): AnyService[] => [orchestratorService(), etlWorkerService(given), dagGeneratorService(), monitorService()];

/** What the services read, where the environment of this process does not say otherwise. */
export function environmentOf(projectDir: string, signingKeyFile: string): Record<string, string> {
  return {
    ETL_ORCHESTRATOR_PROJECT: join(projectDir, 'agent-etl.yaml'), ETL_ORCHESTRATOR_SIGNING_KEY_FILE: signingKeyFile, // whether it is there is asked each time: it may be written later
    ETL_DAG_GENERATOR_ROOT: projectDir, ETL_DAG_GENERATOR_PREVIEW_FOLDER: join(homeOf(projectDir), 'dags'),
  };
}
