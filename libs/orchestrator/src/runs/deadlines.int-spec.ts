import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type RequestView, type RunView } from '@agent-etl/contracts';
import { InMemoryBus } from '@agent-etl/messaging';
import { sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { aPipeline, mapForTests } from '@agent-etl/planning/testing';
import { createLog } from '@agent-etl/service-kit';
import { type TestService, aService, testTokens } from '@agent-etl/service-kit/testing';
import type { OrchestratorConfig } from '../orchestrator-config.ts';
import { orchestratorService } from '../orchestrator.module.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, obedient } from '../testing/scripted-worker.ts';
import { GRACE_MS } from './run-state.ts';

describePostgres('the deadline of a run', () => {
  let service: TestService<'orchestrator', OrchestratorConfig>;
  let worker: ScriptedWorker;
  let script: (command: Command) => Answer = () => 'silent';
  const bus = new InMemoryBus();
  const lines: Record<string, unknown>[] = [];
  const finished: Record<string, unknown>[] = [];
  let names = 0;
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    await (await fetch(`${service.url}${path}`, { method, headers: { authorization: `Bearer ${testTokens.editor}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json() as T;
  const ask = (): Promise<RequestView> => {
    names += 1;
    return call('POST', '/v1/requests', { pipeline: aPipeline({ name: `late_${names}`, to: { connection: 'warehouse', dataset: `mart.late_${names}` } }), run: 'now' });
  };
  const settled = ({ requestId }: RequestView): Promise<RequestView> => call('GET', `/v1/requests/${requestId}?wait=25`);
  const runOf = async ({ requestId }: RequestView): Promise<string> =>
    service.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => (await tx.run<{ run_id: string }>(sql`select run_id from run where request_id = ${requestId} order by started_at desc limit 1`))[0]?.run_id ?? '');
  const untilLoading = async (asked: RequestView): Promise<string> => {
    for (let tries = 0; tries < 400; tries += 1) {
      const { runId } = await call<RequestView>('GET', `/v1/requests/${asked.requestId}`);
      if (runId) return runId;
      await new Promise((done) => { setTimeout(done, 10); });
    }
    throw new Error('no run');
  };
  /** Lets an hour pass for a run. */
  const age = (runId: string, seconds: number): Promise<void> => service.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => {
    await tx.run(sql`update run set deadline = clock_timestamp() - interval '1 hour' where run_id = ${runId}::uuid`);
    await tx.run(sql`update run_wake set at = clock_timestamp() - ${seconds}::integer * interval '1 second' where run_id = ${runId}::uuid`);
  });
  /** Leaves a row as a release with another schema might have written it. */
  const spoil = (runId: string): Promise<unknown> => service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update task_run set spec = '{"kind":"of tomorrow"}' where run_id = ${runId}::uuid`));

  beforeAll(async () => {
    await bus.subscribe('listener', ['etl.run.events'], async ({ headers, value }) => { if (headers['ce_type'] === 'run.finished.v1') finished.push(JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>); });
    worker = await aScriptedWorker(bus, DEFAULT_TENANT.id, (command) => script(command));
    const log = createLog({ level: 'error', app: 'test', to: { write: (line) => { lines.push(JSON.parse(line) as Record<string, unknown>); } } });
    service = await aService(orchestratorService({ signingKey: generateKeyPairSync('ed25519').privateKey, connectors: { views: [], mapColumn: mapForTests } }), { bus, suite: 'deadlines', log, env: { ETL_ORCHESTRATOR_PLANNING_SECONDS: '1' } });
    for (const name of ['ops', 'warehouse']) await call('PUT', `/v1/connections/${name}`, { connector: 'postgres', host: '127.0.0.1', user: 'etl', password: `secret://${name}#password` });
  }, 60_000);
  afterAll(async () => {
    await service?.stop();
    await worker?.close();
  });

  it('fails a request whose profile nobody answers, one grace after it at most, and tells the worker to stop', async () => {
    const began = performance.now();
    const asked = await ask();
    const done = await settled(asked);
    expect(done).toMatchObject({ state: 'failed', failure: { code: 'run.deadline-passed' } });
    expect(performance.now() - began).toBeLessThan(1_000 + GRACE_MS + 6_000);
    expect(worker.cancels).toEqual([expect.objectContaining({ runId: await runOf(asked) })]);
  });
  it('fails a request at once when its worker obeys', async () => {
    const began = performance.now();
    const asked = await ask();
    const runId = await runOf(asked);
    for (let tries = 0; tries < 800 && !worker.cancels.some((cancel) => cancel.runId === runId); tries += 1) await new Promise((done) => { setTimeout(done, 10); });
    const { reason: _, ...about } = worker.cancels.find((cancel) => cancel.runId === runId)!;
    await worker.report('task.run.cancelled.v1', about);
    expect(await settled(asked)).toMatchObject({ state: 'failed', failure: { code: 'run.deadline-passed' } });
    expect(performance.now() - began).toBeLessThan(1_000 + 6_000);
  });
  it('ends a run that nobody can read any more by its columns, and keeps no other run waiting for its turn', async () => {
    const [broken, sound] = [await ask(), await ask()];
    const [first, second] = [await runOf(broken), await runOf(sound)];
    await spoil(first);
    await age(first, 60);
    await age(second, 30);
    expect(await settled(sound)).toMatchObject({ state: 'failed', failure: { code: 'run.deadline-passed' } });
    expect(await settled(broken)).toMatchObject({ state: 'failed', failure: { code: 'run.deadline-passed' } });
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', msg: 'a run could not be moved on', runId: first }));
    for (let tries = 0; tries < 200 && !finished.some(({ runId }) => runId === first); tries += 1) await new Promise((done) => { setTimeout(done, 10); });
    expect(finished.filter(({ runId }) => runId === first)).toEqual([expect.objectContaining({ kind: 'planning', state: 'failed' })]);
  });
  it('ends an unreadable copy with its request and frees its target', async () => {
    script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
    const asked = await ask();
    const runId = await untilLoading(asked);
    await spoil(runId);
    await age(runId, 60);
    expect(await settled(asked)).toMatchObject({ state: 'finished' });
    const rows = await service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`select state, failure ->> 'code' as code, (select array_agg(t.state order by ordinal) from task_run t where t.run_id = run.run_id) as tasks from run where run_id = ${runId}::uuid`));
    expect(rows).toEqual([{ state: 'failed', code: 'run.deadline-passed', tasks: ['cancelled', 'skipped'] }]);
    script = obedient;
    const again = await call<RequestView>('POST', '/v1/requests?wait=20', { pipeline: aPipeline({ name: `late_${names}`, to: { connection: 'warehouse', dataset: `mart.late_${names}` } }), run: 'now' });
    expect(await call<RunView>('GET', `/v1/runs/${again.runId}?wait=10`)).toMatchObject({ state: 'succeeded' });
  });
  it('looks again later at a run that nobody can read while its deadline has not come', async () => {
    script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
    const asked = await ask();
    const runId = await untilLoading(asked);
    await spoil(runId);
    await service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update run_wake set at = clock_timestamp() where run_id = ${runId}::uuid`));
    const putOff = async (): Promise<boolean> => (await service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`select 1 from run_wake where run_id = ${runId}::uuid and at > clock_timestamp() + interval '5 seconds'`))).length > 0;
    for (let tries = 0; tries < 800 && !(await putOff()); tries += 1) await new Promise((done) => { setTimeout(done, 10); });
    expect(await putOff()).toBe(true);
    expect((await call<RequestView>('GET', `/v1/requests/${asked.requestId}`)).state).toBe('running');
  });
});
