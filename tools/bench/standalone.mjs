// A standalone of the product as a user has it, in a folder of its own, with what the bench asks it.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../install.mjs';
import { freePort } from '../provision/free-port.mjs';

const connectionTo = (url) => {
  const { hostname, port, pathname, username } = new URL(url);
  return { connector: 'postgres', host: hostname, port: Number(port), database: pathname.slice(1), user: username, tls: 'disable' };
};
/** @param connections addresses by name, or specs */
export async function startStandalone(connections, { execArgv = [], args = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'etl-bench-'));
  chmodSync(folder, 0o755);
  const specs = Object.fromEntries(Object.entries(connections).map(([name, spec]) => [name, typeof spec === 'string' ? connectionTo(spec) : spec]));
  writeFileSync(join(folder, 'agent-etl.yaml'), JSON.stringify({ version: 1, connections: specs }));
  const program = join(root, 'dist', 'apps', 'standalone', 'main.js');
  const child = spawn(join(root, 'node_modules', '.bin', 'node'), ['--enable-source-maps', ...execArgv, program, '--project', folder, '--port', String(await freePort()), ...args],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, HOME: process.env.HOME, ETL_SERVICE_KIT_LOG_LEVEL: 'warn' } });
  let said = '';
  child.stderr.on('data', (text) => { said = (said + text).slice(-4000); });
  const gone = new Promise((done) => { child.once('exit', done); });
  const file = join(folder, '.agent-etl', 'run.json');
  for (let tries = 0; !existsSync(file); tries += 1) {
    if (child.exitCode !== null || tries > 1200) { child.kill('SIGTERM'); throw new Error(`standalone did not start: ${said}`); }
    await sleep(100);
  }
  const known = JSON.parse(readFileSync(file, 'utf8'));
  const call = async (method, path, body) => {
    const headers = { authorization: `Bearer ${known.token}`, ...(body ? { 'content-type': 'application/json' } : {}) };
    const answer = await fetch(`${known.url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
    return json;
  };
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
    if (known.postgresFolder.startsWith('/var/tmp/agent-etl-')) rmSync(known.postgresFolder, { recursive: true, force: true });
  };
  // The launcher of npm's node may stand in between: the tree under the child holds everything.
  return { pid: child.pid, postgresPid: Number(readFileSync(join(known.postgresFolder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]), postgresUrl: known.postgresUrl, folder, call, stop };
}
/** Runs one pipeline and calls `onTaskEnd(id)` when a task is seen to have ended. Answers the run. @throws when it is not green */
export async function runPipeline(standalone, pipeline, { onTaskEnd = () => undefined, everyMs = 200 } = {}) {
  const { requestId } = await standalone.call('POST', '/v1/requests', { pipeline, run: 'now' });
  const ended = new Set();
  for (;;) {
    const request = await standalone.call('GET', `/v1/requests/${requestId}`);
    if (request.failure || request.state === 'waiting') throw new Error(`${pipeline.name} does not run: ${JSON.stringify(request)}`);
    const run = request.runId ? await standalone.call('GET', `/v1/runs/${request.runId}`) : null;
    for (const { id, state } of run?.tasks ?? []) if (state === 'succeeded' && !ended.has(id)) { ended.add(id); onTaskEnd(id); }
    if (run?.state === 'succeeded') return { run, request };
    if (run?.state === 'failed' || run?.state === 'cancelled') throw new Error(`${pipeline.name} is ${run.state}: ${JSON.stringify(run.failure)}`);
    await sleep(everyMs);
  }
}
