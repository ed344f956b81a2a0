import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BALLAST, type SmallDisk, aSmallDisk, canMount } from '@agent-etl/connectors/testing';
import { LoadResult, type LoadTask, type TaskCommand } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACopy } from '../testing/a-copy.ts';
import { unsound } from '../testing/oracle.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

const ROWS = 60_000;

/** F10: the disk of the worker's scratch folder is full, for real. Each task says so, the process lives, and the same task is green once there is room. */
describePostgres('a worker whose scratch folder is full', () => {
  const can = canMount('full disk of a worker');
  let database: TestState;
  let root: string;
  let disk: SmallDisk | undefined;
  let worker: ProgramProcess | undefined;
  const copies: ACopy[] = [];
  beforeAll(async () => { [database, root] = [await aStateDatabase('worker_disk', [workerSchema]), await mkdtemp(join(tmpdir(), 'etl-disk-'))]; }, 60_000);
  afterEach(async () => {
    await worker?.kill();
    await Promise.all(copies.splice(0).map((copy) => copy.close()));
    disk?.drop();
    disk = undefined;
  });
  afterAll(async () => {
    await database?.drop();
    await rm(root, { recursive: true, force: true });
  });
  /** One worker with a scratch folder on a small disk. @param most entries that the disk holds */
  async function start(name: string, most?: number): Promise<{ copy: ACopy; disk: SmallDisk }> {
    disk = aSmallDisk(join(root, 'scratch'), most);
    worker = await startWorker({ urls: database.logins, crash: '', fileRoots: [root], env: { ETL_ETL_WORKER_SCRATCH: disk.at, ETL_ETL_WORKER_LEASE_MS: '15000', ETL_ETL_WORKER_ENGINE_MEMORY_MB: '192' } });
    const copy = await ACopy.open(database, name, { rows: ROWS, files: root });
    copies.push(copy);
    return { copy, disk };
  }
  const failed = async (copy: ACopy, command: TaskCommand): Promise<void> => {
    await copy.ask(command);
    expect(await copy.outcome(command)).toMatchObject({ state: 'failed', failure: { code: 'platform.disk-full' } });
    expect(worker?.isAlive).toBe(true);
  };
  /** What attempts have left in the folder, once the worker has had a second to remove it. */
  const scraps = async ({ at }: SmallDisk): Promise<string[]> => {
    for (let tries = 0; ; tries += 1) {
      const found = (await readdir(at, { recursive: true })).filter((name) => name !== BALLAST && name.includes('/'));
      if (found.length === 0 || tries === 20) return found;
      await sleep(50);
    }
  };

  (can ? it : it.skip)('reads a file that it has to write anew', async () => {
    await writeFile(join(root, 'wide.csv'), Buffer.from(`\uFEFFid,note\n${Array.from({ length: 20_000 }, (_, row) => `${row},${'é'.repeat(20)}\n`).join('')}`, 'utf16le'));
    const started = await start('disk_text');
    const profile = (): TaskCommand => started.copy.command({ id: 'profile', kind: 'profile', source: { connection: 'files', dataset: 'wide.csv' }, target: started.copy.target });
    for (const left of [0, 8 * 1024, 500 * 1024]) {
      started.disk.leave(left);
      await failed(started.copy, profile());
      expect(await scraps(started.disk)).toEqual([]);
    }
    started.disk.free();
    await started.copy.drive(profile());
    expect(await scraps(started.disk)).toEqual([]);
  }, 120_000);

  (can ? it : it.skip)('finds no place for a folder', async () => {
    const { copy, disk: small } = await start('disk_entries', 3);
    await writeFile(join(root, 'a.csv'), 'id\n1\n');
    const profile = (): TaskCommand => copy.command({ id: 'profile', kind: 'profile', source: { connection: 'files', dataset: 'a.csv' }, target: copy.target });
    await failed(copy, profile());
    expect(await scraps(small)).toEqual([]);
  }, 120_000);

  (can ? it : it.skip)('sets more rows aside than it can keep: none is lost, none is in the target, and the next attempt has them all', async () => {
    const { copy, disk: small } = await start('disk_aside');
    const bad = Math.floor(ROWS / 7);
    const task: LoadTask = { ...(await copy.loadTask(100_000_000, 1)), carrier: 'text', digest: 'text-md5', judging: { pipeline: 'disk', bad: 'aside', atMost: { of: 'share', percent: 20 }, checks: [{ check: 'not_null', column: 'note' }] } };
    const command = copy.command(task);
    small.leave(300 * 1024);
    await failed(copy, command);
    expect((await copy.db.query(`select count(*)::int as n from _etl.ledger where run_id = $1 and rows is not null`, [copy.runId])).rows).toEqual([{ n: 0 }]);
    small.free();
    const load = LoadResult.parse((await copy.drive({ ...command, attempt: 2 })).result);
    expect(load).toMatchObject({ read: ROWS, written: ROWS - bad, rejected: bad });
    await copy.publish(task, load, { digest: 'text-md5' });
    expect((await copy.db.query(`select count(*)::int as n from mart.${copy.name}`)).rows).toEqual([{ n: ROWS - bad }]);
    expect((await copy.db.query(`select count(*)::int as n from _etl.quarantine where run_id = $1`, [copy.runId])).rows).toEqual([{ n: bad }]);
    expect([await unsound(copy.case({ rows: ROWS - bad, compared: 'not' })), await scraps(small)]).toEqual([[], []]);
  }, 120_000);
});
