import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InMemoryBus } from '@agent-etl/messaging';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { type Logins, type Schema, type StateDatabase, prepareState, sql, startEmbeddedPostgres } from '@agent-etl/persistence';
import { MemorySecretStore } from '@agent-etl/secrets';
import { Access, type AnyService, type RunningServices, Shutdown, bootstrapServices, createLog, processEnvironment } from '@agent-etl/service-kit';
import type { StandaloneOptions } from './command-line.ts';
import { stateDatabaseOf } from './kept-database.ts';
import { keepPort, samePort } from './server-port.ts';
import { watchIdle } from './idle-watch.ts';
import { FileRoots, localDoors } from './local-doors.ts';
import { localSecrets } from './local-secrets.ts';
import { fileRootsOf, keepFileRoots, namedFileRoots, readProject } from './project.ts';
import { homeOf, lockProject } from './project-lock.ts';
import { makeToken, removeRunFile, writeRunFile } from './run-file.ts';
import { allServices, environmentOf } from './feature-services.ts';
import { signingKeyOf } from './signing-key.ts';
import { keepWorkerProcess } from './worker-process.ts';

export interface Standalone { readonly url: string; readonly token: string; readonly running: RunningServices; stop(): Promise<void> }

interface Server { readonly url: string; readonly nearUrl: string; readonly folder: string; stop(): Promise<void> }

/** The state's PostgreSQL: the one that the environment names, else one of our own, which adopts what a killed standalone left running. */
async function openServer(projectDir: string): Promise<Server & { readonly isEmbedded: boolean }> {
  const url = processEnvironment()['ETL_PERSISTENCE_URL'];
  const folder = join(homeOf(projectDir), 'postgres');
  return url ? { url, nearUrl: url, folder, isEmbedded: false, stop: () => Promise.resolve() } : { ...await startEmbeddedPostgres({ folder, ...await samePort(projectDir) }), isEmbedded: true };
}
function prepare({ nearUrl: adminUrl, isEmbedded }: Server & { isEmbedded: boolean }, database: string, services: readonly AnyService[]): Promise<Record<Schema, Logins>> {
  const schemas = services.map(({ schema, migrations }) => ({ schema, migrations }));
  return prepareState({ adminUrl, password: makeToken(), schemas, ...(isEmbedded ? { database } : {}) });
}
/** A paused schedule keeps nobody up. */
const hasWork = async (state: StateDatabase): Promise<boolean> => state.inTenantTx(DEFAULT_TENANT.id, async (tx) =>
  (await tx.run(sql`(select 1 from run where state in ('queued', 'running', 'cancelling') limit 1) union all (select 1 from schedule where next_at is not null limit 1)`)).length > 0);

/** The whole system in one process: four services on an embedded PostgreSQL and a bus in memory, on loopback only.
 * @throws EtlError `request.conflict` when one runs for this folder, `config.invalid` */
export async function startStandalone(options: StandaloneOptions, onIdle: () => void): Promise<Standalone> {
  const { projectDir, port, isAuto, workers, idleMs, stateDatabase } = options;
  const lock = await lockProject(projectDir);
  const shutdown = new Shutdown();
  // The server ends last, so that nobody's last statement meets a closed one.
  let server: Server | null = null;
  const stop = async (): Promise<void> => {
    await removeRunFile(projectDir);
    await shutdown.run().finally(() => server?.stop()).finally(() => lock.release());
  };
  process.chdir(projectDir);
  try {
    const project = await readProject(projectDir);
    const memory = new MemorySecretStore();
    const roots = new FileRoots([...fileRootsOf(projectDir, project, processEnvironment()['ETL_CONNECTORS_FILE_ROOTS']), ...await namedFileRoots(projectDir)], (folders) => keepFileRoots(projectDir, folders));
    const services = allServices({ secrets: localSecrets(projectDir, project, memory), fileRoots: roots.folders });
    const opened = await openServer(projectDir);
    server = opened;
    const urls = await prepare(opened, await stateDatabaseOf(projectDir, stateDatabase), services);
    if (opened.isEmbedded) await keepPort(projectDir, opened.url);
    const env = { ...environmentOf(projectDir, await signingKeyOf(projectDir)), ...processEnvironment(), ...(workers === 'process' ? { ETL_ETL_WORKER_SLOTS: '0' } : {}) };
    const token = makeToken();
    const dashboard = join(import.meta.dirname, '..', 'dashboard');
    const bus = new InMemoryBus();
    const running = await bootstrapServices(services, {
      urls, bus, access: new Access({ [token]: { name: 'owner', role: 'admin' } }), log: createLog({ level: isAuto ? 'warn' : 'info', app: 'standalone' }),
      host: '127.0.0.1', port, isPortWish: true, env, shutdown, extraModules: [localDoors(memory, roots)], staticFolder: existsSync(dashboard) ? dashboard : null, poolSize: 4, isShared: workers === 'process' || !opened.isEmbedded,
    });
    if (workers === 'process') keepWorkerProcess({ urls, projectDir, env: { ...env, ETL_ETL_WORKER_SLOTS: '2' }, fileRoots: roots.folders }, bus, shutdown);
    const orchestrator = running.parts.get('orchestrator')?.state;
    if (isAuto && orchestrator) watchIdle(running.app.getHttpServer() as Parameters<typeof watchIdle>[0], { limitMs: idleMs, isBusy: () => hasWork(orchestrator), onIdle });
    await writeRunFile(projectDir, { url: running.url, token, pid: process.pid, startedAt: new Date().toISOString(), postgresUrl: opened.url, postgresFolder: opened.folder });
    return { url: running.url, token, running, stop };
  } catch (error) {
    await stop().catch(() => undefined); // why it did not start is what matters
    throw error;
  }
}
