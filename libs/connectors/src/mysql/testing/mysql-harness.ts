import type { MysqlConnection } from '@agent-etl/contracts';
import mysql from 'mysql2/promise';
import type { ConnectorHarness } from '../../connector.contract.ts';
import { testTools } from '../../postgres/testing/postgres-harness.ts';
import { mysqlConnector } from '../mysql-connector.ts';

export const mysqlUrl = (): string | null => {
  const url = process.env['ETL_TEST_MYSQL_URL'] ?? null;
  if (url === null) process.stdout.write('SKIPPED mysql: ETL_TEST_MYSQL_URL is not set\n');
  return url;
};
export interface AMysql { readonly connection: MysqlConnection; readonly admin: mysql.Connection; drop(): Promise<void> }
/** A database of its own on the test server. */
export async function aMysql(url: string, name: string): Promise<AMysql> {
  const { hostname, port, username } = new URL(url);
  const login = { host: hostname, port: Number(port), user: username };
  const admin = await mysql.createConnection({ ...login, charset: 'utf8mb4', multipleStatements: true });
  await admin.query(`DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb4; USE ${name}; SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'`);
  return { connection: { name: 'maria', connector: 'mysql', ...login, database: name, tls: 'disable' }, admin, drop: async () => { await admin.query(`DROP DATABASE ${name}`); await admin.end(); } };
}
const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

export async function mysqlHarness(url: string): Promise<ConnectorHarness> {
  const { connection, admin, drop } = await aMysql(url, `t_connectors_${process.pid}`);
  return {
    open: () => mysqlConnector.open(connection, testTools('conformance')),
    target: (name) => name,
    async make(name, columns, rows) {
      await admin.query(`CREATE TABLE ${quote(name)} (${columns.map((column) => `${quote(column)} ${column === 'id' ? 'BIGINT' : 'LONGTEXT'}`).join(', ')})`);
      for (const row of rows) await admin.execute(`INSERT INTO ${quote(name)} VALUES (${row.map(() => '?').join(', ')})`, [...row]);
      return name;
    },
    async addColumn(dataset) { await admin.query(`ALTER TABLE ${quote(dataset)} ADD COLUMN more LONGTEXT`); },
    async leftovers() {
      const [tables] = await admin.query(`SELECT count(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${connection.database}' AND TABLE_NAME REGEXP '^_etl_[sno]_'`) as unknown as [{ n: number }[]];
      const [threads] = await admin.query(`SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE DB = '${connection.database}' AND ID <> CONNECTION_ID()`) as unknown as [{ n: number }[]];
      return Number(tables[0]?.n) + Number(threads[0]?.n);
    },
    close: drop,
  };
}
