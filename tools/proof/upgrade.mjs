// A rolling upgrade and one rollback under load, over a real Kafka and a real PostgreSQL: the release before and the next one side by side, each service replaced in turn, one taken back. `--runs N`.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cache } from '../install.mjs';
import { startKafka } from '../provision/kafka/kafka-cluster.mjs';
import { provisionKafka } from '../provision/kafka/provision.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { databaseUrl, withClient } from '../provision/standalone.mjs';
import { UNABLE } from '../tally.mjs';
import { openFleet } from './upgrade/fleet.mjs';
import { allEnded, askFor, reckon, tables } from './upgrade/load.mjs';
import { apps, nextVersion, previousVersion } from './upgrade/versions.mjs';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200' }, pace: { type: 'string', default: '400' } }, strict: false });
const [count, paceMs] = [Number(values.runs), Number(values.pace)];
const say = (text) => { process.stdout.write(`  ${text}\n`); };
let wrong = 0;
const must = (isSo, text) => { if (!isSo) wrong += 1; say(`${isSo ? 'ok  ' : 'NOT SO'} ${text}`); };
const token = 'a-token-of-the-upgrade-proof';

/** What every service of both versions reads. */
function settingsIn(folder, cluster) {
  const { hostname, port } = new URL(cluster.url);
  const end = (database) => ({ connector: 'postgres', host: hostname, port: Number(port), database, user: 'postgres', tls: 'disable' });
  const write = (name, text) => { const path = join(folder, name); writeFileSync(path, text, { mode: 0o600 }); return path; };
  return {
    ETL_SERVICE_KIT_TOKENS: write('tokens.json', JSON.stringify({ [token]: { name: 'owner', role: 'admin' } })), ETL_SERVICE_KIT_LOG_LEVEL: 'info',
    ETL_ORCHESTRATOR_PROJECT: write('agent-etl.yaml', JSON.stringify({ version: 1, connections: { shop: end('shop'), wh: end('wh') }, policy: { approve: { upTo: 'R1' } } })),
    ETL_ORCHESTRATOR_SIGNING_KEY_FILE: write('signing.pem', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
    ETL_DAG_GENERATOR_ROOT: folder, ETL_DAG_GENERATOR_PREVIEW_FOLDER: join(folder, 'dags'),
  };
}

let kafka, cluster, fleet;
const folder = mkdtempSync(join(tmpdir(), 'etl-upgrade-'));
try {
  const tools = await provisionKafka(join(cache, 'kafka')).catch((error) => { say(`no Kafka here: ${error.message}`); process.exit(UNABLE); });
  const [previous, next] = [{ name: 'N-1', ...previousVersion() }, { name: 'N', ...nextVersion() }];
  say(previous.says);
  say(next.says);
  [kafka, cluster] = await Promise.all([startKafka({ ...tools, dir: join(folder, 'kafka') }), startPostgres()]);
  await withClient(cluster.url, async (client) => { for (const name of ['etl', 'shop', 'wh']) await client.query(`create database ${name}`); });
  await withClient(databaseUrl(cluster, 'shop'), (client) => client.query(`${Object.entries(tables).map(([table, rows]) => `create table ${table} as select n as id, md5(n::text) as note from generate_series(1, ${rows}) n; alter table ${table} add primary key (id)`).join('; ')}; analyze`));
  const state = databaseUrl(cluster, 'etl');
  const brokers = kafka.brokers.join(',');
  fleet = openFleet({ state, brokers, folder, env: settingsIn(folder, cluster) });
  const run = (app, version, ...words) => { const { status, said } = fleet.command(app, version, ...words); if (status !== 0) throw new Error(`${app} ${words.join(' ')}: ${said}`); };
  for (const app of apps) run(app, previous, 'migrate');
  run('orchestrator', previous, 'topics', 'create');
  for (const app of apps) await fleet.start(app, previous);

  let asked = 0;
  const began = performance.now();
  const at = () => `at ${((performance.now() - began) / 1000).toFixed(0)} s, ${asked} asked`;
  const doors = () => fleet.running('orchestrator').map(({ url }) => url);
  const load = askFor({ count, paceMs, doors, token, brokers, onAsked: (n) => { asked = n; } });
  load.catch(() => undefined); // awaited below
  const waitFor = async (share) => { while (asked < count * share) await new Promise((done) => { setTimeout(done, 50); }); };
  await waitFor(0.05);
  for (const app of apps) run(app, next, 'migrate');
  say(`migrated: four schemas of N under a running N-1, ${at()}`);
  const replaced = async (app, version, share) => {
    await waitFor(share);
    const { code, seconds, both, names } = await fleet.replace(app, version);
    must(code === 0 && both, `${app} is ${version.name}: ${names} side by side, the one before ended with ${code} in ${seconds.toFixed(1)} s, ${at()}`);
  };
  for (const [nth, app] of ['etl-worker', 'monitor', 'dag-generator', 'orchestrator'].entries()) await replaced(app, next, 0.1 + nth * 0.12);
  await replaced('orchestrator', previous, 0.6);
  await replaced('orchestrator', next, 0.75);
  const { again } = await load;
  const open = await allEnded(state, count, 240_000);
  const seconds = (performance.now() - began) / 1000;
  await new Promise((done) => { setTimeout(done, 2_000); }); // the last answers reach the monitor
  const found = await reckon(state, databaseUrl(cluster, 'wh'), count);
  must(open === 0, `every request has ended (${open} have not), ${seconds.toFixed(0)} s after the first`);
  must(found.requests === count && found.runs === count && found.runsOfDistinctRequests === count, `requests = runs: ${found.requests} requests, ${found.runs} runs of ${found.runsOfDistinctRequests} requests; ${again} times a door was closed and the same request asked again`);
  must(found.failed === 0 && found.green === count, `failed runs: ${found.failed} of ${count}${found.failures.length ? ` ${JSON.stringify(found.failures)}` : ''}`);
  must(found.receipts === count, `receipts that reconcile, with every row read, written and published: ${found.receipts}`);
  must(found.targets.length === 0, `targets with a row lost or doubled: ${found.targets.length}${found.targets.length ? ` ${JSON.stringify(found.targets.slice(0, 5))}` : ''}`);
  must(found.letters === 0 && found.unsent === 0, `messages given up: ${found.letters}, not sent: ${found.unsent}`);
  must(found.views === count, `the monitor shows ${found.views} of them as green`);
  must(found.ofNext > 0, `${found.ofNext} messages carried a field of the next release`);
  say(`${found.tasks.tasks} tasks in ${found.tasks.attempts} attempts, ${found.tasks.repeated} of them begun again by a worker that took over`);
} catch (error) {
  wrong += 1;
  process.stdout.write(`${error.stack ?? error}\n`);
} finally {
  await fleet?.stop().catch(() => undefined);
  await kafka?.stop();
  await cluster?.stop();
  if (!wrong || !process.env.ETL_KEEP) rmSync(folder, { recursive: true, force: true });
}
process.exit(wrong ? 1 : 0);
