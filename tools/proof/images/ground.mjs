// Starts on bad ground: what is wrong is said by name, what may come is waited for, and nobody is restarted in a circle.
import { chownSync, closeSync, openSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { USER } from '../../../deploy/docker/images.mjs';
import { freePort } from '../../provision/free-port.mjs';
import { begin, ended, pipeline, startService, terminate, until } from './pods.mjs';

const HOLD_MS = 35_000; // longer than any limit of a client
const lines = (said) => said.trim().split('\n').flatMap((line) => { try { return [JSON.parse(line)]; } catch { return []; } });
const words = (said) => lines(said).filter(({ level }) => level !== 'info').map(({ code, msg }) => `${code ?? ''} ${msg}`).at(-1)?.slice(0, 200) ?? said.trim().slice(-200);

/** Passes connections of one port on to another. */
async function openForward(from, to) {
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => { other.destroy(); }).on('close', () => { other.destroy(); }).pipe(other);
  });
  await new Promise((done) => { server.listen(from, '127.0.0.1', done); });
  return { close: () => { server.closeAllConnections?.(); server.close(); } };
}

export async function proveGround(ground) {
  await proveRefusals(ground);
  await proveWaiting(ground, 'PostgreSQL', (port) => ({ env: { ETL_PERSISTENCE_URL: moved(ground, 'orchestrator', port), ETL_PERSISTENCE_RELAY_URL: moved(ground, 'etl_relay', port) } }), ground.cluster.postgres.port);
  await proveWaiting(ground, 'Kafka', (port) => ({ env: { ETL_MESSAGING_BROKERS: `localhost:${port}` } }), Number(ground.cluster.kafka.secure.brokers[0].split(':')[1]));
  await proveSchemas(ground);
  await proveVolumes(ground);
  await proveChildKilled(ground);
}
const moved = ({ cluster }, role, port) => cluster.databaseUrl(role).replace(`:${cluster.postgres.port}/`, `:${port}/`);

/** Mistakes that only a person can mend: the start ends at once, and names them. */
async function proveRefusals({ check, containers, cluster }) {
  const wrong = { 'a missing password file': ['monitor', { secrets: { 'postgres/own': null } }, 'ETL_PERSISTENCE_PASSWORD_FILE'], 'an empty password file': ['monitor', { secrets: { 'postgres/relay': '' } }, 'ETL_PERSISTENCE_RELAY_PASSWORD_FILE'],
    'no signing key': ['orchestrator', { secrets: { 'signing/ed25519.pem': null } }, 'ETL_ORCHESTRATOR_SIGNING_KEY_FILE'], 'no tokens': ['monitor', { secrets: { 'access/tokens.json': null } }, 'ETL_SERVICE_KIT_TOKENS'],
    'a wrong password of PostgreSQL': ['monitor', { secrets: { 'postgres/own': 'wrong' } }, 'refuses this login'], 'a wrong password of Kafka': ['monitor', { secrets: { 'kafka/password': 'wrong' } }, 'Kafka refuses this login'], 'an authority that did not sign PostgreSQL': ['monitor', { secrets: { 'postgres/ca.crt': cluster.otherCa } }, 'ETL_PERSISTENCE_URL: the certificate'], 'an authority that did not sign Kafka': ['monitor', { secrets: { 'kafka/ca.crt': cluster.postgres.ca } }, 'ETL_MESSAGING_CA_FILE'] };
  for (const [what, [app, pod, named]] of Object.entries(wrong)) {
    const { code, said } = await containers.once(app, cluster.pod(app, pod));
    check(code === 1 && said.includes(named), `${what}: the start ends with ${code} and says: ${words(said)}`);
  }
}
/** A server that is away: the pod lives, is not ready, says why, and starts by itself once the server is there. */
async function proveWaiting({ check, containers, cluster }, what, podOf, target) {
  const port = await freePort();
  const container = containers.run('orchestrator', cluster.pod('orchestrator', podOf(port)));
  const pages = { ready: null, live: null, startup: null };
  const answers = await until(async () => { pages.ready = await cluster.page('orchestrator', '/health/ready'); return pages.ready !== null; }, 120_000);
  await sleep(HOLD_MS);
  for (const name of Object.keys(pages)) pages[name] = await cluster.page('orchestrator', `/health/${name}`);
  const pid = container.pid;
  const reason = pages.ready?.body?.reasons?.join('; ') ?? words(container.said());
  check(answers && pid > 0 && pages.live?.status === 200 && pages.startup?.status === 200 && pages.ready?.status === 503 && reason, `${what} away: after ${Math.round(HOLD_MS / 1000)} s it lives (${pages.live?.status ?? 'no answer'}), is not to be restarted (${pages.startup?.status ?? 'no answer'}), not ready (${pages.ready?.status ?? 'no answer'}): ${reason}`);
  const forward = await openForward(port, target);
  const isReady = await until(async () => (await cluster.page('orchestrator', '/health/ready'))?.body?.status === 'ready', 180_000);
  check(isReady && container.pid === pid, `${what} comes: ready without a restart${isReady ? '' : `: ${words(container.said())}`}`);
  await terminate(container);
  forward.close();
}

/** A database that is not of this release. */
async function proveSchemas({ check, containers, cluster }) {
  const database = 'agent_etl_other';
  await cluster.sql('postgres', (client) => client.query(`create database ${database} owner etl_owner`));
  const job = await containers.once('orchestrator', cluster.job('orchestrator', ['migrate'], { database }));
  const change = (text) => cluster.sql(database, (client) => client.query(text));
  const { rows: [last] } = await cluster.sql(database, (client) => client.query('select name, timestamp from orchestrator.migrations order by id desc limit 1'));
  await change(`delete from orchestrator.migrations where name = '${last.name}'`);
  const half = containers.run('orchestrator', cluster.pod('orchestrator', { database }));
  await until(async () => (await cluster.page('orchestrator', '/health/ready')) !== null, 120_000);
  const said = (await cluster.page('orchestrator', '/health/ready'))?.body?.reasons?.join('; ') ?? words(half.said());
  check(job.code === 0 && half.pid > 0 && said.includes(last.name), `a database that is half migrated is waited for by name: ${said}`);
  await change(`insert into orchestrator.migrations (timestamp, name) values (${last.timestamp}, '${last.name}')`);
  check(await until(async () => (await cluster.page('orchestrator', '/health/ready'))?.status === 200, 180_000), 'once it is migrated the service is ready by itself');
  await terminate(half);
  await change(`insert into orchestrator.migrations (timestamp, name) values (4102444800000, 'FromTheFuture4102444800000')`);
  for (const [what, pod] of [['a service', cluster.pod('orchestrator', { database })], ['its migrate job', cluster.job('orchestrator', ['migrate'], { database })]]) {
    const newer = await containers.once('orchestrator', pod);
    check(newer.code === 1 && newer.said.includes('FromTheFuture4102444800000'), `${what} refuses a newer database by name: ${words(newer.said)}`);
  }
}

const someRows = `id,name\n${Array.from({ length: 2000 }, (_, index) => `${index},name ${index}`).join('\n')}\n`;
function write(data, name, chunks) {
  const file = openSync(join(data, name), 'w');
  for (const chunk of chunks) writeSync(file, chunk);
  closeSync(file);
  chownSync(join(data, name), USER, USER);
}
const workerPod = (data, more = {}) => ({ ...more, mounts: [{ from: data, at: '/data', isReadOnly: more.isDataReadOnly ?? false }], env: { ETL_CONNECTORS_FILE_ROOTS: '/data', ...more.env } });

/** Volumes that cannot take what is written: the run says so, the worker goes on. */
async function proveVolumes(ground) {
  const { check, cluster, data } = ground;
  write(data, 'few.csv', [someRows]);
  const orchestrator = await startService(ground, 'orchestrator');
  await cluster.call('PUT', '/v1/connections/files', { connector: 'file', root: '/data' });
  const cases = { 'a target volume that is read-only': [{ isDataReadOnly: true }, 'connection.permission-denied', 'few.parquet'], 'a scratch that is read-only': [{ scratchMb: null }, 'ETL_ETL_WORKER_SCRATCH', 'never.parquet'] };
  for (const [what, [pod, named, target]] of Object.entries(cases)) {
    const worker = ground.containers.run('etl-worker', cluster.pod('etl-worker', workerPod(data, pod)));
    await until(async () => worker.hasEnded || (await cluster.page('etl-worker', '/health/ready'))?.status === 200, 180_000);
    if (worker.hasEnded) { check(worker.said().includes(named), `${what}: the start says: ${words(worker.said())}`); continue; }
    const failure = await failureOf(ground, pipeline(`p_${target.replace('.', '_')}`, 'files|few.csv', `files|${target}`));
    check(failure?.code === named && worker.pid > 0, `${what}: ${failure ? `${failure.code}: ${failure.text}` : 'the run did not fail'}; the worker goes on`);
    await terminate(worker);
  }
  await terminate(orchestrator.container);
}
async function failureOf(ground, wanted) {
  try { return (await ended(ground, await begin(ground, wanted))).failure; } catch (error) { return error.failure; }
}

/** The kernel kills the engine for its memory: the worker lives, says so, and the next run is green. */
async function proveChildKilled(ground) {
  const { check, cluster, data } = ground;
  const line = (index) => `${index},${String(index * 7919).padStart(40, 'x')}\n`;
  write(data, 'many.csv', (function* chunks() { yield 'id,note\n'; for (let at = 0; at < 4_000_000; at += 20_000) yield Array.from({ length: 20_000 }, (_, index) => line(at + index)).join(''); })());
  const orchestrator = await startService(ground, 'orchestrator');
  const worker = (await startService(ground, 'etl-worker', workerPod(data, { memoryMb: 448, env: { ETL_ETL_WORKER_ENGINE_MEMORY_MB: 4096, ETL_ETL_WORKER_SLOTS: 1 } }))).container;
  const pid = worker.pid;
  const heavy = (name) => ({ ...pipeline(name, 'files|many.csv', `files|${name}.parquet`), steps: [{ dedupe: { keys: ['id'], keep: [{ column: 'note', dir: 'desc' }] } }] });
  const failure = await failureOf(ground, heavy('heavy'));
  check(worker.kills() > 0 && worker.pid === pid && (await cluster.page('etl-worker', '/health/ready'))?.status === 200, `the kernel killed ${worker.kills()} engines over the memory of the pod; the worker, its process 1, lives and is ready`);
  check(failure?.code === 'query.memory-exceeded', `the run says: ${failure?.code}: ${failure?.text}`);
  await terminate(worker);
  const narrow = (await startService(ground, 'etl-worker', workerPod(data, { scratchMb: 16, env: { ETL_ETL_WORKER_ENGINE_MEMORY_MB: 192 } }))).container;
  const full = await failureOf(ground, heavy('spilling'));
  check(full?.code === 'platform.disk-full' && narrow.pid > 0, `a scratch that is full: ${full ? `${full.code}: ${full.text}` : 'the run did not fail'}`);
  const light = await failureOf(ground, pipeline('light', 'files|few.csv', 'files|light.parquet'));
  check(light === null || light === undefined, `the next run is green${light ? `: ${light.code} ${light.text}` : ''}`);
  for (const container of [narrow, orchestrator.container]) await terminate(container);
}
