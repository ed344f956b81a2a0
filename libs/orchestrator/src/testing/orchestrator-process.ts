import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CrashPoint } from '@agent-etl/service-kit';

/** @property crash `point:pass`, or nothing */
export interface OrchestratorOrders { readonly urls: Record<string, { url: string; relayUrl: string }>; readonly crash: `${CrashPoint}:${number}` | '' }
const root = join(import.meta.dirname, '..', '..', '..', '..');
const bundler = `
import { build } from 'esbuild';
import { bundleDefaults, decorators, external } from './tools/bundle-plugins.mjs';
const [entryPoint, outfile] = process.argv.slice(1);
await build({ ...bundleDefaults, entryPoints: [entryPoint], outfile, plugins: [decorators, external] });`;
let program: string | null = null;

/** Bundles the program once per test process, inside the workspace, where its packages are found. */
function bundled(): string {
  if (program) return program;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(root, 'dist', 'orchestrator-test-'));
  process.once('exit', () => { rmSync(folder, { recursive: true, force: true }); });
  const file = join(folder, 'orchestrator.js');
  execFileSync(process.execPath, ['--input-type=module', '-e', bundler, join(import.meta.dirname, 'orchestrator-program.ts'), file], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return program = file;
}

/** Starts an orchestrator in a process of its own. `gone` answers with the signal that ended it. */
export function startOrchestrator(orders: OrchestratorOrders): { kill(): void; readonly gone: Promise<NodeJS.Signals | null> } {
  const child: ChildProcess = spawn(process.execPath, [bundled()], { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: process.env['PATH'], ETL_TEST_ORDERS: JSON.stringify(orders) } });
  child.unref(); // a test that fails ends, and this process with it
  process.once('exit', () => { child.kill('SIGKILL'); });
  return { kill: () => { child.kill('SIGKILL'); }, gone: once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null) };
}
