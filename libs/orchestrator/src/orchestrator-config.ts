import type { EngineMeans } from '@agent-etl/planning';
import { z } from 'zod';

export const orchestratorConfig = z.object({
  ETL_ORCHESTRATOR_PROJECT: z.string().optional().describe('Path of agent-etl.yaml: its connections are loaded when it changes, its policy counts.'),
  ETL_ORCHESTRATOR_SIGNING_KEY_FILE: z.string().optional().describe('Ed25519 private key (PKCS #8 PEM) that signs receipts; a deployment needs one.'),
  ETL_ORCHESTRATOR_PARALLEL: z.coerce.number().int().min(1).max(4).default(2).describe('Pieces of one copy moved at once.'),
  ETL_ORCHESTRATOR_DEADLINE_MINUTES: z.coerce.number().int().min(1).max(10_080).default(1_440).describe('Minutes after which a copy that has not finished is stopped.'),
  ETL_ORCHESTRATOR_PLANNING_SECONDS: z.coerce.number().int().min(1).max(86_400).default(300).describe('Seconds after which profiling that has not finished is stopped and its request fails.'),
  ETL_ETL_WORKER_ENGINE_MEMORY_MB: z.coerce.number().int().min(192).max(1_048_576).default(512).describe('What the workers are granted, said to them under the same name: steps that have to hold more go to Spark, where there is one.'),
  ETL_ENGINES_SPARK_URL: z.string().optional().describe('That there is a Spark, said to the workers under the same name; without it steps go there only where a pipeline says so.'),
});
export type OrchestratorConfig = z.output<typeof orchestratorConfig>;

const MEBIBYTE = 1024 * 1024;
export const engineMeansOf = ({ ETL_ETL_WORKER_ENGINE_MEMORY_MB: memoryMb, ETL_ENGINES_SPARK_URL: url }: Pick<OrchestratorConfig, 'ETL_ETL_WORKER_ENGINE_MEMORY_MB' | 'ETL_ENGINES_SPARK_URL'>): EngineMeans => ({ memoryBytes: memoryMb * MEBIBYTE, spark: url === undefined ? 'none' : 'configured' });
