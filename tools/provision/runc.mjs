// runc and the seccomp profile that container engines give a pod by default, from Debian's packages, unpacked without an install.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';

const PACKAGES = ['runc', 'libseccomp2', 'golang-github-containers-common'];

function unpack(cache) {
  const home = join(cache, 'root');
  if (existsSync(join(home, 'usr', 'sbin', 'runc'))) return home;
  process.stderr.write('unpacking runc from Debian packages (3 MB), once\n');
  const [packages, fresh] = [join(cache, 'packages'), join(cache, `root.${process.pid}`)];
  mkdirSync(packages, { recursive: true });
  const download = () => spawnSync('apt-get', ['-q', 'download', ...PACKAGES], { cwd: packages, encoding: 'utf8' });
  let { status, stderr } = download();
  if (status !== 0 && spawnSync('apt-get', ['-q', 'update'], { stdio: 'ignore' }).status === 0) ({ status, stderr } = download());
  if (status !== 0) throw new Error(`apt-get download runc: ${stderr?.trim().split('\n').at(-1) ?? 'there is no apt-get'}`);
  for (const file of readdirSync(packages)) execFileSync('dpkg', ['-x', join(packages, file), fresh]);
  rmSync(home, { recursive: true, force: true });
  renameSync(fresh, home);
  return home;
}

/** Lines of the engines' profile that hold for a process without any capability, in the words of the runtime. */
function withoutCapabilities({ defaultAction, defaultErrnoRet, archMap, syscalls }) {
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch()];
  const isOurs = ({ includes = {}, excludes = {} }) => !includes.caps?.length && (!includes.arches?.length || includes.arches.includes(cpu)) && !excludes.arches?.includes(cpu);
  const machine = archMap.find(({ architecture }) => architecture === { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' }[arch()]);
  return { defaultAction, defaultErrnoRet, architectures: [machine.architecture, ...machine.subArchitectures],
    syscalls: syscalls.filter(isOurs).map(({ names, action, args, errnoRet }) => ({ names, action, ...(args?.length ? { args } : {}), ...(errnoRet === undefined ? {} : { errnoRet }) })) };
}

/** `{ runc, env, seccomp }`. @throws Error with one line when containers cannot be run here, or runc cannot be had */
export function provisionRunc(cache) {
  if (process.getuid?.() !== 0) throw new Error('running a container as another user needs root');
  const home = unpack(cache);
  const lib = readdirSync(join(home, 'usr', 'lib')).map((name) => join(home, 'usr', 'lib', name)).join(':');
  const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: lib };
  const runc = join(home, 'usr', 'sbin', 'runc');
  const { status, stderr } = spawnSync(runc, ['--version'], { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`runc does not run here: ${stderr.trim()}`);
  return { runc, env, seccomp: withoutCapabilities(JSON.parse(readFileSync(join(home, 'usr', 'share', 'containers', 'seccomp.json'), 'utf8'))) };
}
