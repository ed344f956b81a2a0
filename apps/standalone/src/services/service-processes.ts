import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type App, EtlError, apps } from '@agent-etl/contracts';
import type { Logins, Schema } from '@agent-etl/persistence';
import { nodeFlags, processEnvironment } from '@agent-etl/service-kit';
import type { Ports } from './edge.ts';

export const schemaOf: Readonly<Record<App, Schema>> = { orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' };
/** @property pid of the process that was started first */
export interface ServiceProcess { readonly app: App; readonly pid: number; stop(): Promise<void> }
export interface ProcessOptions { readonly brokers: string; readonly urls: Readonly<Record<Schema, Logins>>; readonly ports: Ports; readonly home: string; readonly env: Readonly<Record<string, string | undefined>> }

const againMs = 500;
const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
async function stop(child: ChildProcess): Promise<void> {
  if (ended(child)) return;
  const gone = new Promise<void>((done) => { child.once('exit', () => { done(); }); });
  child.kill('SIGTERM');
  await Promise.race([gone, delay(15_000).then(() => { child.kill('SIGKILL'); return gone; })]);
}
/** Keeps one deployed service running as its own process, as a container would: one that ends unasked is started again. Its log goes to a file. */
export function keepService(app: App, options: ProcessOptions): ServiceProcess {
  const log = join(options.home, `${app}.log`);
  let isStopping = false;
  let child = spawnService(app, log, options);
  const watch = (): void => {
    child.once('exit', (code, signal) => {
      if (isStopping) return;
      process.stderr.write(` !  ${app} ended with ${code ?? signal}; starting it again, see ${log}\n`);
      setTimeout(() => {
        if (isStopping) return;
        child = spawnService(app, log, options);
        watch();
      }, againMs).unref();
    });
  };
  watch();
  return { app, pid: child.pid ?? 0, stop: () => { isStopping = true; return stop(child); } };
}
function spawnService(app: App, log: string, { brokers, urls, ports, home, env }: ProcessOptions): ChildProcess {
  const out = openSync(log, 'a', 0o600);
  const { url, relayUrl } = urls[schemaOf[app]];
  try {
    return spawn(process.execPath, [...nodeFlags, join(import.meta.dirname, '..', app, 'main.js')], {
      stdio: ['ignore', out, out], cwd: home,
      env: { ...processEnvironment(), ETL_SERVICE_KIT_HOST: '127.0.0.1', ETL_SERVICE_KIT_PORT: String(ports[app]), ETL_MESSAGING_BROKERS: brokers, ETL_PERSISTENCE_URL: url, ETL_PERSISTENCE_RELAY_URL: relayUrl, ...env } });
  } finally {
    closeSync(out);
  }
}
/** Waits until every service says that it is ready. @throws EtlError `platform.unavailable` naming the one that is not, and its log */
export async function allReady(ports: Ports, home: string): Promise<void> {
  const until = Date.now() + 60_000;
  for (const app of apps) {
    while (!(await fetch(`http://127.0.0.1:${ports[app]}/health/ready`).catch(() => null))?.ok) {
      if (Date.now() > until) throw new EtlError('platform.unavailable', { dependency: `The service ${app}`, kept: 'no', next: `read ${join(home, `${app}.log`)}` });
      await delay(100);
    }
  }
}
