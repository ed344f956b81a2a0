import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CrashOrder } from '../crash-points.ts';

/** @property crash `point:pass`, `point:pass:stop`, or nothing */
export interface ProgramOrders { readonly urls: Record<string, { url: string; relayUrl: string }>; readonly crash: CrashOrder | '' }
const root = join(import.meta.dirname, '..', '..', '..', '..');
const bundler = `
import { build } from 'esbuild';
import { bundleDefaults, childProgram, decorators, external } from './tools/bundle-plugins.mjs';
const [program, outdir] = process.argv.slice(1);
await build({ ...bundleDefaults, entryPoints: { program }, outdir, splitting: true, metafile: true, plugins: [decorators, external, childProgram] });`;
const programs = new Map<string, string>();

/** Bundles a program once per test process, inside the workspace, where its packages are found; split as the apps are, so that what is loaded late costs no start. */
function bundled(entry: string): string {
  const known = programs.get(entry);
  if (known) return known;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'dist', `${basename(entry, '.ts')}-test-`));
  process.once('exit', () => { rmSync(folder, { recursive: true, force: true }); });
  execFileSync(process.execPath, ['--input-type=module', '-e', bundler, entry, folder], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const file = join(folder, 'program.js');
  programs.set(entry, file);
  return file;
}

/** A service of ours in a process of its own, to be killed. It reads its orders from ETL_TEST_ORDERS.
 * @param entry absolute path of its source */
export class ProgramProcess {
  /** Answers with the signal that ended it, or null. */
  readonly gone: Promise<NodeJS.Signals | null>;
  /** What it wrote to its log so far. */
  log = '';
  private constructor(private readonly child: ChildProcess) {
    this.gone = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
    child.stdout?.resume();
    child.stderr?.on('data', (bytes: Buffer) => { this.log += bytes.toString(); process.stderr.write(bytes); });
    const end = (): void => { child.kill('SIGKILL'); }; // a test that fails ends, and this process with it
    process.once('exit', end);
    child.once('exit', () => { process.off('exit', end); });
  }
  static start(entry: string, orders: ProgramOrders): ProgramProcess {
    return new ProgramProcess(spawn(process.execPath, [bundled(entry)], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], ETL_TEST_ORDERS: JSON.stringify(orders) } }));
  }
  /** Resolves with its first word on stdout. @throws when it ends before */
  async ready(): Promise<void> {
    const isUp = await Promise.race([once(this.child.stdout!, 'data').then(() => true), this.gone.then(() => false)]);
    if (!isUp) throw new Error('the process ended before it was ready');
  }
  get isAlive(): boolean { return this.child.exitCode === null && this.child.signalCode === null; }
  /** Whether it sleeps, after SIGSTOP. Linux alone tells. */
  get isStopped(): boolean { return readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').includes(') T '); }
  signal(name: NodeJS.Signals): void { this.child.kill(name); }
  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.gone;
  }
}
