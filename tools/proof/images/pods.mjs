// Four services from their images beside a Kafka and a PostgreSQL, as pods of the chart have it: prepared, started, asked, measured, drained.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { USER } from '../../../deploy/docker/images.mjs';
import { root } from '../../install.mjs';
import { Cluster, services } from './cluster.mjs';
import { loosenessOf, memoryLimitOf, usedSeconds, waitedSeconds } from './confinement.mjs';
import { Containers, pssMb } from './container.mjs';
import { proveGround } from './ground.mjs';
import { proveStandalone } from './standalone.mjs';

const apps = Object.keys(services);
const READY_S = 3;
const BUSY_S = 0.5;
const IDLE_MB = { orchestrator: 160, 'dag-generator': 160, monitor: 160, 'etl-worker': 140 };
const QUIET_MS = 20_000;
const BIG = 2_000_000;
const node = '/usr/local/bin/node';
/** Waits until something holds. Answers whether it did within the limit. */
export async function until(holds, limitMs = 60_000, everyMs = 50) {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(everyMs)) if (await holds()) return true;
  return false;
}
const lastOf = (said) => said.trim().split('\n').at(-1)?.slice(0, 300) ?? '';

export async function provePods({ check, skip }, { to, tools, work, isWanted }) {
  const containers = new Containers(tools, join(work, 'pods'));
  for (const app of apps) containers.add(app, join(to, app));
  const cluster = await Cluster.open(join(work, 'cluster'));
  const data = join(work, 'data');
  mkdirSync(data);
  chownSync(data, USER, USER);
  chmodSync(data, 0o755);
  const ground = { check, skip, containers, cluster, data };
  try {
    if (isWanted('run')) await proveConfinement(ground);
    if (!(await prepare(ground))) return;
    if (isWanted('run')) await proveRun(ground);
    if (isWanted('ground')) await proveGround(ground);
    if (isWanted('standalone')) {
      containers.add('standalone', join(to, 'standalone'));
      await proveStandalone({ check, containers, folder: work });
    }
  } finally {
    await containers.end();
    await cluster.close();
  }
}

/** The box itself, and that its checks see a looser one. */
async function proveConfinement({ check, containers }) {
  const looseness = async (pod) => {
    const container = containers.run('dag-generator', { command: [node, '-e', 'setInterval(() => 0, 1000)'], ...pod });
    await until(() => container.pid > 0 && container.isCreated(), 20_000);
    await sleep(300);
    const found = loosenessOf(container);
    await container.kill('KILL');
    return found;
  };
  const sound = await looseness({});
  check(sound.length === 0, `a pod is not root, has no capability, gains none, has its system calls filtered, nothing but /tmp to write, a limit of memory${sound.length ? `: ${sound.join('; ')}` : ''}`);
  const faults = { 'a root that can be written': [{ isRootWritable: true }, '/ can be written'], 'the user root': [{ user: '0:0' }, 'it runs as root'], 'a capability': [{ capabilities: ['CAP_NET_ADMIN'] }, 'it has capabilities'], 'no filter of system calls': [{ hasSeccomp: false }, 'every system call'], 'memory without a limit': [{ isUnlimited: true }, 'its memory'] };
  for (const [what, [pod, word]] of Object.entries(faults)) check((await looseness(pod)).some((one) => one.startsWith(word)), `seen: ${what}`);
  const write = `for (const path of ['/x', '/app/x', '/usr/local/bin/x', '/tmp/x']) try { fs.writeFileSync(path, ''); console.log(path) } catch (error) { console.log(error.code) }`;
  const tried = await containers.once('dag-generator', { command: [node, '-e', write] });
  check(tried.said.trim() === 'EROFS\nEROFS\nEROFS\n/tmp/x', `a process in it writes /tmp and nothing else (${tried.said.trim().replaceAll('\n', ', ')})`);
  const shell = await containers.once('dag-generator', { command: ['/bin/sh', '-c', 'true'] });
  check(shell.code !== 0 && /no such file/.test(shell.said), 'there is no shell to start');
  const greedy = await containers.once('dag-generator', { memoryMb: 128, command: [node, '-e', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1))'] });
  check(greedy.code === 137, `a process over its memory limit is killed (${greedy.code})`);
}

/** The jobs before the first start: schemas and topics, twice without a change. */
async function prepare({ check, containers, cluster }) {
  let isSo = true;
  for (const app of apps) {
    const jobs = [await containers.once(app, cluster.job(app, ['migrate'])), await containers.once(app, cluster.job(app, ['migrate']))];
    const isDone = jobs.every(({ code, said }) => code === 0 && said.includes('the schema'));
    isSo &&= isDone;
    check(isDone, `${app} migrates its schema, and again without a change${isDone ? '' : `: ${jobs.map(({ said }) => lastOf(said)).join(' | ')}`}`);
  }
  const topics = await containers.once('orchestrator', cluster.job('orchestrator', ['topics', 'create']));
  check(topics.code === 0, `topics are made over TLS and SASL${topics.code === 0 ? '' : `: ${lastOf(topics.said)}`}`);
  return isSo && topics.code === 0;
}

/** Starts a service and waits until it is ready: `{ container, seconds, waited, used }`. */
export async function startService({ containers, cluster }, app, pod = {}) {
  const container = containers.run(app, cluster.pod(app, pod));
  let [waited, used] = [0, 0];
  const isReady = await until(async () => {
    if ((await cluster.page(app, '/health/ready'))?.status !== 200) return false;
    [waited, used] = [waitedSeconds(container.pid), usedSeconds(container.pid)];
    return true;
  }, 180_000, 25);
  const seconds = (performance.now() - container.startedAt) / 1000;
  if (!isReady) throw new Error(`${app} is not ready after 180 s: ${lastOf(container.said())}`);
  return { container, seconds, waited, used };
}

/** A start that others did not slow down, of three. */
async function quietStart(ground, app, pod) {
  for (let tries = 1; ; tries += 1) {
    const start = await startService(ground, app, pod);
    if (start.seconds <= READY_S || start.waited <= BUSY_S || tries === 3) return start;
    await terminate(start.container);
  }
}
async function proveRun(ground) {
  const { check, skip, cluster, data } = ground;
  const running = {};
  for (const app of apps) {
    const worker = app === 'etl-worker' ? { mounts: [{ from: data, at: '/data', isReadOnly: false }], env: { ETL_CONNECTORS_FILE_ROOTS: '/data' } } : {};
    const { container, seconds, waited, used } = await quietStart(ground, app, worker);
    running[app] = container;
    // On a busy machine the clock measures the others.
    if (seconds > READY_S && waited > BUSY_S) skip(`${app}: ready after ${seconds.toFixed(1)} s, but for ${waited.toFixed(1)} of them other processes had the processors; it used ${used.toFixed(1)} itself`);
    else check(seconds <= READY_S, `${app}: ready ${seconds.toFixed(1)} s after its start, of at most ${READY_S} (${used.toFixed(1)} s of processor)`);
    const loose = loosenessOf(container, app === 'etl-worker' ? ['/data'] : []);
    check(loose.length === 0, `${app}: restricted, ${memoryLimitOf(container.name) / 2 ** 20} MiB${loose.length ? `: ${loose.join('; ')}` : ''}`);
  }
  await sleep(QUIET_MS);
  for (const app of apps) {
    const pss = pssMb(running[app].pid);
    check(pss <= IDLE_MB[app], `${app}: ${pss.toFixed(0)} MB idle (PSS, the four on one machine), of at most ${IDLE_MB[app]}`);
  }
  await furnish(ground);
  await proveGreen(ground);
  await proveDrain(ground, running);
}

/** Two databases, a folder, some rows. */
async function furnish({ cluster, data }) {
  await cluster.sql('shop', (client) => client.query(`set role etl; create table orders (id int primary key, note text); insert into orders select i, 'order ' || i from generate_series(1, 1000) i;
    create table big (id int primary key, note text); insert into big select i, md5(i::text) from generate_series(1, ${BIG}) i`));
  writeFileSync(join(data, 'in.csv'), `id,name\n${Array.from({ length: 5000 }, (_, index) => `${index},name ${index}`).join('\n')}\n`);
  chownSync(join(data, 'in.csv'), USER, USER);
  for (const name of ['shop', 'warehouse']) await cluster.call('PUT', `/v1/connections/${name}`, { connector: 'postgres', host: '127.0.0.1', port: cluster.postgres.port, database: name, user: 'etl', password: 'secret://etl#password', tls: 'disable' });
  await cluster.call('PUT', '/v1/connections/files', { connector: 'file', root: '/data' });
}
export const pipeline = (name, from, target) => {
  const [connection, dataset] = from.split('|');
  const [targetConnection, targetDataset] = target.split('|');
  return { version: 1, name, from: { connection, dataset }, to: { connection: targetConnection, dataset: targetDataset } };
};
/** Asks for a run; answers it as soon as it has begun. @throws Error with the failure of a request that comes to nothing */
export async function begin({ cluster }, wanted) {
  let view = await cluster.call('POST', '/v1/requests', { requestId: wanted.name, pipeline: wanted, run: 'now' });
  await until(async () => {
    view = await cluster.call('GET', `/v1/requests/${wanted.name}`);
    return view.runId || ['failed', 'waiting'].includes(view.state);
  }, 90_000);
  if (!view.runId) throw Object.assign(new Error(`${wanted.name} is ${view.state}: ${JSON.stringify(view.failure)}`), { failure: view.failure });
  return view.runId;
}
/** Waits for the end of a run and answers it. */
export async function ended({ cluster }, runId, limitMs = 120_000) {
  let run;
  await until(async () => { run = await cluster.call('GET', `/v1/runs/${runId}`); return ['succeeded', 'failed', 'cancelled'].includes(run.state); }, limitMs, 100);
  return run;
}
const countIn = (cluster, table) => cluster.sql('warehouse', async (client) => Number((await client.query(`select count(*)::int as n from ${table}`)).rows[0].n));

async function proveGreen(ground) {
  const { check, cluster } = ground;
  for (const [name, from, target, rows] of [['orders_to_warehouse', 'shop|public.orders', 'warehouse|public.orders', 1000], ['names_to_warehouse', 'files|in.csv', 'warehouse|public.names', 5000]]) {
    const run = await ended(ground, await begin(ground, pipeline(name, from, target)));
    const stored = await countIn(cluster, target.split('|')[1]).catch(() => 0);
    check(run.state === 'succeeded' && stored === rows, `${from.replace('|', ' ')} to ${target.replace('|', ' ')}: ${run.state}, ${stored} of ${rows} rows${run.failure ? `: ${JSON.stringify(run.failure)}` : ''}`);
    const receipt = join(cluster.folder, `${name}.json`);
    const cli = (...words) => spawnSync(process.execPath, [join(root, 'dist', 'apps', 'cli', 'main.js'), ...words], { encoding: 'utf8', env: { PATH: process.env.PATH, NO_COLOR: '1' } });
    const shown = cli('receipt', 'show', name, '--out', receipt, '--url', cluster.url('orchestrator'), '--token', cluster.token);
    const verified = cli('receipt', 'verify', receipt, '--key', cluster.publicKey);
    check(shown.status === 0 && verified.status === 0, `its receipt is signed by the mounted key${shown.status || verified.status ? `: ${lastOf(shown.stderr)} ${lastOf(verified.stderr)}` : ''}`);
  }
}

/** SIGTERM in the middle of a copy: the worker leaves within its grace, the next one goes on, no row twice; then all others leave. */
async function proveDrain(ground, running) {
  const { check, cluster } = ground;
  const runId = await begin(ground, pipeline('big_to_warehouse', 'shop|public.big', 'warehouse|public.big'));
  const hasMoved = await until(async () => (await cluster.call('GET', `/v1/runs/${runId}`)).tasks.some(({ progress }) => progress?.rows > 0), 60_000, 20);
  const before = await cluster.call('GET', `/v1/runs/${runId}`);
  const { code, seconds } = await terminate(running['etl-worker']);
  check(hasMoved && before.state === 'running' && code === 0 && seconds < 150, `etl-worker: SIGTERM while ${before.state}, exit ${code} after ${seconds.toFixed(1)} s of a grace of 150`);
  const next = await startService(ground, 'etl-worker');
  const run = await ended(ground, runId);
  const rows = await countIn(cluster, 'public.big').catch(() => 0);
  check(run.state === 'succeeded' && rows === BIG, `the next worker ends the run: ${run.state}, ${rows} of ${BIG} rows${run.failure ? `: ${JSON.stringify(run.failure)}` : ''}`);
  for (const [app, container] of Object.entries({ ...running, 'etl-worker': next.container })) {
    const end = await terminate(container);
    check(end.code === 0 && end.seconds < 45, `${app}: SIGTERM, exit ${end.code} after ${end.seconds.toFixed(1)} s of a grace of ${app === 'etl-worker' ? 150 : 45}`);
  }
}
export async function terminate(container) {
  const began = performance.now();
  const code = await container.kill('TERM');
  return { code, seconds: (performance.now() - began) / 1000 };
}
