import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type LoadResult, type TaskCommand } from '@agent-etl/contracts';
import type { Connector } from '@agent-etl/connectors';
import { type Sql, type StateDatabase, sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { AWorkplace } from '../testing/a-worker.ts';
import { aCommand, aLoad, aPublish, connectionsOf } from '../testing/an-attempt.ts';
import { ScriptedStore } from '../testing/scripted-store.ts';
import { Slots } from './slots.service.ts';

const fresh = (over: Parameters<typeof aCommand>[1] = {}): TaskCommand => aCommand(aLoad(), { taskRunId: v7(), runId: v7(), ...over });
const staged = (store: ScriptedStore, { runId }: TaskCommand): number[] => [...store.stagingOf({ runId, task: 'load_a' }).values()].flat().sort((a, b) => a - b);

interface As { readonly state: 'waiting' | 'running'; readonly command?: Sql; readonly ageSeconds?: number }
/** Puts an attempt into the table as if another process had, and nobody had been told. */
const insert = (state: StateDatabase, command: TaskCommand, { state: as, command: written = sql`${JSON.stringify(command)}::jsonb`, ageSeconds = 0 }: As): Promise<unknown> =>
  state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`insert into task (tenant_id, task_run_id, attempt, run_id, kind, state, command, deadline, worker, lease_until)
    values (${tx.tenantId}, ${command.taskRunId}, ${command.attempt}, ${command.runId}, ${command.task.kind}, ${as}, ${written}, ${command.deadline}, 'somebody-silent', clock_timestamp() - ${ageSeconds}::integer * interval '1 second')`));

describePostgres('a worker', () => {
  let place: AWorkplace;
  beforeAll(async () => { place = await AWorkplace.open('a_worker', 0.5); });
  afterEach(() => place.rest());
  afterAll(() => place?.close());
  const working = async (store: ScriptedStore, env: Record<string, string> = {}) => place.worker({ connectors: { postgres: store.connector() } }, env);

  it('loads, reports, then publishes with what the load reported, although every second message comes twice', async () => {
    const store = new ScriptedStore(100, 4);
    await working(store);
    const load = fresh();
    await place.command(load);
    const done = await place.event('task.run.succeeded.v1', load);
    expect(done.result).toMatchObject({ kind: 'load', read: 100, written: 100 });
    const publish = fresh({ runId: load.runId, task: aPublish(), load: done.result as LoadResult });
    await place.command(publish);
    expect((await place.event('task.run.succeeded.v1', publish)).result).toMatchObject({ kind: 'publish', published: 100, level: 'full' });
    expect([...store.published].sort((a, b) => a - b)).toEqual(store.rows);
    expect(new Set(place.of(load.taskRunId))).toEqual(new Set(['task.run.started.v1', 'task.run.succeeded.v1']));
    expect(place.heard.some(({ type, payload }) => type === 'task.run.progressed.v1' && payload.taskRunId === load.taskRunId)).toBe(true);
  });
  it('profiles without delay', async () => {
    await working(new ScriptedStore(1, 1));
    const task = { id: 'profile' as const, kind: 'profile' as const, source: { connection: 'from', dataset: 'a.b' }, target: { connection: 'into', dataset: 'c.d' } };
    const command = fresh({ task, connections: connectionsOf('from') });
    await place.command(command);
    expect((await place.event('task.run.failed.v1', command)).failure).toMatchObject({ code: 'access.not-found' });
  });
  it('says why an attempt failed and keeps what it staged for the next one', async () => {
    const store = new ScriptedStore(100, 4, { breaksAt: ({ ordinal }) => ordinal === 3 });
    await working(store);
    const command = fresh({ task: aLoad({ chunks: { by: 'ctid', count: 4, parallel: 1, targetBytes: 1 } }) });
    await place.command(command);
    expect((await place.event('task.run.failed.v1', command)).failure).toMatchObject({ code: 'connection.interrupted' });
    store.faults = {};
    const again = { ...command, attempt: 2 };
    await place.command(again);
    expect((await place.event('task.run.succeeded.v1', again)).result).toMatchObject({ read: 100, resumed: 3 });
    expect(staged(store, command)).toEqual(store.rows);
  });

  it('reports the attempt of a command that it cannot read as failed, with the letter that keeps it', async () => {
    await working(new ScriptedStore(1, 1));
    const { deadline: _, ...command } = fresh();
    await place.say(DEFAULT_TENANT.id, 'task.run.requested.v1', command);
    const { failure } = await place.event('task.run.failed.v1', command);
    const state = await place.database.open('worker', []);
    const [letter] = await state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run<{ id: string }>(sql`select id from dead_letter where key = ${command.taskRunId}`));
    expect(failure).toMatchObject({ code: 'message.given-up', next: `look at the message: agent-etl dlq show ${letter?.id}` });
    const { taskRunId, runId } = fresh();
    await place.say(DEFAULT_TENANT.id, 'task.run.cancel-requested.v1', { taskRunId, runId, attempt: 1 }); // no reason: unreadable, and no attempt that ends by it
    expect(place.of(taskRunId)).toEqual([]);
  });

  it('drops what a run left that is over, when its target is back, whatever it cannot read of another one', async () => {
    let isAway = true;
    const store = new ScriptedStore(100, 4, { breaksAt: ({ ordinal }) => ordinal === 3, isAway: () => isAway });
    await working(store);
    const [strange, command] = [fresh(), fresh({ task: aLoad({ chunks: { by: 'ctid', count: 4, parallel: 1, targetBytes: 1 } }) })];
    for (const each of [strange, command]) {
      await place.command(each);
      await place.event('task.run.failed.v1', each);
    }
    const state = await place.database.open('worker', []);
    await state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update task set command = '{"of": "a newer release"}' where task_run_id = ${strange.taskRunId}`));
    for (const each of [strange, command]) await place.cancel(each);
    await sleep(1_000);
    expect(staged(store, command)).not.toEqual([]);
    isAway = false;
    for (let tries = 0; tries < 800 && !store.trail.includes('abandon'); tries += 1) await sleep(10);
    expect([staged(store, command), place.of(command.taskRunId).at(-1)]).toEqual([[], 'task.run.failed.v1']);
  });
  describe('that is told to cancel', () => {
    const cancelledInTime = async (): Promise<ReturnType<typeof fresh>> => {
      const command = fresh();
      await place.command(command);
      await place.event('task.run.started.v1', command);
      await sleep(50);
      const at = performance.now();
      await place.cancel(command);
      await place.event('task.run.cancelled.v1', command);
      expect(performance.now() - at).toBeLessThan(500);
      return command;
    };
    it('stops a running task within half a second and drops its staging', async () => {
      const store = new ScriptedStore(100, 4, { readMs: 20_000 });
      await working(store, { ETL_ETL_WORKER_LEASE_MS: '60000' });
      const command = await cancelledInTime();
      expect(store.trail.at(-1)).toBe('discard');
      expect(staged(store, command)).toEqual([]);
    });
    it('stops within half a second one whose target takes a connection and never answers, and drops its staging later', async () => {
      let isSilent = true;
      const store = new ScriptedStore(100, 4, { isSilent: () => isSilent });
      await working(store, { ETL_ETL_WORKER_LEASE_MS: '60000' });
      await cancelledInTime();
      isSilent = false;
      for (let tries = 0; tries < 800 && !store.trail.includes('abandon'); tries += 1) await sleep(10);
      expect(store.trail).toEqual(['abandon']);
    });
    it('ends a waiting task that nobody holds, and drops what an earlier attempt of a waiting one left', async () => {
      const [first, second] = [fresh(), fresh()];
      const store = new ScriptedStore(40, 4, { breaksAt: ({ ordinal }) => ordinal === 3 });
      await working(store);
      await place.command(second);
      await place.event('task.run.failed.v1', second);
      await place.rest();
      const slow = new ScriptedStore(40, 4, { readMs: 20_000 });
      const busy = fresh();
      await place.worker({ connectors: { postgres: slow.connector() } }, { ETL_ETL_WORKER_SLOTS: '1' });
      await place.command(busy);
      await place.event('task.run.started.v1', busy);
      await place.command(first);
      await place.cancel(first);
      await place.event('task.run.cancelled.v1', first);
      await place.cancel({ ...second, attempt: 2 });
      await place.cancel(busy);
      await place.event('task.run.cancelled.v1', { ...second, attempt: 2 });
      expect(slow.trail.filter((word) => word === 'discard')).toHaveLength(2);
    });
  });

  it('ends a task at the deadline of its run', async () => {
    const store = new ScriptedStore(100, 4, { readMs: 20_000 });
    await working(store, { ETL_ETL_WORKER_LEASE_MS: '600' });
    const command = fresh({ deadline: new Date(Date.now() + 500).toISOString() });
    await place.command(command);
    expect((await place.event('task.run.failed.v1', command)).failure).toMatchObject({ code: 'run.deadline-passed' });
  });
  it('gives its tasks back when it stops, and another worker resumes', async () => {
    const store = new ScriptedStore(100, 10, { readMs: 30 });
    await working(store);
    const command = fresh({ task: aLoad({ chunks: { by: 'ctid', count: 10, parallel: 1, targetBytes: 1 } }) });
    await place.command(command);
    await place.event('task.run.started.v1', command);
    await sleep(150);
    await place.rest();
    await working(store); // a bus in memory stops before the work does: what was said last waits in the table
    expect((await place.event('task.run.failed.v1', command)).failure).toMatchObject({ code: 'worker.stopping' });
    await place.command({ ...command, attempt: 2 });
    const done = await place.event('task.run.succeeded.v1', { ...command, attempt: 2 });
    expect((done.result as LoadResult).resumed).toBeGreaterThan(0);
    expect(staged(store, command)).toEqual(store.rows);
  });
  it('reports a task of a silent colleague as expired', async () => {
    const state = await place.database.open('worker', []);
    const command = fresh();
    const store = new ScriptedStore(1, 1, { readMs: 20_000 });
    await working(store, { ETL_ETL_WORKER_LEASE_MS: '60000' });
    await place.command(command);
    await place.event('task.run.started.v1', command);
    await state.inTenantTx('00000000-0000-7000-8000-000000000001', (tx) => tx.run(sql`
      update task set worker = 'somebody-silent', lease_until = clock_timestamp() - interval '1 second' where task_run_id = ${command.taskRunId}`));
    await working(new ScriptedStore(1, 1), { ETL_ETL_WORKER_LEASE_MS: '900' });
    const { failure } = await place.event('task.run.failed.v1', command);
    expect(failure).toMatchObject({ code: 'lease.expired', text: 'The worker somebody-silent stopped answering.' });
  });
  it('reports a lost attempt whose command it cannot read, and the next one behind it', async () => {
    const state = await place.database.open('worker', []);
    const [odd, sound] = [fresh(), fresh()];
    await insert(state, odd, { state: 'running', command: sql`'{"of":"tomorrow"}'::jsonb`, ageSeconds: 9 });
    await insert(state, sound, { state: 'running', ageSeconds: 5 });
    await working(new ScriptedStore(1, 1), { ETL_ETL_WORKER_LEASE_MS: '900', ETL_ETL_WORKER_SLOTS: '0' });
    for (const command of [odd, sound]) expect((await place.event('task.run.failed.v1', command)).failure).toMatchObject({ code: 'lease.expired' });
  });
  it('sweeps on while what a lost attempt staged cannot be dropped', async () => {
    const state = await place.database.open('worker', []);
    const [last, later] = [fresh({ attempt: 5 }), fresh()];
    await insert(state, last, { state: 'running', ageSeconds: 5 });
    await state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update task set cancel_at = clock_timestamp() where task_run_id = ${last.taskRunId}`));
    const opened: string[] = [];
    const never: Connector = { ...new ScriptedStore(1, 1).connector(), open: () => { opened.push('asked'); return new Promise(() => undefined); } }; // a host that never answers
    await place.worker({ connectors: { postgres: never } }, { ETL_ETL_WORKER_LEASE_MS: '900' });
    await place.event('task.run.failed.v1', last);
    for (let tries = 0; tries < 200 && opened.length === 0; tries += 1) await sleep(10);
    expect(opened).toEqual(['asked']);
    await insert(state, later, { state: 'running', ageSeconds: 5 });
    expect((await place.event('task.run.failed.v1', later)).failure).toMatchObject({ code: 'lease.expired' });
  });
  it('finds a task whose notification was lost, by its own look', async () => {
    const state = await place.database.open('worker', []);
    await working(new ScriptedStore(10, 2), { ETL_ETL_WORKER_LEASE_MS: '900' });
    const command = fresh();
    await insert(state, command, { state: 'waiting' });
    expect((await place.event('task.run.succeeded.v1', command, 2_000)).result).toMatchObject({ read: 10 });
  });
  it('takes a task that it was told of while its last free hand reached for another, which was gone', async () => {
    const state = await place.database.open('worker', []);
    const { app } = await working(new ScriptedStore(10, 2), { ETL_ETL_WORKER_LEASE_MS: '60000', ETL_ETL_WORKER_SLOTS: '1' });
    await sleep(100); // its first look is over
    const command = fresh();
    await insert(state, command, { state: 'waiting' });
    const slots = app.get(Slots, { strict: false });
    slots.wake({ tenantId: DEFAULT_TENANT.id, taskRunId: v7(), attempt: 1 });
    slots.wake(null);
    await place.event('task.run.succeeded.v1', command, 2_000);
  });
  it('takes what stands behind any number of commands that it cannot read', async () => {
    const state = await place.database.open('worker', []);
    const odd = Array.from({ length: 9 }, () => fresh());
    for (const one of odd) await insert(state, one, { state: 'waiting', command: sql`'{"of":"tomorrow"}'::jsonb` });
    const command = fresh();
    await insert(state, command, { state: 'waiting' });
    await working(new ScriptedStore(10, 2), { ETL_ETL_WORKER_SLOTS: '1' });
    await place.event('task.run.succeeded.v1', command, 3_000);
    await state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`delete from task where state = 'waiting'`));
  });
  it('forgets a task some days after its end, as it is told to, and takes no repeat of its command for a new one', async () => {
    const state = await place.database.open('worker', []);
    const store = new ScriptedStore(10, 2);
    await working(store);
    const command = fresh();
    await place.command(command);
    await place.event('task.run.succeeded.v1', command);
    await state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update task set finished_at = clock_timestamp() - interval '3 days' where task_run_id = ${command.taskRunId}`));
    await place.rest();
    const rows = async (): Promise<number> => state.inTenantTx(DEFAULT_TENANT.id, async (tx) => (await tx.run<{ n: number }>(sql`select (select count(*) from task where task_run_id = ${command.taskRunId})::int + (select count(*) from chunk where task_run_id = ${command.taskRunId})::int as n`))[0]?.n ?? -1);
    expect(await rows()).toBe(3);
    await working(store, { ETL_ETL_WORKER_LEASE_MS: '900', ETL_ETL_WORKER_KEPT_HOURS: '48' });
    for (let tries = 0; tries < 300 && await rows() > 0; tries += 1) await sleep(10);
    expect(await rows()).toBe(0);
    const reads = store.reads;
    await place.command(command);
    await sleep(300);
    expect([await rows(), store.reads]).toEqual([0, reads]);
  });
  it('shares waiting tasks with its colleagues, each task once', async () => {
    const store = new ScriptedStore(10, 2, { readMs: 5 });
    await Promise.all([working(store), working(store)]);
    const commands = Array.from({ length: 12 }, () => fresh());
    await Promise.all(commands.map((command) => place.command({ ...command, task: aLoad({ target: { connection: 'into', dataset: `public.t_${command.taskRunId.slice(-6)}` } }) })));
    for (const command of commands) expect((await place.event('task.run.succeeded.v1', command)).result).toMatchObject({ read: 10 });
    const started = place.heard.filter(({ type, payload }) => type === 'task.run.started.v1' && commands.some(({ taskRunId }) => taskRunId === payload.taskRunId));
    expect(new Set(started.map(({ payload }) => `${payload.taskRunId}`)).size).toBe(12);
  });
  it('shows queue and waits to an operator, and leaves lost leases to the monitor', async () => {
    const worker = await working(new ScriptedStore(1, 1));
    const text = await worker.parts.get('etl-worker')!.metrics.metrics();
    for (const name of ['etl_queue_depth 0', 'etl_task_wait_seconds_count']) expect(text).toContain(name);
    expect(text).not.toContain('etl_lease_lost_total');
  });
});
