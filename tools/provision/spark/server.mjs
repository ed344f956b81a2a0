// A real Spark Connect server on loopback, for tests and proofs: one process in the foreground, so that its pid is its own.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.mjs';

const START_MS = 300_000;
/** Packages that Spark reaches into on Java 17 and later, as its own launcher opens them. */
const opened = ['java.base/java.lang', 'java.base/java.lang.invoke', 'java.base/java.lang.reflect', 'java.base/java.io', 'java.base/java.net', 'java.base/java.nio', 'java.base/java.util', 'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic', 'java.base/jdk.internal.ref', 'java.base/sun.nio.ch', 'java.base/sun.nio.cs', 'java.base/sun.security.action', 'java.base/sun.util.calendar'];
const jvm = (heapMb) => [`-Xmx${heapMb}m`, '-XX:+IgnoreUnrecognizedVMOptions', '--add-modules=jdk.incubator.vector', ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
  '-Djdk.reflect.useDirectMethodHandle=false', '-Dio.netty.tryReflectionSetAccessible=true', '-Djava.awt.headless=true'];
/** Small data: planning and code generation would cost more than the work. */
const small = { 'spark.sql.shuffle.partitions': 1, 'spark.sql.adaptive.enabled': false, 'spark.sql.codegen.wholeStage': false };

const isOpen = (port) => new Promise((done) => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); done(true); });
  socket.once('error', () => done(false));
});

/** Starts a server in `dir`, which keeps its port: after `kill`, `start` brings it back there.
 * `token` is what clients must send; a server without one would let anybody on this machine run statements. */
export async function startSpark({ java, home, dir, token, heapMb = 1536, settings = {} }) {
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  const conf = { 'spark.connect.grpc.binding.address': '127.0.0.1', 'spark.connect.grpc.binding.port': port, 'spark.driver.host': '127.0.0.1', 'spark.driver.bindAddress': '127.0.0.1', 'spark.ui.enabled': false,
    'spark.sql.warehouse.dir': join(dir, 'warehouse'), 'spark.local.dir': join(dir, 'local'), ...small, ...settings };
  const args = [...jvm(heapMb), '-cp', join(home, 'jars', '*'), 'org.apache.spark.deploy.SparkSubmit', '--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', '--master', 'local[2]',
    ...Object.entries(conf).flatMap(([name, value]) => ['--conf', `${name}=${value}`]), 'spark-internal'];
  let child;
  let gone = Promise.resolve();
  const start = async () => {
    const log = openSync(join(dir, 'spark.log'), 'a', 0o600);
    child = spawn(java, args, { cwd: dir, stdio: ['ignore', log, log], env: { PATH: process.env.PATH, HOME: dir, SPARK_HOME: home, SPARK_LOCAL_IP: '127.0.0.1', SPARK_CONNECT_AUTHENTICATE_TOKEN: token } });
    closeSync(log);
    const begun = child;
    gone = new Promise((done) => { begun.once('exit', done).once('error', done); });
    for (const end = Date.now() + START_MS; !(await isOpen(port)); await sleep(100)) {
      if (child.exitCode !== null) throw new Error(`Spark ended with ${child.exitCode}: see ${join(dir, 'spark.log')}`);
      if (Date.now() > end) throw new Error(`Spark did not answer within ${START_MS / 1000} s`);
    }
  };
  const end = (signal) => async () => { child.kill(signal); await gone; };
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(late);
  };
  try { await start(); } catch (error) { await end('SIGKILL')(); throw error; }
  return { url: `sc://127.0.0.1:${port}`, port, token, pid: () => child.pid, start, kill: end('SIGKILL'), pause: () => child.kill('SIGSTOP'), resume: () => child.kill('SIGCONT'), stop };
}
