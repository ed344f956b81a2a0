import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@agent-etl/api-client';
import { KafkaBus } from '@agent-etl/messaging';
import { type World, cliProgram, root, run } from './world.ts';

interface Ready { url: string; token: string; brokers: string; postgresUrl: string; publicKey: string }

/** A line as a console producer sends it: bytes without headers or key. */
async function produceLine(brokers: string, line: string): Promise<void> {
  const bus = new KafkaBus({ brokers: brokers.split(','), clientId: 'e2e' });
  await bus.publish([{ topic: 'etl.pipeline.requests', key: '', headers: {}, value: Buffer.from(line) }]);
  await bus.close();
}
/** Four processes, a real Kafka and a real PostgreSQL, started by `npm run services`. @param brokers of a running broker; left out, one is started */
export async function startServicesWorld(brokers: string | undefined): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'etl-e2e-'));
  const args = [join(root, 'tools', 'services.mjs'), '--json', '--port', '0', '--folder', folder, '--file-roots', folder, ...(brokers ? ['--brokers', brokers] : [])];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: process.env });
  const line = await Promise.race([once(createInterface(child.stdout), 'line') as Promise<[string]>, once(child, 'exit').then(([code]) => { throw new Error(`services ended with ${String(code)}`); })]);
  const ready = JSON.parse(String(line[0])) as Ready;
  return {
    name: 'four processes', folder, url: ready.url, token: ready.token, postgresUrl: ready.postgresUrl, publicKey: ready.publicKey, client: createClient({ baseUrl: ready.url, token: ready.token }),
    produce: (text) => produceLine(ready.brokers, text),
    cli: (given, env, during) => run(process.execPath, [cliProgram, ...given, '--url', ready.url, '--token', ready.token], { cwd: folder, env: { NO_COLOR: '1', ...env }, during }),
    stop: async () => { child.kill('SIGTERM'); await once(child, 'exit'); await rm(folder, { recursive: true, force: true }); },
  };
}
