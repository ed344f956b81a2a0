import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mapColumnType } from '@agent-etl/connectors';
import { type LoadTask, type PublishTask, LoadResult } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { CrashOrder } from '@agent-etl/service-kit';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACopy } from '../testing/a-copy.ts';
import { unsound } from '../testing/oracle.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

/** Every way of writing where somebody asks for all of them, a share otherwise. */
const isWhole = process.env['ETL_TEST_FAULTS'] === 'all';
const ROWS = 20_000;
const PIECE_BYTES = 400_000;

/** F9: a worker sleeps past its lease between its last look at the fence and its commit, another takes over, and then it wakes. */
describePostgres('a worker that sleeps between fence and commit', () => {
  let database: TestState;
  let root: string;
  const processes: ProgramProcess[] = [];
  const copies: ACopy[] = [];
  beforeAll(async () => {
    [database, root] = [await aStateDatabase('worker_sleeps', [workerSchema]), await mkdtemp(join(tmpdir(), 'etl-sleeps-'))];
  }, 60_000);
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(copies.splice(0).map((copy) => copy.close()));
  });
  afterAll(async () => {
    await database?.drop();
    await rm(root, { recursive: true, force: true });
  });

  const worker = async (crash: CrashOrder | '' = ''): Promise<ProgramProcess> => {
    const one = await startWorker({ urls: database.logins, crash, fileRoots: [root], env: { ETL_ETL_WORKER_LEASE_MS: '1500', LOG: 'info' } });
    processes.push(one);
    return one;
  };
  const copyOf = async (name: string): Promise<ACopy> => {
    const copy = await ACopy.open(database, name, { rows: ROWS, files: root });
    copies.push(copy);
    return copy;
  };
  const until = async (what: string, isSo: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> => {
    for (const end = performance.now() + withinMs; !(await isSo()); await sleep(10)) if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
  };
  /** Wakes whoever slept, waits until it has understood, and until it has let go of everything. */
  async function wake(sleeper: ProgramProcess, copy: ACopy): Promise<void> {
    sleeper.signal('SIGCONT');
    await until('the sleeper says that its lease is lost', () => /"code":"lease.lost"/.test(sleeper.log));
    expect(sleeper.isAlive).toBe(true);
    sleeper.signal('SIGTERM');
    await sleeper.gone;
    processes.splice(processes.indexOf(sleeper), 1);
    await until('only the waking have sessions', async () => (await copy.backends()).every((text) => !/idle in transaction/.test(text)));
  }
  /** The whole way, during which one worker sleeps at its point; another is started once it does. */
  async function slept(copy: ACopy, crash: CrashOrder, run: () => Promise<void>): Promise<ProgramProcess> {
    const sleeper = await worker(crash);
    const running = run();
    await until('it sleeps', () => sleeper.isStopped);
    await worker();
    await running;
    return sleeper;
  }
  const exact = async (copy: ACopy): Promise<void> => {
    const { source, target } = await copy.compare();
    expect(source).toMatchObject({ rows: ROWS, keys: ROWS });
    expect(target).toEqual(source);
    expect([await copy.stale(), await copy.stagingTables()]).toEqual([0, 0]);
  };

  it('does not mute the others: what they have to say is sent by another relay than its own', async () => {
    const copy = await copyOf('slept_relay');
    const unsent = async (): Promise<number> => (await copy.db.query<{ n: number }>('select count(*)::int as n from worker.outbox where sent_at is null')).rows[0]!.n;
    const leads = `select 1 from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.granted and a.datname = current_database()`;
    const waits = `select 1 from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and not l.granted and a.datname = current_database()`;
    const leader = await worker();
    await until('it leads both', async () => ((await copy.db.query(leads)).rowCount ?? 0) >= 2);
    const sleeper = await worker();
    await until('another waits for both', async () => ((await copy.db.query(waits)).rowCount ?? 0) >= 2);
    sleeper.signal('SIGSTOP');
    await leader.kill(); // and the one who sleeps inherits both
    await until('it has inherited', async () => ((await copy.db.query(waits)).rowCount ?? 0) === 0);
    await worker();
    await copy.profile();
    await until('all is sent', async () => await unsent() === 0, 25_000);
    sleeper.signal('SIGCONT');
    await copy.profile();
    await until('all is sent again', async () => await unsent() === 0, 25_000);
    expect(sleeper.isAlive).toBe(true);
  }, 90_000);
  it('of a piece leaves nothing of it', async () => {
    const copy = await copyOf('slept_piece');
    let result: LoadResult | undefined;
    let task: LoadTask | undefined;
    const sleeper = await slept(copy, 'sink.before-commit:2:stop', async () => {
      task = await copy.loadTask(PIECE_BYTES);
      result = LoadResult.parse((await copy.drive(copy.command(task))).result);
    });
    const before = await copy.pieces();
    await wake(sleeper, copy);
    expect(await copy.pieces()).toEqual(before);
    expect(Object.values(before).reduce((sum, count) => sum + count, 0)).toBe(result!.chunks);
    await copy.publish(task!, result!);
    expect(await unsound(copy.case({ rows: ROWS, compared: 'row by row' }))).toEqual([]);
  }, 60_000);

  it.each<PublishTask['how']>(isWhole ? ['merge', 'rename', 'swap', 'truncate-insert', 'upsert'] : ['merge'])('of a publish by %s leaves nothing of it', async (how) => {
    const copy = await copyOf(`slept_${how.replaceAll('-', '_')}`);
    if (how !== 'rename') await copy.db.query(`create schema if not exists mart; create table mart.${copy.name} (like public.${copy.name} including all)`);
    const sleeper = await slept(copy, 'publish.applied:1:stop', async () => {
      const task = await copy.loadTask(PIECE_BYTES);
      const { result } = await copy.drive(copy.command(task));
      const { told } = await copy.publish(task, result, { how, key: ['id'], keyFromSource: true, ...(how === 'merge' ? { vanished: { then: 'delete', atMost: 1 } } : {}) });
      expect(told.map(({ attempt, outcome }) => [attempt, outcome.state])).toEqual([[1, 'failed'], [2, 'succeeded']]);
    });
    await exact(copy);
    await copy.db.query(`update mart.${copy.name} set note = 'of later' where id = 1`);
    await wake(sleeper, copy);
    expect((await copy.db.query(`select note from mart.${copy.name} where id = 1`)).rows).toEqual([{ note: 'of later' }]);
    expect((await copy.db.query(`select count(*)::int as n from mart.${copy.name}`)).rows).toEqual([{ n: ROWS }]);
    expect(await unsound(copy.case({ rows: ROWS, compared: 'not' }))).toEqual([]);
  }, 60_000);

  it.each(isWhole ? ['file.csv', 'folder/**/*.csv'] : ['folder/**/*.csv'])('of %s does not rename over what came after it', async (dataset) => {
    const copy = await copyOf(`slept_${dataset.slice(0, 4)}`);
    const copied = async (one: ACopy): Promise<void> => {
      const task = await toFile(one, dataset);
      const { result } = await one.drive(one.command(task));
      await one.publish(task, result, { target: task.target, columns: task.columns, how: 'file', digest: 'text-md5', engine: 'duckdb' });
    };
    const sleeper = await slept(copy, 'publish.half-swap:1:stop', () => copied(copy));
    await copy.db.query(`update public.${copy.name} set note = 'of the next run'`);
    await copied(copy.next());
    const before = await contentOf(join(root, dataset));
    expect(before.lines.filter((line) => line.includes('of the next run'))).toHaveLength(ROWS);
    await wake(sleeper, copy);
    expect(await contentOf(join(root, dataset))).toEqual(before);
    expect([await unsound(copy.case({ rows: ROWS, compared: 'not', ledger: 'files' })), (await readdir(root, { recursive: true })).filter((name) => /(^|\/)\./.test(name))]).toEqual([[], []]);
  }, 60_000);
  async function toFile(copy: ACopy, dataset: string): Promise<LoadTask> {
    const { columns, ...task } = await copy.loadTask(PIECE_BYTES);
    return {
      ...task, engine: 'duckdb', target: { connection: 'files', dataset } as LoadTask['target'], carrier: 'text', digest: 'text-md5', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 100_000_000 },
      columns: columns.map((column) => ({ ...column, targetNative: mapColumnType('file', { name: column.source, type: column.type, native: column.sourceNative, nullable: column.nullable } as never)?.native ?? 'VARCHAR' })),
    };
  }
});
/** Lines of a file, or of all parts of a folder, with the names of what is there. */
async function contentOf(path: string): Promise<{ names: string[]; lines: string[] }> {
  const folder = path.replace(/(\/\*\*)?\/[^/]*$/, '');
  const names = path.includes('*') ? (await readdir(folder)).filter((name) => name.endsWith('.csv')).sort() : [path.slice(folder.length + 1)];
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return { names, lines: texts.flatMap((text) => text.trim().split('\n')) };
}
