// Installs a real Apache Spark: the jars that its Python package carries, without Python's side of it. Does nothing when the stamp fits.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { javaRuntime, locked } from '../kafka/provision.mjs';

export const SPARK = '4.3.0';

const run = (command, args) => {
  const { status, error, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', maxBuffer: 2 ** 24 });
  if (error || status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
};

/** `{ java, home }`: a Java program and a folder with `jars`, which serves as SPARK_HOME. Throws with one line when something cannot be had. */
export async function provisionSpark(cache) {
  mkdirSync(cache, { recursive: true });
  return locked(join(cache, 'lock'), () => install(cache));
}
function install(cache) {
  const java = javaRuntime(cache);
  const home = join(cache, 'home');
  const stampFile = join(cache, 'version');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === SPARK) return { java, home };
  process.stderr.write('installing Apache Spark (456 MB), once\n');
  const fresh = join(cache, `fresh.${process.pid}`);
  mkdirSync(join(fresh, 'home'), { recursive: true });
  try {
    run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', fresh, `pyspark==${SPARK}`]);
    // The package is its own archive: nothing of it is built, and only the jars are wanted.
    run('tar', ['-xzf', join(fresh, `pyspark-${SPARK}.tar.gz`), '-C', join(fresh, 'home'), '--strip-components=2', '--exclude=*/connect-repl/*', '--wildcards', '*/deps/jars/*']);
    if (!readdirSync(join(fresh, 'home', 'jars')).some((name) => name.startsWith('spark-connect_'))) throw new Error('the jars of Spark did not arrive');
    rmSync(home, { recursive: true, force: true });
    renameSync(join(fresh, 'home'), home);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  writeFileSync(stampFile, SPARK);
  return { java, home };
}
