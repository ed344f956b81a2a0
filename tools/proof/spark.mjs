// `npm run proof -- spark`: a real Spark computes steps as DuckDB and PostgreSQL do. It is installed and started here; suites and pipelines run against it.
// usage: node tools/proof/spark.mjs [--only suites|digests|death] [--all]     with --all over three million flights, not those of one month
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cache, root, run } from '../install.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { provisionSpark } from '../provision/spark/provision.mjs';
import { startSpark } from '../provision/spark/server.mjs';
import { UNABLE } from '../tally.mjs';
import { provePipelines } from './spark/pipelines.mjs';

const { values: { only, all } } = parseArgs({ options: { only: { type: 'string' }, all: { type: 'boolean' } } });
const wanted = only ? [only] : ['suites', 'digests', 'death'];
const work = mkdtempSync(join(tmpdir(), 'etl-spark-'));
const stops = [];
const since = Date.now();
const say = (text) => { process.stdout.write(`  ${text} (${((Date.now() - since) / 1000).toFixed(0)} s)\n`); };
const suites = (lib, env) => run('node', ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '../../node_modules/jest/bin/jest.js', '-i', '--testMatch=<rootDir>/src/**/*.spark-spec.ts'], { cwd: join(root, 'libs', lib), env });

async function prove() {
  let installed;
  try {
    installed = await provisionSpark(join(cache, 'spark'));
  } catch (error) {
    process.stdout.write(`SKIPPED spark: ${String(error.message).split('\n')[0]}\n`);
    return UNABLE;
  }
  say('Spark is installed');
  const spark = await startSpark({ ...installed, dir: join(work, 'server'), token: randomBytes(16).toString('hex') });
  stops.push(() => spark.stop());
  say(`its Connect server answers at ${spark.url}`);
  const handover = join(work, 'handover');
  mkdirSync(handover);
  let failed = 0;
  if (wanted.includes('suites')) {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    const env = { ETL_TEST_SPARK_URL: spark.url, ETL_TEST_SPARK_TOKEN: spark.token, ETL_TEST_SPARK_FOLDER: handover, ETL_TEST_SPARK_PID: String(spark.pid()), ETL_TEST_POSTGRES_URL: postgres.url };
    failed += suites('engines', env);
    failed += suites('connectors', env);
    say('suites have run');
  }
  const parts = wanted.filter((part) => part !== 'suites');
  if (parts.length) await provePipelines(spark, { handover, rows: all ? 'all' : 'january', parts });
  say('all is done');
  return failed ? 1 : 0;
}
try {
  process.exitCode = await prove();
} catch (error) {
  process.stdout.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(work, { recursive: true, force: true, maxRetries: 3 });
}
