import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
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
});
