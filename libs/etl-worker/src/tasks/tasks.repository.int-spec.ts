import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type TaskCommand } from '@agent-etl/contracts';
import { type StateDatabase, platformMigrations, sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { v7 } from 'uuid';
import { ChunkEntity } from '../chunks/chunk.entity.ts';
import { ChunksRepository } from '../chunks/chunks.repository.ts';
import { FileLedgerRepository } from '../files/file-ledger.repository.ts';
import { StateFileLedger } from '../files/state-file-ledger.ts';
import { workerMigrations } from '../migrations/worker-tables.ts';
import { aCommand, aLoad, aPublish, connectionsOf } from '../testing/an-attempt.ts';
import { MOST_DROPPED } from './retention-rules.ts';
import { TaskEntity } from './task.entity.ts';
import { TaskRetention } from './task-retention.service.ts';
import { type TaskKey, TasksRepository } from './tasks.repository.ts';
import { WorkerSettings } from './worker-settings.ts';

const one: string = DEFAULT_TENANT.id;
const two = '00000000-0000-7000-8000-000000000002';
const leaseMs = 60_000;

describePostgres('worker tables', () => {
  const tasks = new TasksRepository();
  let database: TestState;
  let state: StateDatabase;
  beforeAll(async () => {
    database = await aStateDatabase('worker_tables', [{ schema: 'worker', migrations: [...platformMigrations(), ...workerMigrations()] }]);
    state = await database.open('worker', [TaskEntity, ChunkEntity]);
  });
  afterAll(async () => { await database?.drop(); });

  const add = async (tenantId = one, over: Partial<TaskCommand> = {}): Promise<TaskKey> => {
    const command = aCommand(aLoad(), { taskRunId: v7(), runId: v7(), ...over });
    await state.inTenantTx(tenantId, (tx) => tasks.insert(tx, command));
    return { tenantId, taskRunId: command.taskRunId, attempt: command.attempt };
  };
  const claim = (key: TaskKey, worker = 'w1', lease = leaseMs) => state.inTenantTx(key.tenantId, (tx) => tasks.claim(tx, key, { worker, leaseMs: lease }));
  const waiting = (limit = 100) => state.asRelay((tx) => tasks.waiting(tx, limit));
  const empty = async (): Promise<void> => { for (const tenant of [one, two]) await state.inTenantTx(tenant, (tx) => tx.run(sql`delete from task`)); };

  describe('a claim', () => {
    it('goes to exactly one of many workers', async () => {
      await empty();
      const connections = connectionsOf('from', 'into').map((connection) => ({ ...connection, limits: { connections: 64 } }));
      const keys = await Promise.all(Array.from({ length: 20 }, () => add(one, { connections: connections as TaskCommand['connections'] })));
      const claims = await Promise.all(keys.flatMap((key) => ['w1', 'w2', 'w3', 'w4'].map((worker) => claim(key, worker))));
      const won = claims.filter((row) => row !== null).map((row) => row.taskRunId);
      expect([...won].sort()).toEqual(keys.map(({ taskRunId }) => taskRunId).sort());
      expect(await waiting()).toEqual([]);
    });
    it('answers the command as it was asked', async () => {
      await empty();
      const command = aCommand(aLoad({ expectedRows: 7 }), { taskRunId: v7() });
      await state.inTenantTx(one, (tx) => tasks.insert(tx, command));
      const claimed = await claim({ tenantId: one, taskRunId: command.taskRunId, attempt: 1 });
      expect(claimed).toMatchObject({ command, isCancelled: false, runId: command.runId });
    });
    it('takes turns by tenant, so that one with much work starves nobody', async () => {
      await empty();
      for (let count = 0; count < 5; count += 1) await add(one);
      await add(two);
      await add(two);
      expect((await waiting(4)).map(({ tenantId }) => tenantId)).toEqual([one, two, one, two]);
    });
    it('sees only its own tenant', async () => {
      await empty();
      const key = await add(two);
      expect(await claim({ ...key, tenantId: one })).toBeNull();
    });
  });

  describe('a row', () => {
    it('is one for the same attempt twice', async () => {
      await empty();
      const command = aCommand(aLoad(), { taskRunId: v7() });
      const inserts = await Promise.all([1, 2, 3].map(() => state.inTenantTx(one, (tx) => tasks.insert(tx, command))));
      expect(inserts.filter(Boolean)).toHaveLength(1);
    });
    it('beats only for its holder, and says when it was cancelled or is late', async () => {
      await empty();
      const key = await add();
      await claim(key);
      const beat = (worker: string) => state.inTenantTx(one, (tx) => tasks.beat(tx, key, { worker, leaseMs }));
      expect(await beat('w2')).toBeNull();
      expect(await beat('w1')).toEqual({ isCancelled: false, isLate: false });
      await state.inTenantTx(one, (tx) => tasks.markCancelled(tx, key));
      expect(await beat('w1')).toEqual({ isCancelled: true, isLate: false });
      const late = await add(one, { deadline: '2001-01-01T00:00:00.000Z' });
      await claim(late);
      expect(await state.inTenantTx(one, (tx) => tasks.beat(tx, late, { worker: 'w1', leaseMs }))).toMatchObject({ isLate: true });
    });
    it('is lost once its holder is silent for a lease, to one sweeper, and the holder is not heard any more', async () => {
      await empty();
      const key = await add();
      await claim(key, 'w1', 1);
      await add();
      expect(await state.asRelay((tx) => tasks.silent(tx))).toEqual([key]);
      const swept = await Promise.all([1, 2, 3].map(() => state.inTenantTx(one, (tx) => tasks.markLost(tx, key))));
      expect(swept.filter((row) => row !== null)).toHaveLength(1);
      expect(await state.inTenantTx(one, (tx) => tasks.beat(tx, key, { worker: 'w1', leaseMs }))).toBeNull();
      expect(await state.inTenantTx(one, (tx) => tasks.finish(tx, key, { worker: 'w1', state: 'succeeded', keepsStaging: true }))).toBe(false);
    });
    it('ends once', async () => {
      await empty();
      const key = await add();
      await claim(key);
      const finish = () => state.inTenantTx(one, (tx) => tasks.finish(tx, key, { worker: 'w1', state: 'succeeded', keepsStaging: true }));
      expect([await finish(), await finish()]).toEqual([true, false]);
    });
    it('takes over the command of an earlier attempt to clean up after it, already cancelled', async () => {
      await empty();
      const key = await add();
      expect(await state.inTenantTx(one, (tx) => tasks.insertCleanUp(tx, { taskRunId: key.taskRunId, attempt: 2 }))).toBe(true);
      expect(await claim({ ...key, attempt: 2 })).toMatchObject({ isCancelled: true, command: { attempt: 2 } });
      expect(await state.inTenantTx(one, (tx) => tasks.insertCleanUp(tx, { taskRunId: v7(), attempt: 1 }))).toBe(false);
    });
    it('is left over when it kept its staging and is marked, before it ends or after; it is taken once, and is due again after a pause', async () => {
      await empty();
      const [failed, done, dropped, lost] = [await add(), await add(), await add(), await add()];
      for (const key of [failed, done, dropped]) await claim(key);
      await claim(lost, 'w1', 1);
      const mark = (key: TaskKey) => state.inTenantTx(one, (tx) => tasks.markCancelled(tx, key));
      const finish = (key: TaskKey, as: { keepsStaging: boolean }) => state.inTenantTx(one, (tx) => tasks.finish(tx, key, { worker: 'w1', state: 'failed', ...as }));
      const leftovers = async () => (await state.asRelay((tx) => tasks.leftovers(tx))).map(({ taskRunId }) => taskRunId).sort();
      await Promise.all([finish(failed, { keepsStaging: true }), finish(done, { keepsStaging: true }), finish(dropped, { keepsStaging: false }), mark(lost)]);
      await state.inTenantTx(one, (tx) => tasks.markLost(tx, lost));
      expect(await leftovers()).toEqual([lost.taskRunId]);
      await Promise.all([mark(failed), mark(dropped)]);
      expect(await leftovers()).toEqual([failed.taskRunId, lost.taskRunId].sort());
      const taken = await Promise.all([1, 2, 3].map(() => state.inTenantTx(one, (tx) => tasks.takeLeftover(tx, failed))));
      expect(taken.filter((row) => row !== null)).toMatchObject([{ taskRunId: failed.taskRunId, command: { task: { kind: 'load' } } }]);
      expect(await leftovers()).toEqual([lost.taskRunId]);
      await state.inTenantTx(one, (tx) => tx.run(sql`update task set drop_at = clock_timestamp()`));
      expect(await leftovers()).toHaveLength(2);
    });
    it('is forgotten with all others of its run when their staging was published or dropped', async () => {
      await empty();
      const runId = v7() as TaskCommand['runId'];
      const [load, publish] = [await add(one, { runId }), await add(one, { runId, task: aPublish() })];
      for (const key of [load, publish]) await claim(key);
      const finish = (key: TaskKey, as: { keepsStaging: boolean }) => state.inTenantTx(one, (tx) => tasks.finish(tx, key, { worker: 'w1', state: 'succeeded', ...as }));
      await finish(load, { keepsStaging: true });
      await finish(publish, { keepsStaging: false });
      await state.inTenantTx(one, (tx) => tasks.markCancelled(tx, load));
      expect(await state.asRelay((tx) => tasks.leftovers(tx))).toEqual([]);
    });
    it('stays cancelled when the cancel came before the command', async () => {
      await empty();
      const command = aCommand(aLoad(), { taskRunId: v7() });
      await state.inTenantTx(one, (tx) => tasks.insertCancelled(tx, command, command.runId));
      expect(await state.inTenantTx(one, (tx) => tasks.insert(tx, command))).toBe(false);
      expect(await waiting()).toEqual([]);
    });
  });

  describe('what ended long ago', () => {
    const chunks = new ChunksRepository();
    const files = new FileLedgerRepository();
    const hour = 3_600_000;
    const aRetention = (): TaskRetention => new TaskRetention(state, tasks, chunks, files, new WorkerSettings({ worker: 'w1', slots: 1, leaseMs, keptMs: 24 * hour }));
    const left = async (tenantId: string): Promise<string[]> => state.inTenantTx(tenantId, async (tx) => (await tx.run<{ name: string }>(sql`select task_run_id || '/' || attempt as name from task order by 1`)).map(({ name }) => name));
    /** An attempt that ended so many hours ago; one that has not, without any. */
    const ended = async (hours: number | null, { tenantId = one, as = 'succeeded', ...over }: { tenantId?: string; as?: string } & Partial<TaskCommand> = {}): Promise<TaskKey> => {
      const key = await add(tenantId, over);
      if (hours !== null) await state.inTenantTx(tenantId, (tx) => tx.run(sql`update task set state = ${as}, finished_at = clock_timestamp() - ${hours}::integer * interval '1 hour' where task_run_id = ${key.taskRunId} and attempt = ${key.attempt}`));
      return key;
    };
    const nameOf = ({ taskRunId, attempt }: TaskKey): string => `${taskRunId}/${attempt}`;

    it('is dropped, in every tenant and whatever its end was, and nothing else', async () => {
      await empty();
      for (const as of ['succeeded', 'failed', 'cancelled', 'lost']) await ended(25, { as });
      await ended(25, { tenantId: two });
      const kept = [await ended(23), await ended(null)];
      expect(await aRetention().tidy()).toBe(5);
      expect([await left(one), await left(two)]).toEqual([kept.map(nameOf).sort(), []]);
    });
    it('is kept while any attempt of its task is younger or goes on, with its cut', async () => {
      await empty();
      const [retried, running] = [await ended(50, { as: 'failed' }), await ended(50, { as: 'lost' })];
      await ended(2, { taskRunId: retried.taskRunId as never, attempt: 2 });
      await ended(null, { taskRunId: running.taskRunId as never, attempt: 2 });
      await state.inTenantTx(one, (tx) => chunks.replace(tx, running.taskRunId, { snapshot: 's', ranges: [{ key: 'a', ordinal: 0, from: null, to: null }] }));
      expect(await aRetention().tidy()).toBe(0);
      expect(await left(one)).toHaveLength(4);
      expect(await state.inTenantTx(one, (tx) => chunks.find(tx, running.taskRunId))).not.toBeNull();
    });
    it('takes its cut with it, and the ledger of its file once no task of the run is left', async () => {
      await empty();
      const [load, other] = [await ended(30), await ended(1)];
      const runId = v7();
      for (const key of [load, other]) {
        await state.inTenantTx(one, async (tx) => {
          await tx.run(sql`update task set run_id = ${runId} where task_run_id = ${key.taskRunId}`);
          await chunks.replace(tx, key.taskRunId, { snapshot: null, ranges: [{ key: 'a', ordinal: 0, from: null, to: null }] });
        });
      }
      await state.inTenantTx(one, (tx) => files.add(tx, { runId, task: 'load' }, { chunkKey: 'a', attempt: 1, fence: 1, rows: 1, rejected: 0, bytes: 1, digest: null }));
      const seen = () => state.inTenantTx(one, async (tx) => [await chunks.find(tx, load.taskRunId) !== null, await chunks.find(tx, other.taskRunId) !== null, (await files.rows(tx, runId, 'load')).length]);
      expect(await aRetention().tidy()).toBe(1);
      expect(await seen()).toEqual([false, true, 1]);
      await state.inTenantTx(one, (tx) => tx.run(sql`update task set finished_at = clock_timestamp() - interval '30 hours' where task_run_id = ${other.taskRunId}`));
      expect(await aRetention().tidy()).toBe(1);
      expect(await seen()).toEqual([false, false, 0]);
    });
    it('is dropped a part at a time, and then looked for no more for a while', async () => {
      await empty();
      await state.inTenantTx(one, (tx) => tx.run(sql`insert into task (tenant_id, task_run_id, attempt, run_id, kind, state, deadline, command, finished_at)
        select ${tx.tenantId}, gen_random_uuid(), 1, gen_random_uuid(), 'load', 'succeeded', clock_timestamp(), '{}', clock_timestamp() - interval '40 hours' from generate_series(1, ${MOST_DROPPED + 50})`));
      const retention = aRetention();
      expect([await retention.tidy(), await retention.tidy(), await left(one)]).toEqual([MOST_DROPPED, 50, []]);
      await ended(30);
      expect([await retention.tidy(), (await left(one)).length]).toEqual([0, 1]);
    });
  });

  it('keeps the cut of a load with its picture, and hands it on', async () => {
    const chunks = new ChunksRepository();
    const taskRunId = v7();
    const ranges = [{ key: 'a', ordinal: 0, from: '(0,0)', to: '(9,0)' }, { key: 'b', ordinal: 1, from: '(9,0)', to: null }];
    const find = () => state.inTenantTx(one, (tx) => chunks.find(tx, taskRunId));
    expect(await find()).toBeNull();
    await state.inTenantTx(one, (tx) => chunks.replace(tx, taskRunId, { snapshot: 's1', ranges }));
    expect(await find()).toEqual({ snapshot: 's1', ranges });
    await state.inTenantTx(one, (tx) => chunks.handOn(tx, taskRunId, 's2'));
    expect(await find()).toEqual({ snapshot: 's2', ranges });
    expect(await state.inTenantTx(two, (tx) => chunks.find(tx, taskRunId))).toBeNull();
    await state.inTenantTx(one, (tx) => chunks.forget(tx, taskRunId));
    expect(await find()).toBeNull();
  });

  it('refuses a ledger row of a file sink whose fence was raised', async () => {
    const repository = new FileLedgerRepository();
    const [older, newer] = [new StateFileLedger(state, repository, one), new StateFileLedger(state, repository, one)];
    const runId = v7();
    const row = { chunkKey: 'a', attempt: 1, rows: 3, rejected: 0, bytes: 4_294_967_296, digest: { kind: 'text-md5' as const, rows: 3, a: '1', b: '2' } };
    const first = await older.raise('/data/out.parquet', 'w1');
    const second = await newer.raise('/data/out.parquet', 'w2');
    expect(second).toBe(first + 1);
    expect([await older.holds('/data/out.parquet', first), await newer.holds('/data/out.parquet', second)]).toEqual([false, true]);
    await expect(older.add(runId, 'load', { ...row, fence: first })).rejects.toMatchObject({ code: 'lease.lost' });
    expect([await newer.add(runId, 'load', { ...row, fence: second }), await newer.add(runId, 'load', { ...row, fence: second })]).toEqual([true, false]);
    expect(await newer.rows(runId, 'load')).toEqual([{ ...row, fence: second }]);
    await newer.forget(runId, 'load');
    expect(await newer.rows(runId, 'load')).toEqual([]);
  });
});
