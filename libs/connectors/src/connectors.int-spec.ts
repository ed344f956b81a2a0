import { describeConnectors } from './connector.contract.ts';
import { type HarnessFiles, fileHarness } from './file/testing/file-harness.ts';
import { mysqlHarness, mysqlUrl } from './mysql/testing/mysql-harness.ts';
import { describeServer, postgresHarness } from './postgres/testing/postgres-harness.ts';
import { sqliteHarness } from './sqlite/testing/sqlite-harness.ts';

const maria = mysqlUrl();
/** Every format of files is read by one of the suites and written by one; with the other engines once. */
const FILES: readonly HarnessFiles[] = [{ from: 'csv', to: 'parquet' }, { from: 'ndjson', to: 'json.gz' }, { from: 'json', to: 'ndjson.zst' }, { from: 'csv', to: '/' }];

describeServer('connectors', (adminUrl) => {
  for (const [nth, files] of FILES.entries()) {
    describeConnectors(`every connector, files from ${files.from} to ${files.to}`, {
      postgres: () => postgresHarness(adminUrl), file: () => fileHarness(files), sqlite: nth > 0 ? null : sqliteHarness, mysql: nth > 0 || maria === null ? null : () => mysqlHarness(maria) });
  }
});
