// Service processes of two versions on one PostgreSQL and one Kafka, started and ended as a rolling update does.
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../provision/standalone.mjs';
import { freePort } from '../../provision/free-port.mjs';

const node = process.execPath; // not the launcher of a package: a signal must reach the service itself
export const schemas = { orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' };
const READY_MS = 90_000;

/** What every service reads, with the databases `shop` and `wh` of the cluster as connections. @param token of an administrator of the API */
export function settingsIn(folder, cluster, token) {
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

/** @param state URL of the database without a login · `env` what every service reads */
export function openFleet({ state, brokers, folder, env }) {
  const running = new Map();
  const login = (user) => Object.assign(new URL(state), { username: user }).href;
  const settings = (app) => ({ PATH: process.env.PATH, HOME: process.env.HOME, ETL_MESSAGING_BROKERS: brokers, ETL_PERSISTENCE_URL: login(schemas[app]), ETL_PERSISTENCE_RELAY_URL: login('etl_relay'), ETL_SERVICE_KIT_HOST: '127.0.0.1', ...env });
  let nth = 0;
  /** Starts one and waits until it is ready. */
  async function start(app, version) {
    const port = await freePort();
    const log = join(folder, `${app}-${version.name}-${nth += 1}.log`);
    const out = openSync(log, 'a');
    const child = spawn(node, ['--enable-source-maps', '--max-semi-space-size=8', version.programs[app]], { cwd: folder, stdio: ['ignore', out, out], env: { ...settings(app), ETL_SERVICE_KIT_PORT: String(port) } });
    const one = { app, version: version.name, port, child, log, url: `http://127.0.0.1:${port}`, gone: new Promise((done) => { child.once('exit', (code, signal) => { done(code ?? signal); }); }) };
    for (const end = Date.now() + READY_MS; !(await fetch(`${one.url}/health/ready`).catch(() => null))?.ok; await sleep(50)) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`${app} ${version.name} did not get ready: ${readFileSync(log, 'utf8').slice(-3000)}`);
    }
    running.set(app, [...running.get(app) ?? [], one]);
    return one;
  }
  /** Ends one as Kubernetes does: no new requests, SIGTERM, its grace. Answers its exit code and how long it took. */
  async function end(one) {
    running.set(one.app, running.get(one.app).filter((other) => other !== one));
    await sleep(300);
    const began = performance.now();
    one.child.kill('SIGTERM');
    const late = setTimeout(() => { one.child.kill('SIGKILL'); }, 60_000);
    const code = await one.gone;
    clearTimeout(late);
    return { code, seconds: (performance.now() - began) / 1000 };
  }
  /** Whether sessions of two releases are open at this moment: a name without a number is of before they had one. */
  const withBoth = (app) => withClient(login('postgres'), async (client) => {
    const { rows } = await client.query(`select distinct application_name as name from pg_stat_activity where datname = current_database() and application_name ~ $1`, [`^etl-${schemas[app]}( r\\d+)?$`]);
    return { both: rows.length === 2, names: rows.map(({ name }) => name).sort().join(' and ') };
  });
  /** Waits until this worker has a task of a long run in its middle, at most so long. Answers how many it held then. */
  async function holding({ child: { pid } }, mostMs) {
    return withClient(login('postgres'), async (client) => {
      for (const until = Date.now() + mostMs; ; await sleep(20)) {
        const { rows: [{ n }] } = await client.query(`select count(*)::int as n from worker.task where state = 'running' and worker like $1 and clock_timestamp() - claimed_at > interval '300 ms'`, [`%-${pid}-%`]);
        if (n > 0 || Date.now() > until) return n;
      }
    });
  }
  return {
    holding, running: (app) => running.get(app) ?? [], start, end,
    /** One takes the place of another: both serve for a moment. @param ripe resolves when the old one may be told to go */
    async replace(app, version, ripe = async () => undefined) {
      const [old] = running.get(app);
      await start(app, version);
      await sleep(2_000); // both versions take their share of messages and tasks
      const seen = await withBoth(app);
      return { ...seen, held: await ripe(old), ...await end(old) };
    },
    command: (app, version, ...words) => {
      const { status, stdout, stderr } = spawnSync(node, [version.programs[app], ...words], { encoding: 'utf8', env: { ...settings(app), ETL_PERSISTENCE_ADMIN_URL: login('postgres') } });
      return { status, said: `${stdout}${stderr}`.trim().split('\n').at(-1) };
    },
    /** Ends all as a power cut does. */
    async kill() {
      const all = [...running.values()].flat();
      for (const { child } of all) child.kill('SIGKILL');
      await Promise.all(all.map(({ gone }) => gone));
      running.clear();
    },
    async stop() { for (const one of [...running.values()].flat()) await end(one); },
  };
}
