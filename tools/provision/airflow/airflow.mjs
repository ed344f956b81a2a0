// A real Airflow on loopback: api-server, scheduler, dag-processor, LocalExecutor, metadata in Postgres. For proofs; throw-away data.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A connection of Airflow that reaches our API with a bearer token, as the value of AIRFLOW_CONN_<ID>. The provider sends unknown extras as headers. */
export const apiConnection = (url, token) => {
  const { hostname, port, protocol } = new URL(url);
  return JSON.stringify({ conn_type: 'http', host: hostname, port: Number(port), schema: protocol.slice(0, -1), extra: { Authorization: `Bearer ${token}` } });
};

function settings({ venv, work, dags, database, port, password, connections }) {
  const base = `http://127.0.0.1:${port}`;
  writeFileSync(join(work, 'passwords.json'), JSON.stringify({ admin: password }), { mode: 0o600 });
  return {
    PATH: `${join(venv, 'bin')}:${process.env.PATH}`, HOME: work, LANG: 'C.UTF-8', TZ: 'UTC', NO_PROXY: '127.0.0.1,localhost', PYTHONWARNINGS: 'ignore', AIRFLOW_HOME: work,
    AIRFLOW__CORE__DAGS_FOLDER: dags, AIRFLOW__CORE__LOAD_EXAMPLES: 'False', AIRFLOW__CORE__EXECUTOR: 'LocalExecutor', AIRFLOW__CORE__PARALLELISM: '3',
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL: `${base}/execution/`, AIRFLOW__CORE__FERNET_KEY: '',
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS: 'admin:admin', AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE: join(work, 'passwords.json'),
    AIRFLOW__API_AUTH__JWT_SECRET: randomBytes(48).toString('base64'), AIRFLOW__API__SECRET_KEY: randomBytes(24).toString('hex'),
    AIRFLOW__API__HOST: '127.0.0.1', AIRFLOW__API__PORT: String(port), AIRFLOW__API__WORKERS: '1', AIRFLOW__API__BASE_URL: base,
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: database.replace(/^postgres:/, 'postgresql+psycopg2:'),
    AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL: '5', AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL: '6', AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES: '1',
    AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC: '1', AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME: '0.3', AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK: 'False',
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: 'False',
    ...Object.fromEntries(Object.entries(connections).map(([id, value]) => [`AIRFLOW_CONN_${id.toUpperCase()}`, value])),
  };
}

/** Makes the metadata database; the longest part of a start, so callers do other things meanwhile. */
function migrate(env, work) {
  return new Promise((done, fail) => {
    const log = openSync(join(work, 'migrate.log'), 'w');
    const child = spawn('nice', ['-n', '5', 'airflow', 'db', 'migrate'], { env, cwd: work, stdio: ['ignore', log, log] });
    child.once('error', fail).once('exit', (code) => (code === 0 ? done() : fail(new Error(`airflow db migrate ended with ${code}: ${lastLines(join(work, 'migrate.log'))}`))));
  });
}
const lastLines = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n');

class Processes {
  #list = [];
  constructor(env, work) { this.env = env; this.work = work; }
  start(name, ...args) {
    const log = openSync(join(this.work, `${name}.log`), 'w');
    const child = spawn('nice', ['-n', '5', 'airflow', ...args], { env: this.env, cwd: this.work, stdio: ['ignore', log, log], detached: true });
    const entry = { name, pid: child.pid, gone: null };
    child.once('exit', (code, signal) => { entry.gone = code ?? signal; }).once('error', (error) => { entry.gone = error.message; });
    this.#list.push(entry);
  }
  check() {
    const lost = this.#list.find(({ gone }) => gone !== null);
    if (lost) throw Object.assign(new Error(`airflow ${lost.name} ended with ${lost.gone}: ${lastLines(join(this.work, `${lost.name}.log`))}`), { final: true });
  }
  memory() {
    return this.#list.map(({ name, pid }) => {
      const group = spawnSync('ps', ['-o', 'rss=', '-g', String(pid)], { encoding: 'utf8' }).stdout ?? '';
      return `${name} ${Math.round(group.split('\n').reduce((sum, text) => sum + Number(text), 0) / 1024)} MB`;
    }).join(', ');
  }
  async stop() {
    const send = (signal) => { for (const { pid, gone } of this.#list) if (gone === null) try { process.kill(-pid, signal); } catch { /* it has just ended */ } };
    send('SIGTERM');
    for (let tries = 0; tries < 60 && this.#list.some(({ gone }) => gone === null); tries += 1) await sleep(200);
    send('SIGKILL');
  }
}

/** Asks again until the answer is truthy; a throw counts as not yet. @throws Error when the time is over or a process of Airflow has ended */
async function until(processes, { what, seconds, probe }) {
  const end = Date.now() + seconds * 1000;
  let last = '';
  while (Date.now() < end) {
    processes.check();
    try {
      const found = await probe();
      if (found) return found;
    } catch (error) {
      if (error.final) throw error;
      last = `: ${error.message}`;
    }
    await sleep(500);
  }
  throw new Error(`${what}: not within ${seconds} s${last}`);
}

function client(base) {
  let token;
  const call = async (method, path, body) => {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(30_000) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text === '' ? null : JSON.parse(text);
  };
  return { call, signIn: async (username, password) => { token = (await call('POST', '/auth/token', { username, password })).access_token; } };
}

/** Starts Airflow on an empty database and waits until scheduler and dag-processor are healthy.
 * @returns `call` for its REST API, `until`, `memory`, `stop`; logs lie in `work` */
export async function startAirflow({ venv, work, dags, database, port, connections }) {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const password = randomBytes(12).toString('hex');
  const env = settings({ venv, work, dags, database, port, password, connections });
  await migrate(env, work);
  const processes = new Processes(env, work);
  const { call, signIn } = client(`http://127.0.0.1:${port}`);
  const wait = (what, seconds, probe) => until(processes, { what, seconds, probe });
  try {
    processes.start('api-server', 'api-server', '--workers', '1', '--host', '127.0.0.1', '--port', String(port));
    processes.start('dag-processor', 'dag-processor');
    processes.start('scheduler', 'scheduler', '--skip-serve-logs');
    const { version } = await wait('the API of Airflow', 120, () => call('GET', '/api/v2/version'));
    await signIn('admin', password);
    await wait('scheduler and dag-processor', 120, async () => {
      const health = await call('GET', '/api/v2/monitor/health');
      return health.scheduler?.status === 'healthy' && health.dag_processor?.status === 'healthy';
    });
    return { version, call, until: wait, memory: () => processes.memory(), stop: () => processes.stop() };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}
