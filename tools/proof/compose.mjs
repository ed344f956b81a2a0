// What Compose sets up, without containers: its keys are drawn, its roles are made in a real PostgreSQL, its jobs and services run as processes with exactly the environment that compose.yaml gives them, on a real Kafka.
// One request goes green. Images, health checks of containers and the file's own networks are not run here.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { parse } from 'yaml';
import { cache, environment, root } from '../install.mjs';
import { freePort } from '../provision/free-port.mjs';
import { startKafka } from '../provision/kafka/kafka-cluster.mjs';
import { provisionKafka } from '../provision/kafka/provision.mjs';
import { startPostgres } from '../provision/postgres.mjs';
import { UNABLE } from '../tally.mjs';
import { commandsOf } from './pages.mjs';

const folder = join(root, 'deploy', 'compose');
const text = readFileSync(join(folder, 'compose.yaml'), 'utf8');
const { services } = parse(text, { merge: true });
const work = mkdtempSync(join(tmpdir(), 'etl-compose-'));
const keys = join(work, 'keys');
let wrong = 0;
const check = (isSo, what) => { if (!isSo) wrong += 1; process.stdout.write(`  ${isSo ? 'ok  ' : 'NOT SO'} ${what}\n`); };
const node = (file, args = [], env = {}) => spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', cwd: work, env: { ...environment(), ...env } });
const apps = ['orchestrator', 'etl-worker', 'dag-generator', 'monitor'];

/** What psql does with the file: reads each password from its file, quotes it, runs the rest. */
async function makeRoles(url) {
  const lines = readFileSync(join(folder, 'roles.sql'), 'utf8').split('\n').filter((line) => line && !line.startsWith('--'));
  const values = Object.fromEntries(lines.flatMap((line) => { const [, name, path] = /^\\set (\w+) `cat \/keys\/(\w+)`$/.exec(line) ?? []; return name ? [[name, readFileSync(join(keys, 'database', path), 'utf8')]] : []; }));
  const client = new pg.Client(url);
  await client.connect();
  try { for (const line of lines.filter((one) => !one.startsWith('\\set'))) await client.query(line.replace(/:'(\w+)'/g, (_, name) => pg.escapeLiteral(values[name]))); } finally { await client.end(); }
}
/** The environment of a container with its places on this machine: hosts, ports, folders. */
function placed(name, { kafka, postgres, ports }) {
  const volumes = Object.fromEntries((services[name].volumes ?? []).map((one) => one.split(':')).map(([from, to]) => [to, from.startsWith('./') ? join(folder, from) : join(keys, from.replace(/-keys$/, ''))]));
  if (volumes['/etc/agent-etl/agent-etl.yaml']) {
    const project = readFileSync(join(folder, 'agent-etl.yaml'), 'utf8').replace('root: /data', `root: ${join(folder, 'data')}`).replace('host: postgres,', `host: 127.0.0.1, port: ${postgres.port},`);
    writeFileSync(join(work, 'agent-etl.yaml'), project);
    volumes['/etc/agent-etl/agent-etl.yaml'] = join(work, 'agent-etl.yaml');
  }
  const place = (value) => Object.entries(volumes).reduce((sum, [to, from]) => sum.replace(to, from), String(value)).replace('@postgres:5432', `@127.0.0.1:${postgres.port}`).replace('kafka:9092', kafka.brokers.join(','));
  const env = Object.fromEntries(Object.entries(services[name].environment ?? {}).map(([key, value]) => [key, place(value)]));
  return { ...env, ...(ports ? { ETL_SERVICE_KIT_PORT: String(ports[name]), ETL_SERVICE_KIT_HOST: '127.0.0.1', TMPDIR: work } : {}) };
}
const bundle = (app) => join(root, 'dist', 'apps', app, 'main.js');

let kafka, postgres;
const children = [];
try {
  try { kafka = await startKafka({ ...await provisionKafka(join(cache, 'kafka')), dir: join(work, 'kafka') }); } catch (error) { process.stdout.write(`  ${error.message}\n`); process.exit(UNABLE); }
  postgres = await startPostgres();
  check(node(join(folder, 'keys.mjs'), [keys]).status === 0 && readdirSync(keys).length === 6, 'keys are drawn');
  const before = readFileSync(join(keys, 'database', 'worker'), 'utf8');
  node(join(folder, 'keys.mjs'), [keys]);
  check(readFileSync(join(keys, 'database', 'worker'), 'utf8') === before, 'drawn once: a second start keeps them');
  await makeRoles(postgres.url);
  const at = { kafka, postgres };
  for (const app of apps) {
    const { status, stdout, stderr } = node(bundle(app), services[`migrate-${app}`].command, placed(`migrate-${app}`, at));
    check(status === 0, `migrate-${app} ${status === 0 ? 'brought its schema up' : `${stdout}${stderr}`.slice(-400)}`);
  }
  const topics = node(bundle('orchestrator'), services.topics.command, placed('topics', at));
  check(topics.status === 0, `topics ${topics.status === 0 ? 'are made' : topics.stderr.slice(-400)}`);
  const ports = Object.fromEntries(await Promise.all(apps.map(async (app) => [app, await freePort()])));
  for (const app of apps) {
    const child = spawn(process.execPath, [bundle(app)], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...placed(app, { ...at, ports }) } });
    const log = createWriteStream(join(work, `${app}.log`));
    child.stdout.pipe(log); child.stderr.pipe(log);
    children.push(child);
  }
  for (const app of apps) {
    const until = Date.now() + 180_000;
    let answer;
    while (!(answer = await fetch(`http://127.0.0.1:${ports[app]}/health/ready`).catch(() => null))?.ok && Date.now() < until) await sleep(200);
    check(answer?.ok === true, `${app} is ready with the environment of compose.yaml${answer?.ok ? '' : `: ${readFileSync(join(work, `${app}.log`), 'utf8').slice(-500)}`}`);
  }
  const shown = node(join(folder, 'keys.mjs'), ['show', keys]).stdout;
  const token = /AGENT_ETL_TOKEN=(\S+)/.exec(shown)?.[1] ?? '';
  check(token.length >= 16, '`keys show` prints the token');
  for (const line of commandsOf('compose', root)) {
    const words = line.replace(/^npx agent-etl /, '').split(/\s+/).map((word) => word.replace('http://127.0.0.1:8080', `http://127.0.0.1:${ports.orchestrator}`).replace('http://127.0.0.1:8082', `http://127.0.0.1:${ports.monitor}`));
    const { status, stdout, stderr } = node(join(root, 'dist', 'apps', 'cli', 'main.js'), words, { AGENT_ETL_TOKEN: token, NO_COLOR: '1' });
    check(status === 0, `runs: ${line}${status === 0 ? '' : `: ${status} ${stdout.slice(-500)}${stderr.slice(-500)}`}`);
  }
  const warehouse = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'warehouse', database: 'warehouse', password: readFileSync(join(keys, 'database', 'warehouse'), 'utf8') });
  await warehouse.connect();
  const { rows } = await warehouse.query('select count(*)::int as n, sum(total)::text as total from orders').finally(() => warehouse.end());
  check(rows[0].n === 5 && Number(rows[0].total) === 391.25, `its rows are in the warehouse: ${rows[0].n}, ${rows[0].total}`);
  // The query by which the chart has KEDA scale, with the only login that sees tasks of all tenants.
  const { query } = parse(readFileSync(join(root, 'deploy', 'helm', 'agent-etl', 'templates', 'scaledobject.yaml'), 'utf8').match(/metadata: (\{ query: ".*?")/)[1] + ' }');
  const relay = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'etl_relay', database: 'agent_etl', password: readFileSync(join(keys, 'database', 'etl_relay'), 'utf8') });
  await relay.connect();
  let counted;
  try {
    for (const until = Date.now() + 20_000; ;) {
      counted = await relay.query(query).then(({ rows: [row] }) => row.count, (error) => error.message);
      if (counted === '0' || Date.now() > until) break;
      await sleep(500);
    }
  } finally { await relay.end(); }
  check(counted === '0', `etl_relay may count tasks for KEDA, and none waits or runs any more: ${counted}`);
  const secrets = readdirSync(join(keys, 'database')).map((name) => readFileSync(join(keys, 'database', name), 'utf8'));
  check(![...secrets, token].some((one) => text.includes(one) || apps.some((app) => existsSync(join(work, `${app}.log`)) && readFileSync(join(work, `${app}.log`), 'utf8').includes(one))), 'no secret stands in compose.yaml or in a log');
  for (const child of children) child.kill('SIGTERM');
  const codes = await Promise.all(children.map((child) => child.exitCode ?? new Promise((done) => { child.once('exit', done); })));
  check(codes.every((code) => code === 0), `SIGTERM ends each with 0 (${codes.join(', ')})`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await kafka?.stop();
  await postgres?.stop();
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(wrong ? `${wrong} things are not as they should be\n` : 'all as it should be; containers themselves were not run\n');
process.exit(wrong ? 1 : 0);
