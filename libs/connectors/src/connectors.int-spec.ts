import { describeConnectors } from './connector.contract.ts';
import { fileHarness } from './file/testing/file-harness.ts';
import { mysqlHarness, mysqlUrl } from './mysql/testing/mysql-harness.ts';
import { describeServer, postgresHarness } from './postgres/testing/postgres-harness.ts';
import { sqliteHarness } from './sqlite/testing/sqlite-harness.ts';

const maria = mysqlUrl();
describeServer('connectors', (adminUrl) => { describeConnectors('every connector', { postgres: () => postgresHarness(adminUrl), file: fileHarness, sqlite: sqliteHarness, mysql: maria === null ? null : () => mysqlHarness(maria) }); });
