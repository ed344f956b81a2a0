import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@agent-etl/api-client';
import { OwnPostgres } from './own-postgres.ts';
import { type SetUp, type World, cliProgram, run } from './world.ts';

interface RunFile { url: string; token: string; pid: number; postgresUrl: string; postgresFolder: string }

/** The whole system in one process, started as a user starts it: by the command line, detached. */
async function startStandaloneWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'etl-e2e-'));
  const scratch = join(folder, 'scratch');
  let bundled: Record<string, string> = {};
  const cli: World['cli'] = (args, env, during) => run(process.execPath, [cliProgram, ...args], { cwd: folder, env: { NO_COLOR: '1', ...bundled, ...env }, during });
  const up = async (): Promise<RunFile> => {
    const answer = await cli(['up', '--detach', '--json', '--project', folder], { ETL_ETL_WORKER_SCRATCH: scratch });
    if (answer.code !== 0) throw new Error(`standalone did not start: ${answer.stderr}`);
    return JSON.parse(await readFile(join(folder, '.agent-etl', 'run.json'), 'utf8')) as RunFile;
  };
  let file = await up();
  bundled = { AGENT_ETL_BUNDLED: '1' }; // sources that change while a suite runs do not change what it tests
  return {
    folder, scratch, get url() { return file.url; }, get doors() { return { standalone: file.url }; }, get token() { return file.token; }, get postgresUrl() { return file.postgresUrl; },
    get client() { return createClient({ baseUrl: file.url, token: file.token }); }, produce: null, broker: null,
    publicKey: join(folder, '.agent-etl', 'keys', 'receipts.pub.pem'), cli: (args, env, during) => cli([...args, '--project', folder], env, during),
    processes: async (): Promise<Record<string, number>> => (isAlive(file.pid) ? { standalone: file.pid } : {}),
    metrics: async () => ({ standalone: await (await fetch(`${file.url}/metrics`)).text() }),
    revive: async () => { file = await up(); },
    stop: async () => {
      if (isAlive(file.pid)) process.kill(file.pid, 'SIGTERM');
      else await (await OwnPostgres.open(join(folder, '.agent-etl', 'postgres'))).drop(); // a killed one leaves its server running
      for (let tries = 0; tries < 300 && isAlive(file.pid); tries += 1) await delay(50);
      for (const path of [folder, file.postgresFolder]) await rm(path, { recursive: true, force: true });
    },
  };
}
function isAlive(pid: number): boolean {
  try { process.kill(pid, 0); return true; } catch { return false; } // no such process
}
export const standalone: SetUp = { name: 'standalone', has: { broker: false, services: false }, start: startStandaloneWorld };
