import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtlError } from '@agent-etl/contracts';
import pg from 'pg';
import { type Binaries, type Identity, findBinaries } from './embedded-binaries.ts';
import { type Postmaster, forgetStranger, isServer, postmasterOf, stopPostmaster } from './postmaster.ts';

/** @property folder where the cluster lives; made when missing. As root a folder below /var/tmp takes its place when the user postgres cannot reach it
 * @property port of loopback; left out, the port that an adopted server has, else a free one */
export interface EmbeddedOptions { folder: string; port?: number }
/** @property url superuser of the cluster, with its password: only for its owner
 * @property nearUrl the same through its Unix socket, which costs a third less per statement, where there is one; else `url`
 * @property password of the superuser; prepareState gives it to the services' logins too, when it is asked to
 * @property folder where the cluster really lives
 * @property adopted whether the server was running already, left by a process that was killed */
export interface EmbeddedPostgres { url: string; nearUrl: string; port: number; password: string; folder: string; pid: number; adopted: boolean; stop(): Promise<void> }

// Small and quiet: one person's machine. Fewer processes, no parallel workers that nobody asked for, nothing that a statement says in the log.
const settings = {
  listen_addresses: '127.0.0.1', max_connections: '80', shared_buffers: '64MB', work_mem: '16MB', maintenance_work_mem: '128MB', max_wal_size: '1GB',
  wal_level: 'minimal', max_wal_senders: '0', io_method: 'sync', jit: 'off', huge_pages: 'off', autovacuum_max_workers: '2', autovacuum_worker_slots: '2',
  autovacuum_naptime: '5min', checkpoint_timeout: '15min', wal_writer_delay: '200ms', bgwriter_delay: '1s', max_logical_replication_workers: '0',
  log_min_messages: 'warning', log_min_error_statement: 'panic', log_statement: 'none', log_checkpoints: 'off', timezone: 'UTC', log_timezone: 'UTC',
} as const;
const START_LIMIT_MS = 60_000;

/** Starts a real PostgreSQL for this machine, or takes over the one that already runs on the folder. It outlives this process when that is killed.
 * @throws EtlError `platform.unavailable` */
export async function startEmbeddedPostgres({ folder, port }: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const home = await reachable(resolve(folder), binaries.identity);
  const data = join(home, 'data');
  const password = await passwordOf(home, binaries);
  const running = await postmasterOf(data);
  const adopted = running && await adopt(data, { running, password, port });
  const server = adopted ?? await start(binaries, { data, home, password, port: port ?? await freePort() });
  return {
    url: urlOf(server.port, password), nearUrl: await nearUrlOf(home, { port: server.port, password }), port: server.port, password, folder: home, pid: server.pid, adopted: adopted !== null,
    stop: () => stopOn(data, server.pid),
  };
}

/** Stops the server of a folder, which has another process id when somebody restarted it meanwhile. */
async function stopOn(data: string, pid: number): Promise<void> {
  for (const each of new Set([pid, (await postmasterOf(data))?.pid ?? pid])) await stopPostmaster(each);
}

const urlOf = (port: number, password: string): string => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;

/** Longest path of a Unix socket: 107 bytes on Linux, 103 on macOS, with a zero behind it. */
const MOST_SOCKET_BYTES = 103;
const socketOf = (home: string, port: number): string => join(home, `.s.PGSQL.${port}`);
const hasRoom = (home: string, port: number): boolean => process.platform !== 'win32' && !home.includes(',') && Buffer.byteLength(socketOf(home, port)) <= MOST_SOCKET_BYTES;
/** A server that an earlier release started, and one in too deep a folder, has no socket; a file there may be what a dead server left. So it is asked. */
async function nearUrlOf(home: string, { port, password }: { port: number; password: string }): Promise<string> {
  const url = urlOf(port, password);
  const near = `${url}?host=${encodeURIComponent(home)}`;
  return hasRoom(home, port) && existsSync(socketOf(home, port)) && await answers(near) ? near : url;
}

/** A folder that belongs to the server's user. Folders on the way there must let that user through. */
async function reachable(folder: string, { uid, gid }: Identity): Promise<string> {
  const home = uid === undefined || await letsThrough(dirname(folder)) ? folder : join('/var/tmp', `agent-etl-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
  await mkdir(dirname(home), { recursive: true, mode: 0o755 }); // a folder on the way that only we may enter would lock the server's user out
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chmod(home, 0o700);
  if (uid !== undefined && gid !== undefined) await chown(home, uid, gid);
  return home;
}
async function letsThrough(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => null);
  const ok = !found || (found.mode & 0o001) !== 0; // what is missing will be made by us
  const above = dirname(folder);
  return ok && (above === folder || await letsThrough(above));
}

/** Makes the cluster when the folder has none. A half-made one, from a start that was killed, is made again: its password file comes last. */
async function passwordOf(home: string, { initdb, identity }: Binaries): Promise<string> {
  const file = join(home, 'password');
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known) return known;
  await rm(join(home, 'data'), { recursive: true, force: true });
  const password = randomBytes(18).toString('base64url');
  const draft = join(home, `password.${process.pid}`);
  await writeFile(draft, password, { mode: 0o600 });
  if (identity.uid !== undefined && identity.gid !== undefined) await chown(draft, identity.uid, identity.gid);
  const flags = ['-D', join(home, 'data'), '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${draft}`, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync', '--no-instructions'];
  await finished(initdb, flags, identity);
  await rename(draft, file);
  return password;
}

async function finished(program: string, flags: readonly string[], identity: Identity): Promise<void> {
  const child = spawn(program, flags, { ...identity, cwd: '/', env: { LC_ALL: 'C.UTF-8', TZ: 'UTC' }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const code = await new Promise<number | null>((done, fail) => { child.once('error', fail); child.once('close', done); });
  if (code !== 0) throw unavailable(`initdb ended with ${code}`, new Error(said.slice(-2_000)));
}

/** Takes a running server over when it answers and nobody asked for another port; else stops it, so that a new one can start. */
async function adopt(data: string, { running, password, port }: { running: Postmaster; password: string; port: number | undefined }): Promise<Postmaster | null> {
  if (port === undefined || port === running.port) {
    for (let tries = 0; tries < 100 && await isServer(running.pid); tries += 1) {
      const now = await postmasterOf(data);
      if (now && await answers(urlOf(now.port, password))) return now;
      await sleep(100);
    }
  }
  await stopPostmaster(running.pid);
  return null;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try { await client.connect(); await client.query('select 1'); return true; } catch { return false; } finally { await client.end().catch(() => undefined); } // no answer is the answer
}

interface StartOptions { data: string; home: string; password: string; port: number }

/** Processes of a server that was killed end by themselves, but not at once; as long as one of them has its shared memory, no other server starts on the folder. */
async function start(binaries: Binaries, options: StartOptions): Promise<Postmaster> {
  const until = Date.now() + START_LIMIT_MS;
  for (;;) {
    const outcome = await startOnce(binaries, options, until);
    if ('pid' in outcome) return outcome;
    const isHeld = outcome.log.includes('pre-existing shared memory block');
    if (isHeld) await sleep(100);
    if (!isHeld || Date.now() >= until) throw unavailable(outcome.ended, new Error(outcome.log)); // asked behind the pause: a try without time would hide what this one said
  }
}

async function startOnce({ postgres, identity }: Binaries, { data, home, password, port }: StartOptions, until: number): Promise<Postmaster | { ended: string; log: string }> {
  await forgetStranger(`${socketOf(home, port)}.lock`);
  const all = { ...settings, port: String(port), unix_socket_directories: hasRoom(home, port) ? home : '' };
  const log = await open(join(home, 'postgres.log'), 'w', 0o600);
  // In a session of its own: a Ctrl-C in our terminal must not end it before we have finished with it.
  const child = spawn(postgres, ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...identity, cwd: '/', env: { LC_ALL: 'C.UTF-8', TZ: 'UTC' }, detached: true, stdio: ['ignore', log.fd, log.fd] });
  let ended: string | null = null;
  child.once('error', (error) => { ended = error.message; });
  child.once('exit', (code, signal) => { ended = `it ended with ${code ?? signal}`; });
  child.unref();
  await log.close();
  for (; Date.now() < until && ended === null; await sleep(20)) {
    const running = await postmasterOf(data);
    if (running?.status.startsWith('ready') && await answers(urlOf(running.port, password))) return running;
  }
  return { ended: ended ?? 'no answer', log: (await readFile(join(home, 'postgres.log'), 'utf8').catch(() => '')).slice(-2_000) };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer().once('error', fail).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => { done(typeof address === 'object' && address ? address.port : 0); });
    });
  });
}
const unavailable = (reason: string, cause: unknown): EtlError =>
  new EtlError('platform.unavailable', { dependency: `the embedded PostgreSQL (${reason})`, kept: 'no' }, { cause });
