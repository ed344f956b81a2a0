import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, DEFAULT_TENANT, type LoadTask, type TaskCommand } from '@agent-etl/contracts';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import type { ProgramProcess } from '@agent-etl/service-kit/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { ACopy } from '../testing/a-copy.ts';
import { workerSchema } from '../testing/a-worker.ts';
import { aCommand, aLoad, aPublish } from '../testing/an-attempt.ts';
import { startWorker } from '../testing/worker-process.ts';
import { TaskEntity } from './task.entity.ts';
import { type Claimed, type TaskKey, TasksRepository } from './tasks.repository.ts';

const one: string = DEFAULT_TENANT.id;
const two = '00000000-0000-7000-8000-000000000002';
const bearing = (most: Record<string, number>): Connection[] =>
  Object.entries(most).map(([name, connections]) => Connection.parse({ name, connector: 'postgres', host: 'localhost', limits: { connections } }));

describePostgres('grants and turns', () => {
  const tasks = new TasksRepository();
  let database: TestState;
  let state: StateDatabase;
  beforeAll(async () => {
    database = await aStateDatabase('worker_lanes', [workerSchema]);
    state = await database.open('worker', [TaskEntity]);
  }, 60_000);
  beforeEach(async () => { for (const tenant of [one, two]) await state.inTenantTx(tenant, (tx) => tx.run(sql`delete from task`)); });
  afterAll(async () => { await database?.drop(); });

  const add = async (task: TaskCommand['task'], over: Partial<Record<keyof TaskCommand, unknown>> = {}, tenantId = one): Promise<TaskKey> => {
    const command = aCommand(task, { taskRunId: v7(), runId: v7(), ...over });
    await state.inTenantTx(tenantId, (tx) => tasks.insert(tx, command));
    return { tenantId, taskRunId: command.taskRunId, attempt: command.attempt };
  };
  const claim = (key: TaskKey): Promise<Claimed | null> => state.inTenantTx(key.tenantId, (tx) => tasks.claim(tx, key, { worker: 'w1', leaseMs: 60_000 }));
  const finish = (key: TaskKey): Promise<boolean> => state.inTenantTx(key.tenantId, (tx) => tasks.finish(tx, key, { worker: 'w1', state: 'succeeded', keepsStaging: true }));
  const waiting = async (): Promise<string[]> => (await state.asRelay((tx) => tasks.waiting(tx, 100))).map(({ taskRunId }) => taskRunId);
  const load = (over: Partial<LoadTask> = {}): LoadTask => aLoad(over);

  describe('a connection', () => {
    it('lends what is left of its lanes, and none when none are left', async () => {
      const connections = bearing({ from: 3, into: 64 });
      const keys = [await add(load(), { connections }), await add(load(), { connections }), await add(load(), { connections })];
      expect((await claim(keys[0]!))?.lanes).toBe(2);
      expect((await claim(keys[1]!))?.lanes).toBe(1);
      expect(await waiting()).toEqual([]);
      expect(await claim(keys[2]!)).toBeNull();
      await finish(keys[0]!);
      expect(await waiting()).toEqual([keys[2]!.taskRunId]);
      expect((await claim(keys[2]!))?.lanes).toBe(2);
    });
    it('that has no lane left wants no slot of a profile of values', async () => {
      const connections = bearing({ from: 1, into: 64 });
      const isWanted = () => state.asRelay((tx) => tasks.isWanted(tx));
      const keys = [await add(load(), { connections }), await add(load(), { connections })];
      expect([await isWanted(), (await claim(keys[0]!))?.lanes, await isWanted()]).toEqual([true, 1, false]);
      await finish(keys[0]!);
      expect(await isWanted()).toBe(true);
    });
    it('never lends a lane twice, however many claim at once', async () => {
      const connections = bearing({ from: 5, into: 64 });
      const keys = await Promise.all(Array.from({ length: 12 }, () => add(load(), { connections })));
      const lent = (await Promise.all(keys.map(claim))).reduce((sum, row) => sum + (row?.lanes ?? 0), 0);
      expect(lent).toBe(5);
    });
    it('that is both ends of a task is counted twice, and still lets one task go', async () => {
      const both = load({ target: { connection: 'from', dataset: 'public.b' } });
      const narrow = await add(both, { connections: bearing({ from: 1 }) });
      expect((await claim(narrow))?.lanes).toBe(1);
      await finish(narrow);
      const connections = bearing({ from: 5 });
      expect((await claim(await add(both, { connections })))?.lanes).toBe(2);
      expect(await claim(await add(both, { connections }))).toBeNull();
    });
    it('of another tenant is another one', async () => {
      const connections = bearing({ from: 2, into: 2 });
      await claim(await add(load(), { connections }));
      expect((await claim(await add(load(), { connections }, two)))?.lanes).toBe(2);
    });
    it('does not keep looks waiting, nor what was cancelled', async () => {
      const connections = bearing({ from: 2, into: 2 });
      await claim(await add(load(), { connections }));
      const look = await add({ id: 'inspect', kind: 'inspect', connection: 'from', want: 'test' }, { connections });
      const dropped = await add(load(), { connections });
      await state.inTenantTx(one, (tx) => tasks.markCancelled(tx, dropped));
      expect((await waiting()).sort()).toEqual([look.taskRunId, dropped.taskRunId].sort());
      expect(await claim(look)).not.toBeNull();
      expect(await claim(dropped)).not.toBeNull();
    });
  });

  describe('what waits', () => {
    it('goes by pipeline, so that one with much work starves no other', async () => {
      const busy = await Promise.all(Array.from({ length: 50 }, () => add(aPublish(), { pipeline: 'busy' })));
      const rare = await add(aPublish(), { pipeline: 'rare' });
      expect((await waiting()).indexOf(rare.taskRunId)).toBeLessThan(2);
      const first = busy.find(({ taskRunId }) => taskRunId !== rare.taskRunId)!;
      await claim(first); // it has had its turn
      expect((await waiting())[0]).toBe(rare.taskRunId);
    });
    it('goes by tenant first: many pipelines are no more turns', async () => {
      for (let nth = 0; nth < 6; nth += 1) await add(aPublish(), { pipeline: `p${nth}` });
      const other = await add(aPublish(), { pipeline: 'only' }, two);
      expect((await waiting()).indexOf(other.taskRunId)).toBeLessThan(2);
    });
    it('is passed over while its connection bears no more: whoever stands behind it goes', async () => {
      const full = bearing({ from: 2, into: 64 });
      await claim(await add(load(), { connections: full, pipeline: 'a' }));
      for (let nth = 0; nth < 200; nth += 1) await add(load(), { connections: full, pipeline: 'a' });
      const behind = await add(load({ source: { connection: 'elsewhere', dataset: 'public.a' } }), { connections: bearing({ elsewhere: 2, into: 64 }), pipeline: 'b' });
      expect(await waiting()).toEqual([behind.taskRunId]);
    });
  });

  it('hold over two workers that know nothing of each other', async () => {
    const env = { ETL_ETL_WORKER_LEASE_MS: '5000', ETL_ETL_WORKER_SLOTS: '3' };
    const workers: ProgramProcess[] = await Promise.all([0, 1].map(() => startWorker({ urls: database.logins, crash: '', fileRoots: [], env })));
    const copies = await Promise.all(Array.from({ length: 6 }, (_, nth) => ACopy.open(database, `lane_${nth}`, 100_000)));
    try {
      const commands = await Promise.all(copies.map(async (copy) => {
        const command = copy.command(await copy.loadTask(2_000_000));
        return { ...command, pipeline: copy.name, connections: command.connections.map((connection) => ({ ...connection, limits: { connections: 3 } })) as Connection[] };
      }));
      let most = 0;
      let isDone = false;
      const watching = (async () => {
        for (; !isDone; await sleep(2)) {
          const { rows } = await copies[0]!.db.query<{ n: number }>(`select count(*)::int as n from pg_stat_activity where application_name like 'agent-etl %' and state = 'active' and query like 'COPY "_etl"%'`);
          most = Math.max(most, rows[0]!.n);
        }
      })();
      await Promise.all(copies.map((copy, nth) => copy.ask(commands[nth]!)));
      const outcomes = await Promise.all(copies.map((copy, nth) => copy.outcome(commands[nth]!)));
      isDone = true;
      await watching;
      expect(outcomes.map(({ state: how }) => how)).toEqual(copies.map(() => 'succeeded'));
      expect(most).toBeGreaterThan(1);
      expect(most).toBeLessThanOrEqual(3);
      const who = await state.asRelay((tx) => tx.run<{ worker: string }>(sql`select distinct worker from task where kind = 'load'`));
      expect(who).toHaveLength(2);
    } finally {
      await Promise.all(workers.map((worker) => worker.kill()));
      await Promise.all(copies.map((copy) => copy.close()));
    }
  }, 120_000);
});
