export { databaseCode, isAway } from './database-errors.ts';
export { jsonColumn } from './json-column.ts';
export { type MigrationClass, runAll } from './migration-class.ts';
export { platformMigrations } from './migrations/platform.migration.ts';
export { type Logins, type PrepareOptions, type SchemaMigrations, prepareState } from './prepare-state.ts';
export { OWNER_ROLE, RELAY_ROLE, enableRowSecurity, letRelay } from './row-security.ts';
export { Sql, joinSql, sql } from './sql.ts';
export { type Schema, StateDatabase, type StateOptions, schemas } from './state-database.ts';
export { RelayTx, TenantTx } from './tenant-tx.ts';
