import { describe, it } from '@jest/globals';
import type { PostgresConnection } from '@agent-etl/contracts';
import { Secret } from '@agent-etl/secrets';
import pg from 'pg';
import type { ConnectorHarness } from '../../connector.contract.ts';
import { MemoryFileLedger } from '../../file/testing/memory-file-ledger.ts';
import type { ConnectorTools } from '../../port.ts';
import { postgresConnector } from '../postgres-connector.ts';

/** A suite against a real PostgreSQL. Without one it says so and is counted as skipped. */
export function describeServer(suite: string, body: (adminUrl: string) => void): void {
  const url = process.env['ETL_TEST_POSTGRES_URL'];
  if (url) { describe(suite, () => { body(url); }); return; }
  process.stdout.write(`SKIPPED ${suite}: ETL_TEST_POSTGRES_URL is not set\n`);
  describe.skip(suite, () => { it('needs a PostgreSQL', () => undefined); });
}

export const testTools = (name: string): ConnectorTools =>
  ({ secrets: { get: async () => new Secret('none') }, fileRoots: [], scratch: '/nowhere', fileLedger: new MemoryFileLedger(), name });
/** A connection to a database of the test cluster. */
export function connectionTo(adminUrl: string, database: string, more: Partial<PostgresConnection> = {}): PostgresConnection {
  const url = new URL(adminUrl);
  return { name: 'here', connector: 'postgres', host: url.hostname, port: Number(url.port || 5432), user: decodeURIComponent(url.username), database, tls: 'disable', ...more };
}
export async function clientOf(adminUrl: string, database: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: Object.assign(new URL(adminUrl), { pathname: `/${database}` }).href });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
/** Makes a database anew; the answer drops it. */
export async function aDatabase(adminUrl: string, name: string, more = ''): Promise<() => Promise<void>> {
  const root = await clientOf(adminUrl, 'postgres');
  const drop = (): Promise<unknown> => root.query(`drop database if exists ${name} with (force)`);
  await drop();
  await root.query(`create database ${name} ${more}`);
  return async () => {
    await drop();
    await root.end();
  };
}

export async function postgresHarness(adminUrl: string): Promise<ConnectorHarness> {
  const database = `t_connectors_${process.pid}`;
  const drop = await aDatabase(adminUrl, database);
  const admin = await clientOf(adminUrl, database);
  const quote = (name: string): string => admin.escapeIdentifier(name);
  return {
    open: () => postgresConnector.open(connectionTo(adminUrl, database), testTools('conformance')),
    target: (name) => `mart.${name}`,
    async make(name, columns, rows) {
      await admin.query(`create table ${quote(name)} (${columns.map((column) => `${quote(column)} ${column === 'id' ? 'bigint' : 'text'}`).join(', ')})`);
      for (const row of rows) await admin.query(`insert into ${quote(name)} values (${row.map((_, index) => `$${index + 1}`).join(', ')})`, [...row]);
      return `public.${name}`;
    },
    async addColumn(dataset) { await admin.query(`alter table ${dataset} add column more text`); },
    async leftovers() {
      const { rows } = await admin.query<{ n: number }>(`select (select count(*) from pg_class where relnamespace = to_regnamespace('_etl') and relname like 's\\_%' and relkind = 'r')::int
        + (select count(*) from pg_stat_activity where datname = current_database() and application_name = 'conformance')::int as n`);
      return rows[0]?.n ?? 0;
    },
    async close() {
      await admin.end();
      await drop();
    },
  };
}
