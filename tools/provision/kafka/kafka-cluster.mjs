// A real Kafka broker on loopback, for tests and for `npm run services`. KRaft, one process, its own folder and ports.
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { certificate } from '../certificate.mjs';
import { freePort } from '../free-port.mjs';

const run = promisify(execFile);
const CLUSTER_ID = 'aGVyZS1pcy1hLWJyb2tlcg'; // any base64 UUID, one per folder
const START_MS = 60_000;
const light = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

/** An ApiVersions request (v0): a broker answers it only when it has left its start, a bare connect succeeds earlier. */
const answers = (port) => new Promise((done) => {
  const body = Buffer.concat([Buffer.from([0, 18, 0, 0, 0, 0, 0, 1, 0, 4]), Buffer.from('wait')]);
  const head = Buffer.alloc(4);
  head.writeInt32BE(body.length);
  const socket = connect(port, '127.0.0.1', () => { socket.write(Buffer.concat([head, body])); });
  const end = (ok) => { socket.destroy(); done(ok); };
  socket.setTimeout(1_000, () => end(false)).once('data', () => end(true)).once('error', () => end(false)).once('close', () => end(false));
});

const properties = (folder, [broker, controller], { secure, settings }) => ({
  'process.roles': 'broker,controller', 'node.id': 1,
  ...Object.fromEntries(['listeners', 'advertised.listeners'].map((name) => [name, [`PLAINTEXT://127.0.0.1:${broker}`, `CONTROLLER://127.0.0.1:${controller}`, ...(secure ? [secure.listener] : [])].join(',')])),
  'controller.listener.names': 'CONTROLLER', 'inter.broker.listener.name': 'PLAINTEXT', 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL', ...secure?.settings,
  'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`, 'log.dirs': join(folder, 'data'),
  // One node: every internal topic would otherwise wait for three.
  'default.replication.factor': 1, 'min.insync.replicas': 1, 'offsets.topic.replication.factor': 1, 'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1, 'transaction.state.log.min.isr': 1, 'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1, 'share.coordinator.state.topic.min.isr': 1, 'share.coordinator.state.topic.num.partitions': 4,
  'group.initial.rebalance.delay.ms': 0, 'auto.create.topics.enable': false, 'num.partitions': 3, 'num.network.threads': 2, 'num.io.threads': 4, 'log.cleaner.dedupe.buffer.size': 8 * 2 ** 20,
  // After kill -9 the new broker waits until the old registration expires.
  'broker.session.timeout.ms': 3000, 'broker.heartbeat.interval.ms': 500, ...settings,
});

/** A further listener that speaks TLS as localhost and lets in who proves by SCRAM or PLAIN to be this user. */
const user = { username: 'etl', password: "pencil & 'paper'" };
const secureListener = (dir, port) => {
  const made = certificate(dir);
  if (!made) return null;
  const pem = (file) => readFileSync(file, 'utf8').trim().replaceAll('\n', '\\n');
  const at = 'listener.name.secure';
  const jaas = (name, more = '') => `org.apache.kafka.common.security.${name} required${more};`;
  return { ca: made.ca, address: `localhost:${port}`, listener: `SECURE://localhost:${port}`, settings: {
    [`${at}.ssl.keystore.type`]: 'PEM', [`${at}.ssl.keystore.certificate.chain`]: pem(made.cert), [`${at}.ssl.keystore.key`]: pem(made.key), [`${at}.sasl.enabled.mechanisms`]: 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
    [`${at}.scram-sha-512.sasl.jaas.config`]: jaas('scram.ScramLoginModule'), [`${at}.scram-sha-256.sasl.jaas.config`]: jaas('scram.ScramLoginModule'),
    [`${at}.plain.sasl.jaas.config`]: jaas('plain.PlainLoginModule', ` user_${user.username}="${user.password}"`) } };
};
const scram = ['SCRAM-SHA-512', 'SCRAM-SHA-256'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${user.username},password="${user.password}"]`]);

/** Starts a broker in `dir`, which keeps its ports and its data. `kill` is SIGKILL, `start` brings it back.
 * @param isSecureToo has it listen with TLS and SASL beside: `secure` is `{ brokers, ca, username, password }`, or null where there is no openssl */
export async function startKafka({ java, libs, dir, heapMb = 256, settings = {}, isSecureToo = false }) {
  await mkdir(dir, { recursive: true });
  const portsFile = join(dir, 'ports.json');
  const ports = await readFile(portsFile, 'utf8').then(JSON.parse, async () => [await freePort(), await freePort(), ...(isSecureToo ? [await freePort()] : [])]);
  await writeFile(portsFile, JSON.stringify(ports));
  const file = join(dir, 'server.properties');
  const secure = isSecureToo ? secureListener(dir, ports[2]) : null;
  await writeFile(file, Object.entries(properties(dir, ports, { secure, settings })).map(([name, value]) => `${name}=${value}\n`).join(''));
  const classpath = join(libs, '*');
  await run(java, [...light, '-Xmx128m', '-cp', classpath, 'kafka.tools.StorageTool', 'format', '--standalone', '--ignore-formatted', '-t', CLUSTER_ID, '-c', file, ...(secure ? scram : [])]);
  let child;
  let gone = Promise.resolve();
  const start = async () => {
    const log = openSync(join(dir, 'broker.log'), 'a');
    child = spawn(java, [...light, `-Xmx${heapMb}m`, '-cp', classpath, 'kafka.Kafka', file], { stdio: ['ignore', log, log] });
    closeSync(log);
    gone = new Promise((done) => { child.once('exit', done).once('error', done); });
    for (const end = Date.now() + START_MS; !(await answers(ports[0])); await sleep(50)) {
      if (child.exitCode !== null) throw new Error(`Kafka ended with ${child.exitCode}: see ${join(dir, 'broker.log')}`);
      if (Date.now() > end) throw new Error(`Kafka did not answer within ${START_MS / 1000} s`);
    }
  };
  const end = (signal) => async () => { child.kill(signal); await gone; };
  try { await start(); } catch (error) { await end('SIGKILL')(); throw error; }
  return { brokers: [`127.0.0.1:${ports[0]}`], secure: secure && { brokers: [secure.address], ca: secure.ca, ...user }, pid: () => child.pid, start, kill: end('SIGKILL'), stop: end('SIGTERM') };
}
