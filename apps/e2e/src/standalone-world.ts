import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@agent-etl/api-client';
import { type World, cliProgram, run } from './world.ts';

interface RunFile { url: string; token: string; pid: number; postgresUrl: string }

/** The whole system in one process, started as a user starts it: by the command line, detached. */
export async function startStandaloneWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'etl-e2e-'));
  let bundled: Record<string, string> = {};
  const cli: World['cli'] = (args, env, during) => run(process.execPath, [cliProgram, ...args], { cwd: folder, env: { NO_COLOR: '1', ...bundled, ...env }, during });
  const up = await cli(['up', '--detach', '--json', '--project', folder]);
  if (up.code !== 0) throw new Error(`standalone did not start: ${up.stderr}`);
  bundled = { AGENT_ETL_BUNDLED: '1' }; // sources that change while a suite runs do not change what it tests
  const file = JSON.parse(await readFile(join(folder, '.agent-etl', 'run.json'), 'utf8')) as RunFile;
  return {
    name: 'standalone', folder, url: file.url, token: file.token, postgresUrl: file.postgresUrl, client: createClient({ baseUrl: file.url, token: file.token }), produce: null,
    publicKey: join(folder, '.agent-etl', 'keys', 'receipts.pub.pem'), cli: (args, env, during) => cli([...args, '--project', folder], env, during),
    stop: async () => {
      process.kill(file.pid, 'SIGTERM');
      for (let tries = 0; tries < 300; tries += 1) { try { process.kill(file.pid, 0); } catch { break; } await delay(50); }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
