// A standalone of the product as a user has it, in a project folder of its own, for what tools ask it.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { root } from '../install.mjs';
import { freePort } from './free-port.mjs';

const startLimitMs = 120_000;
const stopLimitMs = 20_000;
const connectionTo = (url) => {
  const { hostname, port, pathname, username } = new URL(url);
  return { connector: 'postgres', host: hostname, port: Number(port), database: pathname.slice(1), user: username, tls: 'disable' };
};
/** Address of a database of the same server. */
export const databaseUrl = ({ url }, name) => Object.assign(new URL(url), { pathname: `/${name}` }).href;
export async function withClient(url, work) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try { return await work(client); } finally { await client.end(); }
}

/** The token file appears when it is ready. */
async function ready(folder, child, log) {
  const file = join(folder, '.agent-etl', 'run.json');
  for (const end = Date.now() + startLimitMs; Date.now() < end && child.exitCode === null; await sleep(100)) if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  child.kill('SIGTERM');
  throw new Error(`the standalone did not get ready: ${readFileSync(log, 'utf8').slice(-2000)}`);
}
const caller = ({ url, token }) => async (method, path, body) => {
  const headers = { authorization: `Bearer ${token}`, connection: 'close', // a yardstick that runs meanwhile keeps us from hearing that an idle line was closed
    ...(body ? { 'content-type': 'application/json' } : {}) };
  const response = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer).slice(0, 400)}`);
  return answer;
};

/** Starts one and waits until it serves.
 * @param connections addresses or specs by name · `policy` of the project file · `folder` kept afterwards; left out, one is made and removed
 * @param args of the standalone, `execArgv` of its Node, `env` beside the little it needs
 * @returns pid of the process whose tree holds everything, address and token, `call(method, path, body)` and `stop` */
export async function startStandalone(connections, { policy, folder, args = [], execArgv = [], env = {} } = {}) {
  const main = join(root, 'dist', 'apps', 'standalone', 'main.js');
  if (!existsSync(main)) throw new Error('dist/apps/standalone is not built: npm run build');
  const home = folder ?? mkdtempSync(join(tmpdir(), 'etl-standalone-'));
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o755);
  const specs = Object.fromEntries(Object.entries(connections).map(([name, spec]) => [name, typeof spec === 'string' ? connectionTo(spec) : spec]));
  writeFileSync(join(home, 'agent-etl.yaml'), JSON.stringify({ version: 1, connections: specs, ...(policy ? { policy } : {}) }, null, 2)); // JSON is YAML
  const log = join(home, 'standalone.log');
  const out = openSync(log, 'w');
  // The launcher of npm's node may stand in between: the tree under the child holds everything.
  const child = spawn(join(root, 'node_modules', '.bin', 'node'), ['--enable-source-maps', '--max-semi-space-size=8', ...execArgv, main, '--project', home, '--port', String(await freePort()), ...args],
    { cwd: home, stdio: ['ignore', 'ignore', out], env: { PATH: process.env.PATH, HOME: process.env.HOME, ETL_SERVICE_KIT_LOG_LEVEL: 'warn', ...env } });
  const gone = new Promise((done) => { child.once('exit', done); });
  const known = await ready(home, child, log);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await Promise.race([gone, sleep(stopLimitMs, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
    if (!folder) rmSync(home, { recursive: true, force: true });
    if (known.postgresFolder?.startsWith('/var/tmp/agent-etl-')) rmSync(known.postgresFolder, { recursive: true, force: true });
  };
  return { ...known, pid: child.pid, folder: home, call: caller(known), stop };
}
/** Process of the embedded server of a standalone. */
export const serverPidOf = ({ postgresFolder }) => Number(readFileSync(join(postgresFolder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
