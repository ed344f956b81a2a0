export { EtlWorkerModule, type EtlWorkerOptions, etlWorkerMigrations, etlWorkerService } from './etl-worker.module.ts';
export { type EtlWorkerConfig, etlWorkerConfig } from './worker-config.ts';
