export { type MonitorConfig, MonitorModule, monitorConfig, monitorMigrations, monitorService } from './monitor.module.ts';
