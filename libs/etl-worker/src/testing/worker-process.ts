import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CrashPoint } from '@agent-etl/service-kit';

export interface WorkerOrders {
  readonly urls: Record<string, { url: string; relayUrl: string }>;
  readonly env: Record<string, string>;
  /** `point:pass`, or nothing. */
  readonly crash: `${CrashPoint}:${number}` | '';
  readonly fileRoots: readonly string[];
}
const root = join(import.meta.dirname, '..', '..', '..', '..');
const bundler = `
import { build } from 'esbuild';
import { bundleDefaults, decorators, external } from './tools/bundle-plugins.mjs';
const [entryPoint, outfile] = process.argv.slice(1);
await build({ ...bundleDefaults, entryPoints: [entryPoint], outfile, plugins: [decorators, external] });`;
let program: string | null = null;

/** Bundles the worker program once per test process. Its folder lies in the workspace, so that its packages are found. */
function bundled(): string {
  if (program) return program;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'dist', 'worker-test-'));
  const file = join(folder, 'worker.js');
  execFileSync(process.execPath, ['--input-type=module', '-e', bundler, join(import.meta.dirname, 'worker-program.ts'), file], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return program = file;
}

/** Removes the bundle; called in afterAll. */
export function dropBundle(): void {
  if (program) rmSync(dirname(program), { recursive: true, force: true });
  program = null;
}

/** A worker in a process of its own. */
export class WorkerProcess {
  private constructor(private readonly child: ChildProcess, private readonly gone: Promise<unknown>) {}

  static async start(orders: WorkerOrders): Promise<WorkerProcess> {
    const child = spawn(process.execPath, ['--enable-source-maps', bundled()], {
      stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'], ETL_TEST_ORDERS: JSON.stringify(orders) },
    });
    const gone = once(child, 'exit');
    const up = await Promise.race([once(child.stdout!, 'data').then(() => true), gone.then(() => false)]);
    if (!up) throw new Error('the worker process ended before it was ready');
    return new WorkerProcess(child, gone);
  }
  get isAlive(): boolean { return this.child.exitCode === null && this.child.signalCode === null; }
  signal(name: NodeJS.Signals): void { this.child.kill(name); }
  async ended(): Promise<void> { await this.gone; }
  async kill(): Promise<void> {
    if (!this.isAlive) return;
    this.child.kill('SIGKILL');
    await this.gone;
  }
}
