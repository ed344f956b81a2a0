import { describeConnectors } from './connector.contract.ts';
import { fileHarness } from './file/testing/file-harness.ts';
import { describeServer, postgresHarness } from './postgres/testing/postgres-harness.ts';
import { sqliteHarness } from './sqlite/testing/sqlite-harness.ts';

describeServer('connectors', (adminUrl) => { describeConnectors('every connector', { postgres: () => postgresHarness(adminUrl), file: fileHarness, sqlite: sqliteHarness }); });
