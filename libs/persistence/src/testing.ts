import { describe, it } from '@jest/globals';
import pg from 'pg';
import type { MigrationClass } from './migration-class.ts';
import { type Logins, prepareState } from './state-preparation.ts';
import { type Schema, StateDatabase } from './state-database.ts';

/** Superuser URL of the test cluster, or null where there is none. */
export const testPostgresUrl = (): string | null => process.env['ETL_TEST_POSTGRES_URL'] ?? null;

/** A suite against a real PostgreSQL. Without one it prints SKIPPED and is counted as skipped, never as passed. */
export function describePostgres(suite: string, body: (adminUrl: string) => void): void {
  const url = testPostgresUrl();
  if (url) { describe(suite, () => { body(url); }); return; }
  process.stdout.write(`SKIPPED ${suite}: ETL_TEST_POSTGRES_URL is not set\n`);
  describe.skip(suite, () => { it('needs a PostgreSQL', () => undefined); });
}

export interface TestState {
  open(schema: Schema, entities?: Function[]): Promise<StateDatabase>;
  readonly adminUrl: string; readonly logins: Record<Schema, Logins>;
  drop(): Promise<void>;
}
/** A database of its own, `t_<suite>_<pid>`, with the given schemas migrated. `drop` closes what `open` opened; call it in afterAll. */
export async function aStateDatabase(suite: string, schemas: { schema: Schema; migrations: MigrationClass[] }[]): Promise<TestState> {
  const cluster = testPostgresUrl();
  if (!cluster) throw new Error('ETL_TEST_POSTGRES_URL is not set: choose describe.skip');
  const database = `t_${suite.replaceAll(/[^a-z0-9_]/g, '_')}_${process.pid}`.slice(0, 63);
  await dropDatabase(cluster, database);
  const logins = await prepareState({ adminUrl: cluster, database, schemas });
  const opened: StateDatabase[] = [];
  const adminUrl = Object.assign(new URL(cluster), { pathname: `/${database}` }).href;
  return {
    adminUrl, logins,
    open: async (schema, entities = []) => {
      const state = await StateDatabase.open({ ...logins[schema], schema, entities });
      opened.push(state);
      return state;
    },
    drop: async () => {
      await Promise.all(opened.map((state) => state.close()));
      await dropDatabase(cluster, database);
    },
  };
}

async function dropDatabase(cluster: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster });
  await client.connect();
  await client.query(`drop database if exists ${client.escapeIdentifier(database)} with (force)`);
  await client.end();
}
