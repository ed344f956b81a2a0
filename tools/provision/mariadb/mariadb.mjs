// A real MariaDB for tests: the installed one, or Debian's packages unpacked into the cache, without an install. Throw-away data, no durability.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificate } from '../certificate.mjs';
import { freePort } from '../free-port.mjs';

const PACKAGES = ['mariadb-server-core', 'mariadb-client-core', 'mariadb-common', 'liburing2', 'libaio1', 'libsnappy1v5', 'libncurses6', 'libpmem1'];
const START_MS = 30_000;
const quick = { 'innodb-flush-log-at-trx-commit': 0, 'innodb-buffer-pool-size': '128M' };
const asRoot = process.getuid?.() === 0;

/** `{ prefix }`: a folder that holds usr/sbin/mariadbd. Throws with one line when it cannot be had. */
function provision(cache) {
  if (existsSync('/usr/sbin/mariadbd')) return '/';
  const home = join(cache, 'root');
  if (existsSync(join(home, 'usr', 'sbin', 'mariadbd'))) return home;
  if (spawnSync('apt-get', ['--version']).status !== 0) throw new Error('there is no mariadbd, and no apt-get to have one unpacked by');
  process.stderr.write('unpacking MariaDB from Debian packages (8 MB), once\n');
  const [packages, fresh] = [join(cache, 'packages'), join(cache, `root.${process.pid}`)];
  mkdirSync(packages, { recursive: true });
  const download = () => spawnSync('apt-get', ['download', ...PACKAGES], { cwd: packages, encoding: 'utf8' });
  let { status, stderr } = download();
  if (status !== 0 && spawnSync('apt-get', ['update'], { stdio: 'ignore' }).status === 0) ({ status, stderr } = download());
  if (status !== 0) throw new Error(`apt-get download: ${stderr.trim().split('\n').at(-1)}`);
  for (const file of readdirSync(packages)) execFileSync('dpkg', ['-x', join(packages, file), fresh]);
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return home;
}

/** Starts an empty server on a free port of loopback with a database `test` and a login `etl` without a password, which also speaks TLS as localhost: `ca` is who vouches for it, or null.
 * `settings` are options of the server by name. `client` is the command line program of the same packages, with the environment it needs. */
export async function startMariadb(cache, { settings = {} } = {}) {
  const prefix = provision(cache);
  const at = (...parts) => join(prefix, 'usr', ...parts);
  const folder = mkdtempSync(join(asRoot ? '/var/tmp' : tmpdir(), 'etl-mariadb-'));
  const libs = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'lib/aarch64-linux-gnu'].map((lib) => join(prefix, lib)).join(':');
  const env = { PATH: process.env.PATH, ...(prefix === '/' ? {} : { LD_LIBRARY_PATH: libs }) };
  const data = join(folder, 'data');
  mkdirSync(data);
  const common = ['--no-defaults', `--datadir=${data}`, `--lc-messages-dir=${at('share', 'mysql')}`, `--character-sets-dir=${at('share', 'mysql', 'charsets')}`, ...(asRoot ? ['--user=root'] : [])];
  if (asRoot) chownSync(folder, 0, 0);
  const bootstrap = ['CREATE DATABASE mysql;', 'USE mysql;', ...['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql'].map((name) => execFileSync('cat', [at('share', 'mysql', name)], { encoding: 'utf8', maxBuffer: 2 ** 26 })),
    'FLUSH PRIVILEGES;', 'CREATE DATABASE test;', "CREATE USER etl@'127.0.0.1' IDENTIFIED BY '';", "GRANT ALL ON *.* TO etl@'127.0.0.1' WITH GRANT OPTION;", ''].join('\n');
  const made = spawnSync(at('sbin', 'mariadbd'), [...common, '--bootstrap', '--skip-log-bin'], { env, input: bootstrap, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (made.status !== 0) rmSync(folder, { recursive: true, force: true });
  if (made.status !== 0) throw new Error(`MariaDB could not make its tables: ${made.stderr.split('\n').filter((line) => line.includes('ERROR'))[0]}`);
  const port = await freePort();
  const tls = certificate(folder);
  const child = spawn(at('sbin', 'mariadbd'), [...common, '--bind-address=127.0.0.1', `--port=${port}`, `--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'pid')}`, '--max-allowed-packet=64M', '--skip-name-resolve', '--skip-log-bin',
    ...Object.entries({ ...quick, ...settings }).map(([name, value]) => `--${name}=${value}`), ...(tls ? [`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`] : [])], { env, stdio: 'ignore' });
  const gone = new Promise((done) => { child.once('exit', done); });
  const stop = async () => { child.kill('SIGTERM'); await gone; rmSync(folder, { recursive: true, force: true }); };
  for (const end = Date.now() + START_MS; !(await answers(port)); await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`MariaDB ended with ${child.exitCode}`);
    if (Date.now() > end) { await stop(); throw new Error(`MariaDB did not answer within ${START_MS / 1000} s`); }
  }
  return { url: `mysql://etl@127.0.0.1:${port}/test`, ca: tls?.ca ?? null, port, pid: child.pid, client: { program: at('bin', 'mariadb'), env, options: ['--no-defaults', `--character-sets-dir=${at('share', 'mysql', 'charsets')}`, '--host=127.0.0.1', `--port=${port}`, '--user=etl', '--database=test'] }, stop };
}
const answers = (port) => new Promise((done) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('data', () => { socket.destroy(); done(true); }).once('error', () => { done(false); }).setTimeout(1_000, () => { socket.destroy(); done(false); });
});
