// Airflow, exactly as the lock says, into the cache folder. Nothing outside that folder is touched.
// The lock is made again with: uv pip compile --universal --python-version 3.10 --generate-hashes --no-annotate --no-header --exclude-newer <date> airflow-3.3.in -o airflow-3.3.txt
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { virtualEnvironment } from '../venv.mjs';

function uv(folder, args) {
  const { status, error, stderr } = spawnSync(join(folder, 'bin', 'uv'), args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`uv ${args.slice(0, 2).join(' ')}: ${error?.message ?? stderr.trim().split('\n').slice(-3).join(' ')}`);
}

/** The folder of a virtual environment with Airflow `minor`, made when its lock changed; seconds when warm. Throws with the reason when it cannot be had.
 * The lock is dated: an undated set of the newest packages may import every DAG and still run no task. */
export function installAirflow(cache, minor = '3.3') {
  const lock = join(import.meta.dirname, `airflow-${minor}.txt`);
  const folder = join(cache, 'airflow', minor);
  const stampFile = join(folder, 'lock.sha256');
  const stamp = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return folder;
  const tool = virtualEnvironment(join(cache, 'airflow', 'uv'), join(import.meta.dirname, 'uv.txt'));
  rmSync(folder, { recursive: true, force: true });
  uv(tool, ['venv', '--quiet', '--python', '>=3.10,<3.14', folder]);
  uv(tool, ['pip', 'sync', '--quiet', '--require-hashes', '--python', join(folder, 'bin', 'python'), lock]);
  writeFileSync(stampFile, stamp);
  return folder;
}
