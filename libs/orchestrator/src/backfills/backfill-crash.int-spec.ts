import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type BackfillView, DEFAULT_TENANT, type RunView } from '@agent-etl/contracts';
import { InMemoryBus, wireMessage } from '@agent-etl/messaging';
import { sql } from '@agent-etl/persistence';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { orchestratorMigrations } from '../orchestrator.module.ts';
import { startOrchestrator } from '../testing/orchestrator-process.ts';
import { type ScheduledService, aScheduledService, eventually } from '../testing/scheduled-service.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, loadOf, obedient, publishOf } from '../testing/scripted-worker.ts';

const tenantId = DEFAULT_TENANT.id;
const firstDay = '2026-03-01T00:00:00.000Z';
const sliceOf = ({ task }: Command): string | undefined => (task.kind === 'load' || task.kind === 'publish' ? task.slice?.from : undefined);

describePostgres('an orchestrator that is killed between two slices of a backfill', () => {
  let database: TestState;
  let orchestrator: ScheduledService | null = null;
  let worker: ScriptedWorker;
  let isSilent = false;
  const published = publishOf(100, { published: 7, inserted: 4, updated: 3, extra: 1 });
  const answer = (command: Command): Answer => {
    if (sliceOf(command) === undefined) return obedient(command);
    if (command.task.kind === 'load') return { result: loadOf(100) };
    return isSilent && sliceOf(command) === firstDay ? 'silent' : { result: published };
  };
  const start = async (): Promise<ScheduledService> => {
    const bus = new InMemoryBus();
    worker = await aScriptedWorker(bus, tenantId, answer);
    orchestrator = await aScheduledService({ bus, database });
    return orchestrator;
  };
  const stop = async (): Promise<void> => {
    await orchestrator?.service.running.stop();
    orchestrator = null;
    await worker.close();
  };
  beforeAll(async () => { database = await aStateDatabase('backfill_crash', [{ schema: 'orchestrator', migrations: orchestratorMigrations }]); }, 60_000);
  afterAll(async () => { await stop(); await database?.drop(); });

  it.each(['backfill.slice-settled', 'backfill.slice-started'] as const)('at %s has settled nothing and started nothing, and the next one goes on, each slice once', async (point) => {
    const name = point.replaceAll(/\W/g, '_');
    const first = await start();
    const { planId } = await first.deploy({ name, to: { connection: 'warehouse', dataset: `mart.${name}` } });
    const { json: whole } = await first.call<RunView>('POST', `/v1/plans/${planId!}/runs`);
    await eventually(async () => (await first.call<RunView>('GET', `/v1/runs/${whole.runId}`)).json.state, (state) => state === 'succeeded');
    isSilent = true;
    const { json: asked } = await first.call<BackfillView>('POST', `/v1/pipelines/${name}/backfills`, { from: '2026-03-01', to: '2026-03-04', step: '1d' });
    const { runId, taskRunId, attempt } = await eventually(() => Promise.resolve(worker.commands.find((command) => command.task.kind === 'publish' && sliceOf(command) === firstDay)), Boolean) as Command;
    await stop();
    isSilent = false;

    const ended = { runId, taskRunId, attempt, result: published };
    const word = wireMessage({ app: 'etl-worker', tenantId, type: 'task.run.succeeded.v1', payload: ended, at: new Date().toISOString() });
    expect(await startOrchestrator({ urls: database.logins, crash: `${point}:1`, heard: [{ ...word, value: Buffer.from(word.value).toString('base64') }] }).gone).toBe('SIGKILL');
    const look = await database.open('orchestrator');
    const left = await look.inTenantTx(tenantId, (tx) => tx.run(sql`select state, (select count(*)::int from run where pipeline = ${name} and kind = 'copy') as runs from run where run_id = ${runId}::uuid`));
    expect(left).toEqual([{ state: 'running', runs: 2 }]); // the whole run, and that of the first slice, which nobody has heard the end of

    const next = await start();
    await worker.report('task.run.succeeded.v1', ended); // the broker has it still
    const done = await eventually(async () => (await next.call<BackfillView>('GET', `/v1/pipelines/${name}/backfills/${asked.backfillId}`)).json, ({ state }) => state !== 'running' && state !== 'waiting');
    expect(done).toMatchObject({ state: 'succeeded', slices: [1, 2, 3].map((day) => ({ from: `2026-03-0${day}T00:00:00.000Z`, state: 'succeeded', changed: 7, extra: 1 })) });
    expect([done.slices[0]!.runId, new Set(done.slices.map((slice) => slice.runId)).size, (await next.runs(name)).length]).toEqual([runId, 3, 4]);
    await stop();
  }, 240_000);
});
