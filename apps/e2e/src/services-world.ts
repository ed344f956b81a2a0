import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@agent-etl/api-client';
import { KafkaBus } from '@agent-etl/messaging';
import { OwnBroker } from '@agent-etl/messaging/testing';
import { appsBelow } from './processes.ts';
import { type SetUp, type World, cliProgram, root, run } from './world.ts';

interface Ready { url: string; token: string; brokers: string; postgresUrl: string; postgresFolder: string; publicKey: string; ports: Record<string, number> }

/** A line as a console producer sends it: bytes without headers or key. */
async function produceLine(brokers: readonly string[], line: string): Promise<void> {
  const bus = new KafkaBus({ brokers, clientId: 'e2e' });
  await bus.publish([{ topic: 'etl.pipeline.requests', key: '', headers: {}, value: Buffer.from(line) }]);
  await bus.close();
}
/** Four processes on a real Kafka and a real PostgreSQL, started by `npm run services`, which starts a killed one again. */
async function startServicesWorld(): Promise<World> {
  const [folder, broker] = await Promise.all([mkdtemp(join(tmpdir(), 'etl-e2e-')), OwnBroker.open()]);
  const scratch = join(folder, 'scratch');
  const args = [join(root, 'tools', 'services.mjs'), '--json', '--port', '0', '--folder', folder, '--file-roots', folder, '--brokers', broker.brokers.join(','), '--env', `ETL_ETL_WORKER_SCRATCH=${scratch}`];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: process.env });
  const line = await Promise.race([once(createInterface(child.stdout), 'line') as Promise<[string]>, once(child, 'exit').then(([code]) => { throw new Error(`services ended with ${String(code)}`); })]);
  const ready = JSON.parse(String(line[0])) as Ready;
  const processes = (): Promise<Record<string, number>> => appsBelow(child.pid!);
  return {
    folder, scratch, url: ready.url, token: ready.token, postgresUrl: ready.postgresUrl, publicKey: ready.publicKey, client: createClient({ baseUrl: ready.url, token: ready.token }),
    broker, processes, doors: { edge: ready.url, ...Object.fromEntries(Object.entries(ready.ports).map(([app, port]) => [app, `http://127.0.0.1:${port}`])) },
    produce: (text) => produceLine(broker.brokers, text),
    cli: (given, env, during) => run(process.execPath, [cliProgram, ...given, '--url', ready.url, '--token', ready.token], { cwd: folder, env: { NO_COLOR: '1', ...env }, during }),
    metrics: async () => Object.fromEntries(await Promise.all(Object.entries(ready.ports).map(async ([app, port]) => [app, await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()] as const))),
    revive: async () => {
      for (const [app, port] of Object.entries(ready.ports)) while (!(await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null))?.ok || !(await processes())[app]) await delay(100);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await broker.end();
      for (const path of [folder, ready.postgresFolder]) await rm(path, { recursive: true, force: true });
    },
  };
}
export const services: SetUp = { name: 'four processes', has: { broker: true, services: true }, start: startServicesWorld };
