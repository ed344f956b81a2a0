// Runs an image by runc as a restricted pod has it: user of the image, no capability, default seccomp, read-only root, a small /tmp, a memory limit.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readImage } from '../../../deploy/docker/oci.mjs';

const MiB = 2 ** 20;
const volatile = (destination, type, options) => ({ destination, type, source: type, options });

/** Unpacks an image for runc. Its base stands once for all, as containers of one machine share it. Answers `{ rootfs, config }`. */
export function unpackImage(layout, folder, bases) {
  const { manifest, config: { config } } = readImage(layout);
  const [rootfs, [base, ...layers]] = [join(folder, 'rootfs'), manifest.layers];
  const unpack = ({ digest }, to) => { execFileSync('tar', ['-xzf', join(layout, 'blobs', 'sha256', digest.slice(7)), '-C', to, '--same-owner', '-p']); };
  const shared = join(bases, base.digest.slice(7, 19));
  if (!existsSync(shared)) { mkdirSync(shared, { recursive: true }); unpack(base, shared); }
  mkdirSync(folder, { recursive: true });
  execFileSync('cp', ['-al', shared, rootfs]);
  for (const layer of layers) unpack(layer, rootfs);
  return { rootfs, config };
}

/** The runtime's description of one container.
 * @param pod `{ env, args, mounts: [{ from, at, isReadOnly }], memoryMb, scratchMb }`; scratchMb null leaves /tmp on the read-only root. The rest is for planted faults */
export function specOf({ rootfs, config, seccomp, name }, { env = {}, args = [], mounts = [], memoryMb = 512, scratchMb = 64, isRootWritable = false, isUnlimited = false, hasSeccomp = true, capabilities = [], user, command }) {
  const [uid, gid] = (user ?? config.User).split(':').map(Number);
  const given = [...config.Env, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)];
  return {
    ociVersion: '1.0.2', hostname: name, root: { path: rootfs, readonly: !isRootWritable },
    process: { terminal: false, user: { uid, gid }, args: [...command ?? config.Entrypoint, ...args], env: given, cwd: config.WorkingDir, noNewPrivileges: true, capabilities: Object.fromEntries(['bounding', 'effective', 'inheritable', 'permitted', 'ambient'].map((set) => [set, capabilities])) },
    mounts: [
      volatile('/proc', 'proc', []), volatile('/dev', 'tmpfs', ['nosuid', 'noexec', 'mode=755', 'size=64k']), volatile('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=16m']), volatile('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']), volatile('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro']),
      ...(scratchMb === null ? [] : [volatile('/tmp', 'tmpfs', ['nosuid', 'nodev', 'mode=1777', `size=${scratchMb}m`])]),
      ...mounts.map(({ from, at, isReadOnly = true }) => ({ destination: at, type: 'bind', source: from, options: ['rbind', 'nosuid', 'nodev', isReadOnly ? 'ro' : 'rw'] })),
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })), cgroupsPath: `/agent-etl-proof/${name}`, ...(hasSeccomp ? { seccomp } : {}),
      resources: { ...(isUnlimited ? {} : { memory: { limit: memoryMb * MiB, swap: memoryMb * MiB } }), pids: { limit: 256 } },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/sys/firmware'], readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/** Starts containers of unpacked images. `run(app, pod)` answers one that runs; `end` kills all that are left. */
export class Containers {
  #tools; #folder; #images = new Map(); #count = 0; #running = new Set();
  constructor(tools, folder) { this.#tools = tools; this.#folder = folder; }
  add(app, layout) { this.#images.set(app, unpackImage(layout, join(this.#folder, app), join(this.#folder, 'bases'))); }
  rootfs(app) { return this.#images.get(app).rootfs; }

  run(app, pod = {}) {
    const name = `etl-${process.pid}-${this.#count += 1}-${app}`;
    const bundle = join(this.#folder, name);
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(specOf({ ...this.#images.get(app), seccomp: this.#tools.seccomp, name }, pod)));
    const container = new Container(this.#tools, { name, bundle, state: join(this.#folder, 'state') });
    this.#running.add(container);
    void container.exit.then(() => this.#running.delete(container));
    return container;
  }
  /** Runs to its end: `{ code, said }`. */
  async once(app, pod, limitMs = 180_000) {
    const container = this.run(app, pod);
    const code = await Promise.race([container.exit, sleep(limitMs, null, { ref: false })]);
    if (code === null) await container.kill('KILL');
    return { code, said: container.said() };
  }
  async end() { await Promise.all([...this.#running].map((container) => container.kill('KILL'))); }
}

class Container {
  #tools; #state; #log;
  constructor(tools, { name, bundle, state }) {
    Object.assign(this, { name, bundle, startedAt: performance.now(), hasEnded: false });
    this.#tools = tools; this.#state = state; this.#log = join(bundle, 'log');
    const out = openSync(this.#log, 'w');
    const child = spawn(tools.runc, ['--root', state, 'run', '--bundle', bundle, name], { env: tools.env, stdio: ['ignore', out, out] });
    closeSync(out);
    this.exit = new Promise((done) => { child.once('exit', (code, signal) => { this.hasEnded = true; done(code ?? signal); }); });
  }
  said() { return readFileSync(this.#log, 'utf8'); }
  #runc(...args) { return spawnSync(this.#tools.runc, ['--root', this.#state, ...args], { env: this.#tools.env, encoding: 'utf8' }); }
  /** The process 1 of the container, as the machine numbers it. */
  get pid() { try { return JSON.parse(this.#runc('state', this.name).stdout).pid; } catch { return null; } }
  /** Whether runc has handed over to the program. */
  isCreated() { try { return JSON.parse(this.#runc('state', this.name).stdout).status === 'running'; } catch { return false; } }
  pids() { try { return JSON.parse(this.#runc('ps', '--format', 'json', this.name).stdout); } catch { return []; } }
  /** Processes of it that the kernel killed for their memory. */
  kills() {
    const file = [`/sys/fs/cgroup/memory/agent-etl-proof/${this.name}/memory.oom_control`, `/sys/fs/cgroup/agent-etl-proof/${this.name}/memory.events`].find(existsSync);
    return file ? Number(/^oom_kill (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) : 0;
  }
  signal(signal) { this.#runc('kill', this.name, signal); }
  async kill(signal) { this.signal(signal); return await this.exit; }
  /** Starts another program in it: `{ status, stdout, stderr }`. */
  exec(...args) { return this.#runc('exec', this.name, ...args); }
  forget() { rmSync(this.bundle, { recursive: true, force: true }); }
}

/** Memory of a process in MB as Linux shares it out among those that map the same pages. */
export function pssMb(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024 / 1e6;
}
