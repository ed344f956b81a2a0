import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT } from '@agent-etl/contracts';
import { InMemoryBus } from '@agent-etl/messaging';
import { type StateDatabase, sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { orchestratorMigrations } from '../orchestrator.module.ts';
import { startOrchestrator } from '../testing/orchestrator-process.ts';
import { type ScheduledService, aScheduledService, eventually, merging } from '../testing/scheduled-service.ts';
import { type ScriptedWorker, aScriptedWorker } from '../testing/scripted-worker.ts';
import { Slots } from './slots.service.ts';

const tenantId = DEFAULT_TENANT.id;
describePostgres('a slot', () => {
  let database: TestState;
  let worker: ScriptedWorker;
  let [one, two]: ScheduledService[] = [];
  const said = (look: StateDatabase, key: string, type: string): Promise<unknown[]> => look.inTenantTx(tenantId, (tx) => tx.run(sql`select 1 from outbox where key = ${key} and headers ->> 'ce_type' = ${type}`));

  const start = async (): Promise<void> => {
    const bus = new InMemoryBus();
    worker = await aScriptedWorker(bus, tenantId);
    [one, two] = [await aScheduledService({ bus, database }), await aScheduledService({ bus, database })];
  };
  const stop = async (): Promise<void> => {
    await one?.service.running.stop();
    await two?.service.running.stop();
    await worker?.close();
  };
  beforeAll(async () => {
    database = await aStateDatabase('slots', [{ schema: 'orchestrator', migrations: orchestratorMigrations }]);
    await start();
  }, 60_000);
  afterAll(async () => {
    await stop();
    await database?.drop();
  });

  it('has one run however many orchestrators look at once', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `twin_${index}`);
    for (const name of names) await one!.deploy(merging(name));
    const ids = await Promise.all(names.map(async (name) => (await one!.view(name)).pipelineId));
    for (const name of names) await one!.let(name, '1 second'); // the tickers of both may come first: then nobody below has anything to do
    const told = await Promise.all(ids.flatMap((pipelineId) => [one!, two!, one!, two!].map(({ service }) => service.app.get(Slots, { strict: false }).run({ tenantId, pipelineId }))));
    expect(told.filter(Boolean).length).toBeLessThanOrEqual(names.length);
    for (const name of names) {
      expect(await eventually(() => two!.slots(name), (slots) => slots.length > 0)).toMatchObject([{ outcome: 'started', missed: 0 }]);
      expect(await eventually(() => two!.runs(name), (runs) => runs.every(({ state }) => state === 'succeeded'))).toHaveLength(1);
    }
  });
  it('that was taken before is not run again, whatever its schedule says', async () => {
    await one!.deploy(merging('again'));
    const { pipelineId } = await one!.view('again');
    await one!.let('again', '1 second');
    const [taken] = await eventually(() => one!.slots('again'), (slots) => slots.length > 0);
    await one!.service.state.inTenantTx(tenantId, (tx) => tx.run(sql`update schedule set next_at = ${taken!.slot.toISOString()} where pipeline_id = ${pipelineId}::uuid`));
    const next = async (): Promise<string> => (await one!.view('again')).schedule!.nextAt!;
    await eventually(next, (at) => at > new Date().toISOString());
    expect([(await one!.slots('again')).length, (await one!.runs('again')).length]).toEqual([1, 1]);
  });
  it('is seen across tenants by the relay alone, which may only look', async () => {
    await one!.deploy(merging('mine'));
    const { state } = one!.service;
    const count = sql`select 1 from schedule`;
    const other = await state.inTenantTx('00000000-0000-7000-8000-0000000000ff', (tx) => tx.run(count));
    expect([other, (await state.asRelay((tx) => tx.run(count))).length > 0]).toEqual([[], true]);
    for (const query of [sql`update schedule set next_at = null`, sql`select 1 from schedule_slot`]) await expect(state.asRelay((tx) => tx.run(query))).rejects.toThrow(/permission denied/);
  });
  it.each(['schedule.slot-taken', 'schedule.slot-settled'] as const)('of an orchestrator that is killed at %s leaves nothing, and the next one runs it once', async (point) => {
    const name = point.replaceAll(/\W/g, '_');
    await one!.deploy(merging(name));
    const { pipelineId } = await one!.view(name);
    await stop();
    const look = await database.open('orchestrator');
    const rows = <T>(query: ReturnType<typeof sql>): Promise<T[]> => look.inTenantTx(tenantId, (tx) => tx.run<T>(query));
    await rows(sql`update schedule set next_at = date_trunc('milliseconds', clock_timestamp() - interval '1 second') where pipeline_id = ${pipelineId}::uuid`);
    const [due] = await rows<{ at: Date }>(sql`select next_at as at from schedule where pipeline_id = ${pipelineId}::uuid`);
    const left = () => rows(sql`select (select count(*)::int from schedule_slot where pipeline_id = ${pipelineId}::uuid) as slots, (select count(*)::int from run where pipeline = ${name} and kind = 'copy') as runs, next_at as next from schedule where pipeline_id = ${pipelineId}::uuid`);
    expect(await startOrchestrator({ urls: database.logins, crash: `${point}:1` }).gone).toBe('SIGKILL');
    expect(await left()).toEqual([{ slots: 0, runs: 0, next: due!.at }]);
    await start();
    const runId = (await eventually(() => one!.slots(name), (slots) => slots.length > 0))[0]!.runId!;
    expect(await one!.slots(name)).toMatchObject([{ slot: due!.at, outcome: 'started' }]);
    expect(await eventually(() => one!.runs(name), (runs) => runs.every(({ state }) => state === 'succeeded'))).toEqual([{ runId, state: 'succeeded' }]);
    expect([await said(look, runId, 'run.started.v1'), await said(look, pipelineId, 'slot.decided.v1')]).toEqual([[expect.anything()], [expect.anything()]]);
  }, 60_000);
});
