// `npm run proof -- faults`: the fault suites of the data plane, whole. The gate runs a share of each: here every way of writing sleeps between fence and commit, in PostgreSQL, MariaDB, SQLite and files (F9), a load
// of partitions is killed at each of its crash points (F1), every place that writes meets a full disk (F10), lines break at fifty seeded offsets each way, cut, silent and dripping (F13), and values, widths and
// sizes are as bad as they come, beside a run that stays green (F14). What is only large is whole here, too: three million flights there and back, a sketch of ten million rows.
// usage: node tools/proof/faults.mjs [--only NAME]     with NAME a part of a suite's name, such as broken-lines
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cache, root, run } from '../install.mjs';
import { startMariadb } from '../provision/mariadb/mariadb.mjs';
import { startPostgres } from '../provision/postgres.mjs';

const { values: { only } } = parseArgs({ options: { only: { type: 'string' } } });
const suites = [['connectors', 'broken-lines'], ['connectors', 'file-sleepers'], ['connectors', 'full-disk'], ['connectors', 'lying-files'], ['connectors', 'mysql-sleepers'], ['connectors', 'sqlite-sleepers'], ['connectors', 'postgres-and-files'], ['connectors', 'sketch.int'], ['etl-worker', 'worker-sleeps'],
  ['etl-worker', 'worker-partitions'], ['etl-worker', 'worker-neighbours'], ['etl-worker', 'worker-disk'], ['etl-worker', 'worker-crash']]
  .filter(([, name]) => !only || name.includes(only));
mkdirSync(cache, { recursive: true });
const postgres = await startPostgres();
let mariadb;
try {
  mariadb = await startMariadb(join(cache, 'mariadb'));
} catch (error) {
  process.stdout.write(`SKIPPED mariadb: ${String(error.message).split('\n')[0]}\n`);
}
let failed = 0;
try {
  const env = { ETL_TEST_FAULTS: 'all', ETL_TEST_POSTGRES_URL: postgres.url, ...(mariadb ? { ETL_TEST_MYSQL_URL: mariadb.url } : {}) };
  for (const [lib, name] of suites) {
    const status = run('node', ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '../../node_modules/jest/bin/jest.js', '-i', '--testMatch=<rootDir>/src/**/*.int-spec.ts', `--testPathPatterns=${name}`], { cwd: join(root, 'libs', lib), env });
    if (status !== 0) failed += 1;
    process.stdout.write(`  ${status === 0 ? 'ok ' : 'NOT'} ${name}\n`);
  }
} finally {
  await mariadb?.stop();
  await postgres.stop();
}
process.exitCode = failed ? 1 : 0;
