import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createClient } from '@agent-etl/api-client';
import { endpoints } from '@agent-etl/contracts';
import { root } from '../world.ts';
import { come, untilSlot } from './schedules.ts';

const program = join(root, 'dist', 'apps', 'standalone', 'main.js');
const idle = ['--auto', '--idle-seconds', '2', '--port', '0'];

/** A standalone as a command starts it, but in a hurry to end. */
export function schedulesAtHome(): void {
  it('stays up for a schedule, runs its slots, and ends when that is paused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'etl-e2e-idle-'));
    await writeFile(join(folder, 'agent-etl.yaml'), 'version: 1\nconnections: { here: { connector: file, root: . } }\n');
    await writeFile(join(folder, 'in.csv'), 'id,name\n1,one\n2,two\n');
    const child = spawn(process.execPath, ['--enable-source-maps', program, '--project', folder, ...idle], { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      const gone = once(child, 'exit');
      for await (const text of child.stderr.setEncoding('utf8')) if (String(text).includes('ready at')) break;
      const { url, token, postgresUrl } = JSON.parse(await readFile(join(folder, '.agent-etl', 'run.json'), 'utf8')) as { url: string; token: string; postgresUrl: string };
      const client = createClient({ baseUrl: url, token });
      const pipeline = { version: 1 as const, name: 'nightly', from: { connection: 'here', dataset: 'in.csv' }, to: { connection: 'here', dataset: 'out.parquet', load: 'replace' as const }, schedule: { cron: '15 1 * * *' } };
      const { state, planId } = await client.call(endpoints.createRequest, { body: { pipeline, run: 'never' }, query: { wait: 30 } });
      expect(state).toBe('waiting');
      await client.call(endpoints.approvePlan, { params: { planId: planId! } });
      await delay(8_000);
      expect(child.exitCode).toBeNull();
      let last: string | null = null;
      for (const rows of [2, 3]) {
        await come({ postgresUrl }, 'nightly', '1 second');
        const { lastSlot } = await untilSlot({ client }, 'nightly', (schedule) => schedule.lastSlot !== null && schedule.lastSlot.runId !== last);
        last = lastSlot!.runId;
        expect(await client.call(endpoints.getRun, { params: { runId: lastSlot!.runId! }, query: { wait: 30 } })).toMatchObject({ state: 'succeeded', receipt: { published: rows } });
        await appendFile(join(folder, 'in.csv'), '3,three\n');
      }
      await client.call(endpoints.pausePipeline, { params: { name: 'nightly' } });
      expect(await gone).toEqual([0, null]);
    } finally {
      child.kill('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    }
  }, 90_000);
}
