// The system that the browser looks at: a standalone on throw-away data, with a shop whose tables take from an instant to some seconds to copy.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { root } from '../../install.mjs';
import { freePort } from '../../provision/free-port.mjs';
import { startPostgres } from '../../provision/postgres.mjs';

export const tables = { customers: 20_000, shipments: 300_000, orders: 2_400_000 };
const fill = (name, rows) => `create table ${name} as select g::bigint as id, 'customer ' || g % 5003 as customer, (g * 37 % 100000) / 100.0::numeric as total,
  timestamptz '2026-01-01' + g * interval '7 seconds' as changed_at, case g % 5 when 0 then 'open' when 1 then 'sent' else 'paid' end as status from generate_series(1, ${rows}) g;
  alter table ${name} add primary key (id); analyze ${name}`;

async function query(url, text) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try { await client.query(text); } finally { await client.end(); }
}
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
function writeProject(folder, port) {
  const connection = (database) => ({ connector: 'postgres', host: '127.0.0.1', port, database, user: 'postgres' });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'agent-etl.yaml'), JSON.stringify({ version: 1, connections: { shop: connection('shop'), warehouse: connection('warehouse') } }, null, 2)); // JSON is YAML
}

/** @returns `stop` at once, so that a failure later stops it too; `start` answers address, token and a way to ask for copies */
export function aShop(folder) {
  const stops = [];
  const stop = async () => { for (const end of stops.reverse()) await end(); };
  const start = async () => {
    const main = join(root, 'dist', 'apps', 'standalone', 'main.js');
    if (!existsSync(main)) throw new Error('dist/apps/standalone is not built: npm run build');
    const postgres = await startPostgres({ settings: { synchronous_commit: 'off' } });
    stops.push(postgres.stop);
    const urlOf = (name) => Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href;
    for (const name of ['shop', 'warehouse', 'agent_etl']) await query(postgres.url, `create database ${name}`);
    await Promise.all(Object.entries(tables).map(([name, rows]) => query(urlOf('shop'), fill(name, rows))));
    writeProject(folder, postgres.port);
    const log = join(folder, 'standalone.log');
    const out = openSync(log, 'w');
    const child = spawn(process.execPath, [main, '--project', folder, '--port', String(await freePort())], { cwd: folder, stdio: ['ignore', out, out], env: { ...process.env, ETL_PERSISTENCE_URL: urlOf('agent_etl') } });
    const gone = new Promise((done) => { child.once('exit', done); });
    stops.push(async () => { child.kill('SIGTERM'); await Promise.race([gone, sleep(15_000).then(() => child.kill('SIGKILL'))]); });
    const run = await ready(folder, child, log);
    const call = caller(run);
    const copy = (name) => call('POST', '/v1/requests', { requestId: `browser-${name}`, run: 'now',
      pipeline: { name, from: { connection: 'shop', dataset: `public.${name}` }, to: { connection: 'warehouse', dataset: `public.${name}` } } });
    return { ...run, call, copy, port: Number(new URL(run.url).port) };
  };
  return { start, stop };
}
