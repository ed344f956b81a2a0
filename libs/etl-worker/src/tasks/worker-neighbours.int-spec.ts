import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { LoadResult, type TaskCommand } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACopy } from '../testing/a-copy.ts';
import { unsound } from '../testing/oracle.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

/** Each file where somebody asks for all of them; otherwise one, and smaller. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const [ROWS, MB] = [isWhole ? 60_000 : 10_000, 2 ** 20];
const x = (megabytes: number): Buffer => Buffer.alloc(megabytes * MB, 'x');
/** What each file holds, in parts, and the code that its run ends with. */
const all: [string, Buffer[], RegExp][] = [
  ['huge.csv', [Buffer.from('id,v\n1,'), x(isWhole ? 100 : 40), Buffer.from('\n2,b\n')], /^data\.row-too-large$/],
  ['huge.json', [Buffer.from('[{"id":1,"v":"'), x(200), Buffer.from('"}]')], /^(data\.row-too-large|query\.memory-exceeded)$/],
  ['wide.ndjson', [Buffer.from(`{${Array.from({ length: 1_000_000 }, (_, nth) => `"c${nth}":1`).join(',')}}\n`)], /^(profile\.unusable|data\.(format-invalid|row-too-large)|query\.memory-exceeded)$/],
];

/** F14: what is wrong with one file is not felt beside it. */
describePostgres('a run beside one whose file is as bad as it comes', () => {
  let database: TestState;
  let root: string;
  let worker: ProgramProcess | undefined;
  let copy: ACopy | undefined;
  beforeAll(async () => { [database, root] = [await aStateDatabase('worker_neighbours', [workerSchema]), await mkdtemp(join(tmpdir(), 'etl-neighbours-'))]; }, 60_000);
  afterEach(async () => {
    await worker?.kill();
    await copy?.close();
  });
  afterAll(async () => {
    await database?.drop();
    await rm(root, { recursive: true, force: true });
  });

  it.each(isWhole ? all : all.slice(0, 1))('stays green in the same worker: %s', async (name, parts, code) => {
    const file = createWriteStream(join(root, name));
    for (const part of parts) if (!file.write(part)) await once(file, 'drain');
    await new Promise((done) => { file.end(done); });
    const scratch = join(root, `scratch-${name}`);
    worker = await startWorker({ urls: database.logins, crash: '', fileRoots: [root], env: { ETL_ETL_WORKER_SCRATCH: scratch, ETL_ETL_WORKER_LEASE_MS: '1500', ETL_ETL_WORKER_ENGINE_MEMORY_MB: '192' } });
    copy = await ACopy.open(database, `beside_${name.replaceAll(/\W/g, '_')}`, { rows: ROWS, files: root });
    const task = await copy.loadTask(2_000_000);
    const bad: TaskCommand = { ...copy.command({ id: 'profile', kind: 'profile', source: { connection: 'files', dataset: name }, target: copy.target }) };
    await copy.ask(bad);
    const broken = copy.outcome(bad);
    const load = LoadResult.parse((await copy.drive(copy.command(task))).result);
    const { result } = await copy.publish(task, load);
    expect(await broken).toMatchObject({ state: 'failed', failure: { code: expect.stringMatching(code) as unknown } });
    const { rows: [beside] } = await copy.db.query<{ together: boolean; attempts: number }>(`select bool_or(l.claimed_at < b.finished_at and b.claimed_at < l.finished_at) as together, max(l.attempt)::int as attempts
      from worker.task l, worker.task b where l.run_id = $1 and l.kind = 'load' and b.task_run_id = $2`, [copy.runId, bad.taskRunId]);
    expect(beside).toEqual({ together: true, attempts: 1 });
    expect([result.published, worker.isAlive]).toEqual([ROWS, true]);
    expect(await unsound(copy.case({ rows: ROWS, compared: 'row by row' }))).toEqual([]);
    expect((await readdir(scratch, { recursive: true })).filter((entry) => entry.includes('/'))).toEqual([]);
  }, 120_000);
});
