export { type MigrationClass, runAll } from './migration-class.ts';
export { platformMigrations } from './migrations/platform.migration.ts';
export { OWNER_ROLE, RELAY_ROLE, enableRowSecurity, letRelay } from './row-security.ts';
export { Sql, joinSql, sql } from './sql.ts';
export { RelayTx, TenantTx } from './tenant-tx.ts';
