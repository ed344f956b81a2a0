import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { type ColumnType, type Expr, LoadResult, type LoadTask, ProfileResult, type Transform } from '@agent-etl/contracts';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { CrashPoint } from '@agent-etl/service-kit';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { type LoweredStep, fuseSteps } from '@agent-etl/sql-safety';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACopy } from '../testing/a-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { startWorker } from '../testing/worker-process.ts';

const ROWS = 60_000;
const PIECE_BYTES = 1_000_000;
const col = (name: string): Expr => ({ k: 'col', name });
const whole = (v: number): Expr => ({ k: 'lit', t: { kind: 'i64' }, v: String(v) });
const left: LoweredStep = { op: 'filter', where: { k: 'bin', op: '<', l: { k: 'bin', op: '%', l: col('id'), r: whole(10) }, r: whole(3) } };
const derived: LoweredStep = { op: 'derive', columns: [{ as: 'twice', expr: { k: 'bin', op: '*', l: col('id'), r: whole(2) } }, { as: 'part', expr: { k: 'bin', op: '%', l: col('id'), r: whole(100) } }] };
const grouped: LoweredStep = { op: 'group', by: ['part'], measures: [{ as: 'n', fn: 'count', arg: null, where: null }, { as: 'last', fn: 'max', arg: col('id'), where: null }] };
/** Steps, and the same in SQL over the table that the file holds too. */
const shapes = {
  rows: { steps: [left, derived, { op: 'select', columns: ['id', 'twice', 'part'] }], same: (table: string) => `select id, id * 2 as twice, id % 100 as part from ${table} where id % 10 < 3`, out: ROWS * 0.3, grouped: undefined },
  group: { steps: [left, derived, grouped], same: (table: string) => `select id % 100 as part, count(*) as n, max(id) as last from ${table} where id % 10 < 3 group by 1`, out: 30, grouped: ROWS * 0.3 },
} as const satisfies Record<string, { readonly steps: readonly LoweredStep[] }  & Record<string, unknown>>;
const nativeIn: Partial<Record<ColumnType['kind'], string>> = { i64: 'bigint', i32: 'integer', i16: 'smallint' };

describePostgres('a worker that computes steps', () => {
  let database: TestState;
  let root: string;
  const processes: ProgramProcess[] = [];
  const copies: ACopy[] = [];
  beforeAll(async () => { database = await aStateDatabase('steps_crash', [workerSchema]); root = await mkdtemp(join(tmpdir(), 'etl-steps-')); }, 60_000);
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((one) => one.kill()));
    await Promise.all(copies.splice(0).map((copy) => copy.close()));
  });
  afterAll(async () => { await database?.drop(); await rm(root, { recursive: true, force: true }); });

  const worker = async (crash: `${CrashPoint}:${number}` | '' = ''): Promise<ProgramProcess> => {
    const one = await startWorker({ urls: database.logins, crash, fileRoots: [root], env: { ETL_ETL_WORKER_LEASE_MS: '1500' } });
    processes.push(one);
    return one;
  };
  /** @returns the copy, and its task with the steps in it */
  async function stepped(name: string, from: 'table' | 'file', shape: keyof typeof shapes): Promise<{ copy: ACopy; task: LoadTask }> {
    const copy = await ACopy.open(database, name, { rows: ROWS, files: root });
    copies.push(copy);
    if (from === 'file') await writeFile(join(root, `${name}.csv`), `id\n${Array.from({ length: ROWS }, (_, index) => index + 1).join('\n')}\n`);
    const source = from === 'file' ? { connection: 'files', dataset: `${name}.csv` } : copy.source;
    const profile = ProfileResult.parse((await copy.drive(copy.command({ id: 'profile', kind: 'profile', source, target: copy.target }))).result).source;
    const fused = fuseSteps(shapes[shape].steps, new Map(profile.columns.map(({ name: column, type }) => [column, type])), { dialect: from === 'file' ? 'duckdb' : 'postgres' });
    const transform: Transform = { input: profile.columns, stages: [...fused.stages] };
    const columns = fused.columns.map(({ name: column, type }) => ({ source: column, target: column, type, sourceNative: nativeIn[type.kind]!, targetNative: nativeIn[type.kind]!, nullable: true }));
    const plain = await copy.loadTask(PIECE_BYTES);
    const whole = { by: 'whole' as const, count: 1, parallel: 1, targetBytes: PIECE_BYTES };
    const isFile = from === 'file';
    return { copy, task: { ...plain, source, columns, transform, sourceFingerprint: profile.fingerprint, options: profile.options, ...(isFile || shape === 'group' ? { chunks: whole } : {}), ...(isFile ? { engine: 'duckdb' as const, carrier: 'text' as const, digest: 'text-md5' as const } : {}) } };
  }
  const expectSame = async (copy: ACopy, shape: keyof typeof shapes): Promise<void> => {
    const look = async (of: string): Promise<unknown> => (await copy.db.query(`select count(*)::int as n, sum(hashtextextended(t::text, 0)::numeric)::text as h from (${of}) as t`)).rows[0];
    const names = shape === 'rows' ? 'id, twice, part' : 'part, n, last';
    expect(await look(`select ${names} from ${copy.target.dataset}`)).toEqual(await look(`select ${names} from (${shapes[shape].same(copy.source.dataset)}) as same`));
    expect(await copy.stagingTables()).toBe(0);
  };

  const points = ['sink.before-commit', 'sink.after-commit'] as const;
  it.each((['table', 'file'] as const).flatMap((from) => (['rows', 'group'] as const).flatMap((shape) => points.map((point) => ({ from, shape, point })))))('over a $from ($shape) and is killed at $point loses, doubles and miscounts nothing', async ({ from, shape, point }) => {
    const first = await worker();
    const { copy, task } = await stepped(`${from}_${shape}_${point.replaceAll(/\W/g, '_')}`, from, shape);
    await first.kill();
    const victim = await worker(`${point}:1`);
    const run = async (): Promise<LoadResult> => {
      const load = LoadResult.parse((await copy.drive(copy.command(task))).result);
      await copy.publish(task, load, { columns: task.columns, source: task.source, digest: task.digest, key: null, keyFromSource: false });
      return load;
    };
    const running = run();
    await Promise.race([victim.gone, running.catch(() => undefined), sleep(120_000, undefined, { ref: false })]);
    expect(victim.isAlive).toBe(false);
    await worker();
    const load = await running;
    const { out, grouped: into } = shapes[shape];
    expect(load).toMatchObject({ read: ROWS, filtered: ROWS * 0.7, rejected: 0, written: out, ...(into === undefined ? {} : { grouped: into }) });
    if (point === 'sink.after-commit') expect(load.resumed).toBeGreaterThan(0);
    await expectSame(copy, shape);
  }, 240_000);
});
