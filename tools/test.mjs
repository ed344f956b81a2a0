// `npm test`: installs what is missing, starts the real servers that suites need, runs unit, property, contract and integration tests.
// Whatever cannot run prints SKIPPED with its reason.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cache, ensureInstalled, root, run } from './install.mjs';
import { openTally, total } from './tally.mjs';

ensureInstalled();
mkdirSync(cache, { recursive: true });
const tally = openTally('test');
const { startPostgres } = await import('./provision/postgres.mjs');
const { startMoto } = await import('./provision/moto/moto.mjs');
const { startMariadb } = await import('./provision/mariadb/mariadb.mjs');
const { provisionKafka } = await import('./provision/kafka/provision.mjs');
const { startKafka } = await import('./provision/kafka/kafka-cluster.mjs');

const started = [];
/** Starts one server; without it the suites that need it are skipped aloud. */
async function begin(name, start) {
  try {
    const server = await start();
    started.push(server);
    return server;
  } catch (error) {
    tally.skip(name, String(error.message).split('\n')[0]);
    return undefined;
  }
}
const stopAll = async () => { for (const server of started.reverse()) await server.stop(); };
let failed = 0;
try {
  const [postgres, mariadb, moto, kafka] = [
    await begin('postgres', () => startPostgres()),
    await begin('mariadb', () => startMariadb(join(cache, 'mariadb'))),
    await begin('moto', () => startMoto(cache)),
    await begin('kafka', async () => startKafka({ ...await provisionKafka(join(cache, 'kafka')), dir: join(cache, 'kafka', `run-${process.pid}`), isSecureToo: true })),
  ];
  const env = {
    ETL_TEST_REPORT: tally.file, ...(postgres ? { ETL_TEST_POSTGRES_URL: postgres.url } : {}), ...(mariadb ? { ETL_TEST_MYSQL_URL: mariadb.url } : {}), ...(mariadb?.ca ? { ETL_TEST_MYSQL_CA: mariadb.ca } : {}), ...(moto ? { ETL_TEST_MOTO_URL: moto.url } : {}),
    ...(kafka ? { ETL_TEST_KAFKA_BROKERS: kafka.brokers.join(',') } : {}), ...(kafka?.secure ? { ETL_TEST_KAFKA_SECURE: JSON.stringify(kafka.secure) } : {}),
  };
  const nx = (targets, parallel) => tally.watch(targets.join(' and '), () => run('nx', ['run-many', '-t', ...targets, `--parallel=${parallel}`, '--skip-nx-cache', '--output-style=stream'], { env, cwd: root }));
  if (nx(['test'], 2) !== 0) failed += 1;
  if (nx(['crash', 'integration', 'files', 'conformance'], 3) !== 0) failed += 1;
} finally {
  await stopAll();
}
const sum = total(tally.file);
process.stdout.write(`\ntests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
process.exit(failed || sum.failed ? 1 : 0);
