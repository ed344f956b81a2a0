// The product as a user has it: a standalone, a project folder, a pipeline that runs on Airflow. It publishes its DAG into the scheduler's folder by itself.
// Its state lies in the throw-away server of the proof, so nothing of an earlier proof is left.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { root } from '../../install.mjs';
import { freePort } from '../../provision/free-port.mjs';

const rows = 200_000;
const databases = ['shop', 'warehouse', 'agent_etl'];
const table = 'create table orders (id bigint primary key, customer text not null, total numeric(12, 2), ordered_at timestamptz)';
const source = `${table}; insert into orders select g, 'customer ' || g % 997, g * 1.07, timestamptz '2026-01-01' + g * interval '7 seconds' from generate_series(1, ${rows}) g; analyze orders`;
const digest = `select count(*)::int as rows, md5(string_agg(t::text, '|' order by id)) as md5 from`;

async function query(url, text) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try { return (await client.query(text)).rows; } finally { await client.end(); }
}
const pipeline = {
  name: 'orders', owner: 'proof', from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'warehouse', dataset: 'public.orders', load: 'upsert', key: ['id'] },
  schedule: { cron: '15 1 * * *', timezone: 'Europe/Lisbon' }, runOn: 'airflow',
};

function writeProject(folder, { port, dags }) {
  const connection = (database) => ({ connector: 'postgres', host: '127.0.0.1', port, database, user: 'postgres' });
  const project = { version: 1, connections: { shop: connection('shop'), warehouse: connection('warehouse') }, policy: { airflow: { folder: dags } } };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'agent-etl.yaml'), JSON.stringify(project, null, 2)); // JSON is YAML
}

/** The token file appears when it is ready. */
async function ready(folder, child, log) {
  const file = join(folder, '.agent-etl', 'run.json');
  for (let tries = 0; tries < 300; tries += 1) {
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
    if (child.exitCode !== null) break;
    await sleep(200);
  }
  throw new Error(`the standalone did not get ready: ${readFileSync(log, 'utf8').slice(-600)}`);
}

const caller = ({ url, token }) => async (method, path, body) => {
  const response = await fetch(url + path, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer).slice(0, 400)}`);
  return answer;
};

/** The plan is approved by policy; its DAG follows within seconds. */
async function publishedDag(call) {
  const request = await call('POST', '/v1/requests?wait=30', { requestId: 'proof-airflow', pipeline, run: 'never' });
  if (!request.planId) throw new Error(`no plan: ${JSON.stringify(request)}`);
  for (let tries = 0; tries < 60; tries += 1) {
    try { return await call('GET', `/v1/plans/${request.planId}/dag`); } catch (error) { if (tries === 59) throw error; }
    await sleep(500);
  }
  return null;
}

/** Starts the standalone on data of its own in the given server and has a pipeline approved.
 * @returns `stop` at once, so that a failure later stops it too; `system` when the DAG is there */
export function startRealSystem({ folder, postgres, dags }) {
  let child;
  const stop = async () => {
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((done) => { child.once('exit', done); });
    child.kill('SIGTERM');
    await Promise.race([gone, sleep(20_000).then(() => child.kill('SIGKILL'))]);
  };
  const start = async () => {
    const main = join(root, 'dist', 'apps', 'standalone', 'main.js');
    if (!existsSync(main)) throw new Error('dist/apps/standalone is not built: npm run build');
    for (const name of databases) await query(postgres.url, `create database ${name}`);
    const [shop, warehouse, state] = databases.map((name) => Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href);
    await query(shop, source);
    await query(warehouse, table); // it exists, so the same plan can run every night
    writeProject(folder, { port: postgres.port, dags });
    const log = join(folder, 'standalone.log');
    const out = openSync(log, 'w');
    child = spawn(process.execPath, [main, '--project', folder, '--port', String(await freePort())], { cwd: folder, stdio: ['ignore', out, out], env: { ...process.env, ETL_PERSISTENCE_URL: state } });
    const run = await ready(folder, child, log);
    const call = caller(run);
    const dag = await publishedDag(call);
    const verify = async () => [['every row of the source is in the target', await query(warehouse, `${digest} orders t`), await query(shop, `${digest} orders t`)]];
    return { api: run.url, token: run.token, dagId: dag.dagId, dag: dag.path, text: dag.text, call, verify, rows };
  };
  return { start, stop };
}
