import { setTimeout as delay } from 'node:timers/promises';
import { grouped } from '../screens/numbers.ts';
import type { Session } from '../session/session.ts';
import { findStandalone, joinStandalone } from '../session/standalone-client.ts';
import { type Databases, type Loaded, dropOldStates, loadOps, makeLogin, makePassword, makeWarehouse, statePrefix } from './demo-database.ts';
import { demoFiles } from './demo-files.ts';
import { handOver, putDemoConnections, writeDemoProject } from './demo-project.ts';
import { withTime } from './demo-screens.ts';

export interface Stage { readonly session: Session; readonly databases: Databases; readonly projectDir: string; readonly url: string; readonly pid: number; readonly loaded: Loaded }

/** Everything that must stand before the first act: the system, the data, the connections. */
export async function prepareStage(session: Session, kill: 'kill' | undefined): Promise<Stage> {
  const { output, projectDir } = session;
  const begun = performance.now();
  const password = makePassword();
  await writeDemoProject(projectDir, password);
  const older = await findStandalone(projectDir);
  if (older) await endStandalone(older.pid);
  const state = `${statePrefix}${Date.now().toString(36)}`;
  const env = { ...process.env, ...(kill ? { ETL_ETL_WORKER_LEASE_MS: '2000' } : {}) };
  const standalone = await joinStandalone({ projectDir, args: ['--auto', '--state-database', state, ...(kill ? ['--workers', 'process'] : [])], env });
  const { hostname, port } = new URL(standalone.postgresUrl ?? standalone.url);
  output.show([withTime(` ready   PostgreSQL at ${hostname}:${port}, 4 services in ${kill ? 'one process, the worker in its own' : 'one process'}, DuckDB`, performance.now() - begun)]);
  const databases = { adminUrl: standalone.postgresUrl ?? '', folder: String(standalone['postgresFolder']), password };
  const loading = performance.now();
  output.progress(' loading the flights of 2001 into ops ...');
  await dropOldStates(databases, state);
  await makeLogin(databases);
  const files = await demoFiles();
  const loaded = await loadOps(databases, files);
  for (const file of [files.movies, files.airports]) await handOver(file, projectDir);
  await makeWarehouse(databases);
  await putDemoConnections(await session.client(), projectDir, databases.adminUrl);
  const kept = loaded.wasKept ? '   kept from the demo before' : '';
  output.show([withTime(` data    ops.flights ${grouped(loaded.flights)}   ops.airports ${grouped(loaded.airports)}   movies.json ${grouped(files.movies.rows)}${kept}`, performance.now() - loading)]);
  return { session, databases, projectDir, url: standalone.url, pid: standalone.pid, loaded };
}
/** Ends a standalone and waits until it is gone; one that does not end is left to its own. */
export async function endStandalone(pid: number): Promise<void> {
  try { process.kill(pid, 'SIGTERM'); } catch { return; }
  for (let tries = 0; tries < 200; tries += 1) {
    try { process.kill(pid, 0); } catch { return; }
    await delay(50);
  }
}
