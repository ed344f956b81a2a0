import { z } from 'zod';

export const orchestratorConfig = z.object({
  ETL_ORCHESTRATOR_PROJECT: z.string().optional().describe('Path of agent-etl.yaml: its connections are loaded when it changes, its policy counts.'),
  ETL_ORCHESTRATOR_SIGNING_KEY_FILE: z.string().optional().describe('Ed25519 private key (PKCS #8 PEM) that signs receipts; a deployment needs one.'),
  ETL_ORCHESTRATOR_PARALLEL: z.coerce.number().int().min(1).max(4).default(2).describe('Pieces of one copy moved at once.'),
  ETL_ORCHESTRATOR_DEADLINE_MINUTES: z.coerce.number().int().min(1).max(10_080).default(1_440).describe('Minutes after which a copy that has not finished is stopped.'),
  ETL_ORCHESTRATOR_PLANNING_SECONDS: z.coerce.number().int().min(1).max(86_400).default(300).describe('Seconds after which profiling that has not finished is stopped and its request fails.'),
});
export type OrchestratorConfig = z.output<typeof orchestratorConfig>;
