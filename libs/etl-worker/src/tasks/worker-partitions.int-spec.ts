import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mapColumnType } from '@agent-etl/connectors';
import { LoadResult, type LoadTask } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { CrashPoint } from '@agent-etl/service-kit';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACopy } from '../testing/a-copy.ts';
import { unsound } from '../testing/oracle.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

/** Each crash point of a load and of its publish where somebody asks for all of them; otherwise one in the middle of the load. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const [ROWS, CITIES] = [20_000, 5];
type Hit = `${CrashPoint}:${number}`;
const quick: Hit[] = ['sink.after-commit:2'];
const all: Hit[] = [...quick, 'publish.half-swap:1', 'source.opened:1', 'fence.raised:1', 'fence.raised:2', 'sink.before-commit:1', 'sink.before-commit:3', 'sink.after-commit:1', 'report.written:1', 'report.written:2', 'reconcile.counted:1', 'publish.committed:1'];

/** F1 for `to.partitionBy`: a worker that writes a folder of partitions is killed, and another one goes on. */
describePostgres('a worker that writes partitions', () => {
  let database: TestState;
  let root: string;
  let shape: LoadTask | undefined;
  const processes: ProgramProcess[] = [];
  const copies: ACopy[] = [];
  beforeAll(async () => { [database, root] = [await aStateDatabase('worker_partitions', [workerSchema]), await mkdtemp(join(tmpdir(), 'etl-partitions-'))]; }, 60_000);
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(copies.splice(0).map((copy) => copy.close()));
  });
  afterAll(async () => {
    await database?.drop();
    await rm(root, { recursive: true, force: true });
  });
  const worker = async (crash: Hit | ''): Promise<ProgramProcess> => {
    const one = await startWorker({ urls: database.logins, crash, fileRoots: [root], env: { ETL_ETL_WORKER_LEASE_MS: '1000' } });
    processes.push(one);
    return one;
  };
  const copyOf = async (name: string): Promise<ACopy> => {
    const copy = await ACopy.open(database, name, { rows: ROWS, files: root });
    copies.push(copy);
    await copy.db.query(`alter table public.${name} add city text; update public.${name} set city = 'c' || id % ${CITIES}; alter table public.${name} drop note, drop amount, drop at`);
    await copy.db.query(`vacuum (full, analyze) public.${name}`);
    return copy;
  };
  /** Several pieces, each with rows of every partition. A profile is reported as well: whoever is armed for that looks at nothing. */
  async function taskOf(copy: ACopy, dataset: string, hit: Hit): Promise<LoadTask> {
    const looks = shape || !hit.startsWith('report') ? null : await worker('');
    shape ??= await copy.loadTask(200_000, 2);
    await looks?.kill();
    return {
      ...shape, source: copy.source, engine: 'duckdb', target: { connection: 'files', dataset } as LoadTask['target'], carrier: 'text', digest: 'text-md5', partitionBy: ['city'],
      columns: shape.columns.map((column) => ({ ...column, targetNative: mapColumnType('file', { name: column.source, type: column.type, native: column.sourceNative, nullable: column.nullable } as never)?.native ?? 'VARCHAR' })),
    };
  }

  describe('and is killed', () => {
    it.each(isWhole ? all : quick)('at %s: another one finishes, each row is in its partition once, and nothing is left', async (hit) => {
      const copy = await copyOf(`cut_${hit.replaceAll(/\W/g, '_')}`);
      const early = hit.startsWith('report') ? null : await worker(hit);
      const task = await taskOf(copy, `${copy.name}/**/*.csv`, hit);
      const victim = early ?? await worker(hit);
      const running = (async () => {
        const load = LoadResult.parse((await copy.drive(copy.command(task))).result);
        const { result } = await copy.publish(task, load, { target: task.target, columns: task.columns, how: 'file', digest: 'text-md5', engine: 'duckdb', partitionBy: ['city'] });
        return { load, result };
      })();
      expect(await Promise.race([victim.gone, running.then(() => 'it was not hit')])).toBe('SIGKILL');
      await worker('');
      const { load, result } = await running;
      expect([load.written, load.chunks > 2, result.published]).toEqual([ROWS, true, ROWS]);
      if (hit.startsWith('sink.after-commit')) expect(load.resumed).toBeGreaterThan(0); // what was kept is not written again
      expect(await partitionsOf(join(root, copy.name))).toEqual(Object.fromEntries(Array.from({ length: CITIES }, (_, city) => [`city=c${city}`, { rows: ROWS / CITIES, ids: ROWS / CITIES, strangers: 0 }])));
      expect(await unsound(copy.case({ rows: ROWS, compared: 'not', ledger: 'files' }))).toEqual([]);
    }, 120_000);
  });
});

interface Manifest { readonly rows: number; readonly parts: readonly { readonly name: string; readonly rows: number }[] }
/** What each partition holds: rows, distinct ids and ids of another partition. The manifest and the folder have to name the same files. */
async function partitionsOf(folder: string): Promise<Record<string, { rows: number; ids: number; strangers: number }>> {
  const manifest = JSON.parse(await readFile(join(folder, '_manifest.json'), 'utf8')) as Manifest;
  const there = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  expect(there.sort()).toEqual(['_manifest.json', ...manifest.parts.map(({ name }) => name)].sort());
  const ids = new Map<string, number[]>();
  for (const { name, rows } of manifest.parts) {
    const [partition = ''] = name.split('/');
    const lines = (await readFile(join(folder, name), 'utf8')).trim().split('\n').slice(1);
    expect([name, lines.length]).toEqual([name, rows]);
    ids.set(partition, [...ids.get(partition) ?? [], ...lines.map(Number)]);
  }
  return Object.fromEntries([...ids].map(([partition, all]) => [partition, { rows: all.length, ids: new Set(all).size, strangers: all.filter((id) => `city=c${id % CITIES}` !== partition).length }]));
}
