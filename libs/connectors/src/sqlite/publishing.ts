import type { PublishTask } from '@agent-etl/contracts';
import type { SqlIdentifier } from '@agent-etl/sql-safety';
import type { SqliteDatabase } from './sqlite-database.ts';
import type { Table } from './table-name.ts';

/** What a publish works on, inside its transaction. */
export interface Publishing { readonly database: SqliteDatabase; readonly task: PublishTask; readonly table: Table; readonly staging: SqlIdentifier; readonly rows: number }
