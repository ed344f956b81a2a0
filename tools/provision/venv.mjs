// Python tools of the tests: one virtual environment per requirements file, made once and kept until the file changes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const run = (command, args) => {
  const { status, error, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
};

/** The folder of a virtual environment that holds exactly `requirements`. Throws when there is no Python or no package. */
export function virtualEnvironment(folder, requirements) {
  const stamp = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const stampFile = join(folder, 'requirements.sha256');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--no-deps', '-r', requirements]);
  writeFileSync(stampFile, stamp);
  return folder;
}
