import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type RequestView, type RunView } from '@agent-etl/contracts';
import { InMemoryBus, type MessageBus, type WireMessage } from '@agent-etl/messaging';
import { type TestState, aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { aPipeline, mapForTests } from '@agent-etl/planning/testing';
import { type TestService, aService, testTokens } from '@agent-etl/service-kit/testing';
import type { OrchestratorConfig } from './orchestrator-config.ts';
import { orchestratorMigrations, orchestratorService } from './orchestrator.module.ts';
import { aScriptedWorker } from './testing/scripted-worker.ts';

/** A bus whose broker is away: nothing is taken, nothing is lost. */
class AwayBus extends InMemoryBus {
  override publish(_: readonly WireMessage[]): Promise<void> { return Promise.reject(new Error('the broker is away')); }
}

describePostgres('orchestrator after a crash', () => {
  let database: TestState;
  let folder: string;
  const { privateKey } = generateKeyPairSync('ed25519');
  const start = (bus: MessageBus): Promise<TestService<'orchestrator', OrchestratorConfig>> =>
    aService(orchestratorService({ signingKey: privateKey, project: join(folder, 'agent-etl.yaml'), connectors: { views: [], mapColumn: mapForTests } }), { bus, database });
  const call = async <T>(url: string, method: string, body?: object): Promise<T> =>
    await (await fetch(url, { method, headers: { authorization: `Bearer ${testTokens.editor}`, 'content-type': 'application/json' }, ...(body ? { body: JSON.stringify(body) } : {}) })).json() as T;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orchestrator-'));
    await writeFile(join(folder, 'agent-etl.yaml'), 'version: 1\nconnections:\n  ops: { connector: postgres, host: ops }\n  warehouse: { connector: postgres, host: warehouse }\n');
    database = await aStateDatabase('orchestrator_restart', [{ schema: 'orchestrator', migrations: orchestratorMigrations }]);
  });
  afterAll(async () => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it('sends what it had committed when the broker was away, and the run ends green', async () => {
    const before = await start(new AwayBus());
    const asked = await call<RequestView>(`${before.url}/v1/requests`, 'POST', { requestId: 'kept', pipeline: aPipeline(), run: 'now' });
    expect(asked).toMatchObject({ requestId: 'kept', state: 'planning' });
    await before.running.stop();

    const bus = new InMemoryBus({ repeat: 0.5, seed: 3 });
    const worker = await aScriptedWorker(bus, DEFAULT_TENANT.id);
    const after = await start(bus);
    const done = await call<RequestView>(`${after.url}/v1/requests/kept?wait=10`, 'GET');
    expect(done).toMatchObject({ state: 'finished', failure: null });
    expect(await call<RunView>(`${after.url}/v1/runs/${done.runId}`, 'GET')).toMatchObject({ state: 'succeeded', receipt: { reconciled: true } });

    await writeFile(join(folder, 'agent-etl.yaml'), 'version: 1\nconnections:\n  lake: { connector: file, root: ./lake }\n');
    const { items } = await call<{ items: { name: string }[] }>(`${after.url}/v1/connections`, 'GET');
    expect(items.map(({ name }) => name)).toEqual(['lake', 'ops', 'warehouse']);
    await after.running.stop();
    await worker.close();
  });

  describe('whose project file changes while many ask over the bus', () => {
    const project = (more: string): Promise<void> => writeFile(join(folder, 'agent-etl.yaml'), `version: 1\nconnections:\n  ops: { connector: postgres, host: ops }\n  warehouse: { connector: postgres, host: warehouse }\n${more}`);
    const said: { type: string; body: Record<string, unknown> }[] = [];
    const asking = (requestId: string): WireMessage =>
      ({ topic: 'etl.pipeline.requests', key: requestId, headers: {}, value: Buffer.from(JSON.stringify({ requestId, pipeline: aPipeline({ name: requestId, to: { connection: 'warehouse', dataset: `mart.${requestId}` } }) })) });
    const answered = async (count: number): Promise<void> => { for (let tries = 0; tries < 1_000 && said.length < count; tries += 1) await new Promise((done) => { setTimeout(done, 20); }); };
    it('loads it once in the transaction of whoever comes first, and keeps nobody waiting for a second connection', async () => {
      await project('');
      const bus = new InMemoryBus();
      await bus.subscribe('listener', ['etl.pipeline.events'], async ({ headers, value }) => { said.push({ type: headers['ce_type']!, body: JSON.parse(Buffer.from(value).toString()) as Record<string, unknown> }); });
      const service = await start(bus);
      await project('  lake2: { connector: file, root: ./lake }\n');
      const began = performance.now();
      await bus.publish(Array.from({ length: 16 }, (_, index) => asking(`many_${index}`))); // four times as many as there are connections
      await answered(16);
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(new Set(said.map(({ type }) => type))).toEqual(new Set(['pipeline.accepted.v1']));
      expect((await call<{ items: { name: string }[] }>(`${service.url}/v1/connections`, 'GET')).items.map(({ name }) => name)).toContain('lake2');

      said.length = 0;
      await project('  broken: {');
      await bus.publish([asking('meanwhile')]);
      await answered(1);
      expect(said).toEqual([{ type: 'pipeline.rejected.v1', body: expect.objectContaining({ requestId: 'meanwhile', code: 'request.malformed' }) as unknown }]);
      await service.running.stop();
    });
  });
});
