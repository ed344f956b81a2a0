import { describeConnectors } from './connector.contract.ts';
import { type HarnessFiles, fileHarness } from './file/testing/file-harness.ts';
import { describeServer, postgresHarness } from './postgres/testing/postgres-harness.ts';

/** Every format of files is read by one of the suites and written by one. */
const FILES: readonly HarnessFiles[] = [{ from: 'csv', to: 'parquet' }, { from: 'ndjson', to: 'json.gz' }, { from: 'json', to: 'ndjson.zst' }];

describeServer('connectors', (adminUrl) => {
  for (const files of FILES) describeConnectors(`every connector, files from ${files.from} to ${files.to}`, { postgres: () => postgresHarness(adminUrl), file: () => fileHarness(files) });
});
