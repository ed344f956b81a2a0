export { type DagGeneratorConfig, dagGeneratorConfig } from './dag-generator-config.ts';
export { DagGeneratorModule, type DagGeneratorOptions, dagGeneratorMigrations, dagGeneratorService } from './dag-generator.module.ts';
