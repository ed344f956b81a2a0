// A rolling upgrade and one rollback under load, over a real Kafka and a real PostgreSQL: the release before and the next one side by side, each service replaced in turn, one taken back. `--runs N`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cache } from '../install.mjs';
import { startKafka } from '../provision/kafka/kafka-cluster.mjs';
import { provisionKafka } from '../provision/kafka/provision.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { databaseUrl, withClient } from '../provision/standalone.mjs';
import { UNABLE } from '../tally.mjs';
import { openFleet, settingsIn } from './upgrade/fleet.mjs';
import { allEnded, askFor, reckon, tables } from './upgrade/load.mjs';
import { apps, nextVersion, previousVersion } from './upgrade/versions.mjs';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200' }, pace: { type: 'string', default: '400' } }, strict: false });
const [count, paceMs] = [Number(values.runs), Number(values.pace)];
const say = (text) => { process.stdout.write(`  ${text}\n`); };
let wrong = 0;
const must = (isSo, text) => { if (!isSo) wrong += 1; say(`${isSo ? 'ok  ' : 'NOT SO'} ${text}`); };
const token = 'a-token-of-the-upgrade-proof';

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
  fleet = openFleet({ state, brokers, folder, env: settingsIn(folder, cluster, token) });
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
    const { code, seconds, both, names, held } = await fleet.replace(app, version, app === 'etl-worker' ? (old) => fleet.holding(old, 30_000) : undefined);
    must(code === 0 && both, `${app} is ${version.name}: ${names} side by side, the one before ended with ${code} in ${seconds.toFixed(1)} s${held === undefined ? '' : `, ${held} tasks in its hands`}, ${at()}`);
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
  must(count < 100 || found.tasks.repeated > 0, `tasks that another worker took over in their middle: ${found.tasks.repeated}`);
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
