// What every command of the repository does first: the packages of the lock, then our own Node in front of PATH. Runs on the system's Node without any package.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '..');
export const cache = join(root, '.cache');
export const environment = () => ({ ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` });

/** Runs `npm ci` when the lock is not the one that was installed last. Says so on stderr, because it takes a minute. */
export function ensureInstalled() {
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  const stamp = join(root, 'node_modules', '.installed-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('installing packages (npm ci), about a minute ...\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) { process.stderr.write('npm ci failed: see above\n'); process.exit(1); }
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, lock);
}

/** Runs one command to its end with our Node in front; answers its exit code. */
export function run(command, args, { env = {}, cwd = root } = {}) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...environment(), ...env } });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  return status ?? 1;
}

/** Begins one command beside what the caller does next. Its output goes to `file`, because a caller that waits in `run` reads no pipe. Answers its exit code and the seconds until the caller could see its end. */
export function runAside(command, args, file) {
  const began = Date.now();
  mkdirSync(dirname(file), { recursive: true });
  const out = openSync(file, 'w');
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', out, out], env: environment() });
  closeSync(out);
  return new Promise((done) => {
    const end = (status) => { done({ status, seconds: (Date.now() - began) / 1000 }); };
    child.once('error', () => { end(1); }).once('exit', (code) => { end(code ?? 1); });
  });
}
