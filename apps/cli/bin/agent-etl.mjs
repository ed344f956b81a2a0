#!/usr/bin/env node
// `npx agent-etl` in the clone: bundles the command line and the standalone when a source is newer than the last bundle, then runs it on the Node that
// the packages bring. Starts on any Node from 20 on and needs nothing but node_modules.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const node = join(root, 'node_modules', '.bin', 'node');
if (!existsSync(node)) {
  process.stderr.write(` x  The packages are not installed.\n    next    cd ${root} && npm ci\n`);
  process.exit(1);
}
const apps = ['cli', 'standalone'];
const sources = [...apps.map((app) => join(root, 'apps', app, 'src')), ...readdirSync(join(root, 'libs')).map((lib) => join(root, 'libs', lib, 'src'))];
const stamp = join(root, 'dist', 'apps', '.bundled');
const lock = join(root, 'dist', '.bundling');

/** Newest change below a folder, and how many files there are: a removed file counts too. */
function newest(folder, sum = { time: 0, files: 0 }) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest(path, sum);
    else if (/\.(ts|mjs)$/.test(entry.name) && !/\.(spec|int-spec|e2e-spec)\.ts$/.test(entry.name)) { sum.files += 1; sum.time = Math.max(sum.time, statSync(path).mtimeMs); }
  }
  return sum;
}
const stateOfSources = () => JSON.stringify(sources.map((folder) => newest(folder)).reduce((all, { time, files }) => ({ time: Math.max(all.time, time), files: all.files + files }), { time: 0, files: 0 }));
const isFresh = (state) => apps.every((app) => existsSync(join(root, 'dist', 'apps', app, 'main.js'))) && existsSync(stamp) && readFileSync(stamp, 'utf8') === state;

/** One at a time: two first commands at once must not write the same files. A lock of somebody who died is a minute old at most. */
function withLock(work) {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try { mkdirSync(lock); break; } catch {
      if (Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 60_000) rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try { work(); } finally { rmSync(lock, { recursive: true, force: true }); }
}
function bundle() {
  const state = stateOfSources();
  if (isFresh(state)) return;
  for (const app of apps) {
    const { status, stderr } = spawnSync(node, [join(root, 'tools', 'bundle.mjs')], { cwd: join(root, 'apps', app), encoding: 'utf8' });
    if (status !== 0) { rmSync(lock, { recursive: true, force: true }); process.stderr.write(`${stderr}\n x  ${app} could not be bundled\n`); process.exit(1); }
  }
  writeFileSync(stamp, state);
}
if (process.env.AGENT_ETL_BUNDLED !== '1' && !isFresh(stateOfSources())) withLock(bundle);
const child = spawn(node, ['--enable-source-maps', join(root, 'dist', 'apps', 'cli', 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
// Signals of a terminal reach the child by themselves; others are handed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal); });
child.on('exit', (code, signal) => { process.exit(code ?? 128 + (constants.signals[signal] ?? 1)); });
