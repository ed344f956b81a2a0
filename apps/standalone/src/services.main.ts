import 'reflect-metadata';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type App, apps, toFailure } from '@agent-etl/contracts';
import { KafkaBus } from '@agent-etl/messaging';
import { prepareState, startEmbeddedPostgres } from '@agent-etl/persistence';
import { MemorySecretStore } from '@agent-etl/secrets';
import { allServices } from './feature-services.ts';
import { freePort } from './free-port.ts';
import { makeToken } from './run-file.ts';
import { openEdge } from './services/edge.ts';
import { allReady, keepService } from './services/service-processes.ts';
import { readServicesArguments } from './services/arguments.ts';
import { readyLines } from './services/ready-lines.ts';
import { signingKeyOf } from './signing-key.ts';

// Everything of a deployment on one machine, each part a process of its own: PostgreSQL, topics on the given brokers, four services, an edge.
const { brokers, folder, port, isJson, fileRoots, env } = readServicesArguments(process.argv.slice(2), process.cwd());
const stops: (() => Promise<unknown> | void)[] = [];
let isStopping = false;
const stopAll = async (code: number): Promise<void> => {
  if (isStopping) return;
  isStopping = true;
  for (const stop of stops.reverse()) await Promise.resolve(stop()).catch(() => undefined);
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { void stopAll(0); });

try {
  const home = join(folder, '.agent-etl');
  await mkdir(home, { recursive: true, mode: 0o700 });
  const postgres = await startEmbeddedPostgres({ folder: join(home, 'postgres') });
  stops.push(() => postgres.stop());
  const schemas = allServices({ secrets: new MemorySecretStore(), fileRoots: [] }).map(({ schema, migrations }) => ({ schema, migrations }));
  const urls = await prepareState({ adminUrl: postgres.nearUrl, database: 'agent_etl', password: makeToken(), schemas });
  const bus = new KafkaBus({ brokers: brokers.split(','), clientId: 'services' });
  await bus.createTopics();
  await bus.close();
  const token = makeToken();
  const tokens = join(home, 'tokens.json');
  await writeFile(tokens, JSON.stringify({ [token]: { name: 'owner', role: 'admin' } }), { mode: 0o600 });
  const ports = Object.fromEntries(await Promise.all(apps.map(async (app) => [app, await freePort(0)] as const))) as Record<App, number>;
  const signingKey = await signingKeyOf(folder);
  const settings = {
    ETL_SERVICE_KIT_TOKENS: tokens, ETL_ORCHESTRATOR_SIGNING_KEY_FILE: signingKey, ETL_CONNECTORS_FILE_ROOTS: fileRoots, ETL_DAG_GENERATOR_PREVIEW_FOLDER: join(home, 'dags'), ETL_DAG_GENERATOR_ROOT: folder,
    ETL_SERVICE_KIT_STATIC: join(import.meta.dirname, '..', 'dashboard'), ...env };
  const services = apps.map((app) => keepService(app, { brokers, urls, ports, home, env: settings }));
  stops.push(() => Promise.all(services.map((service) => service.stop())));
  await allReady(ports, home);
  const edge = openEdge(ports);
  await new Promise<void>((done) => { edge.listen(port, '127.0.0.1', done); });
  stops.push(() => { edge.close(); edge.closeAllConnections(); });
  const address = edge.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`;
  const ready = { url, token, brokers, ports, postgresUrl: postgres.url, postgresFolder: postgres.folder, folder, publicKey: join(home, 'keys', 'receipts.pub.pem'), pids: Object.fromEntries(services.map(({ app, pid }) => [app, pid])), logs: home };
  process.stdout.write(isJson ? `${JSON.stringify(ready)}\n` : readyLines(ready).join('\n'));
} catch (error) {
  const { text, next, code } = toFailure(error);
  process.stderr.write(` x  ${text}\n${next ? `    next    ${next}\n` : ''}    code    ${code}\n${code === 'platform.internal' && error instanceof Error ? `${error.stack ?? ''}\n` : ''}`);
  await stopAll(1);
}
