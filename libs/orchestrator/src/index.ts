export { type OrchestratorConfig, orchestratorConfig } from './orchestrator-config.ts';
export { OrchestratorModule, type OrchestratorOptions, orchestratorMigrations, orchestratorService } from './orchestrator.module.ts';
export { keyIdOf, verifyReceipt } from './receipts/receipt-signature.ts';
