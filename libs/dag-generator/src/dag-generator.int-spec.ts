import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, DagArtifact } from '@agent-etl/contracts';
import { anApprovedPlan } from '@agent-etl/dag-rendering/testing';
import { wireMessage } from '@agent-etl/messaging';
import { describePostgres } from '@agent-etl/persistence/testing';
import { type TestServices, aService, testTokens } from '@agent-etl/service-kit/testing';
import { dagGeneratorService } from './dag-generator.module.ts';

describePostgres('dag_generator_service', () => {
  let service: TestServices;
  let folder: string;
  const heard: Record<string, unknown>[] = [];
  const { plan, planId } = anApprovedPlan();
  const ask = (token: string): Promise<Response> => fetch(`${service.url}/v1/plans/${planId}/dag`, { headers: { authorization: `Bearer ${token}` } });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etl-dag-service-'));
    service = await aService(dagGeneratorService(), { suite: 'dag_generator_service', env: { ETL_DAG_GENERATOR_FOLDER: folder } });
    await service.bus.subscribe('test', ['etl.dag.events'], async ({ value }) => { heard.push(JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>); });
  });
  afterAll(async () => { await service.stop(); });

  it('answers 404 for a plan that nobody approved, as problem+json', async () => {
    const response = await ask(testTokens.viewer);
    expect([response.status, response.headers.get('content-type')]).toEqual([404, expect.stringContaining('application/problem+json')]);
  });
  it('turns an approval that comes twice into one file, one event and an answer', async () => {
    const payload = { requestId: null, pipelineId: '00000000-0000-7000-8000-0000000000aa', pipeline: 'flights', planId, plan, by: 'policy', approvedAt: '2026-11-20T14:03:11.000Z', airflow: {} };
    const message = wireMessage({ app: 'orchestrator', tenantId: DEFAULT_TENANT.id, type: 'plan.approved.v1', payload, at: '2026-11-20T14:03:11.000Z' });
    await service.bus.publish([message, message]);
    for (let tries = 0; tries < 100 && heard.length === 0; tries += 1) await sleep(100);
    const artifact = DagArtifact.parse(await (await ask(testTokens.viewer)).json());
    expect(await readFile(join(folder, 'default-flights.py'), 'utf8')).toBe(artifact.text);
    await sleep(300);
    expect(heard.map(({ dagId, digest, path }) => [dagId, digest, path])).toEqual([['default-flights', artifact.digest, artifact.path]]);
  });
  it('says that there is no DAG of an approval that it cannot read, and where the message is', async () => {
    heard.length = 0;
    const about = { pipelineId: '00000000-0000-7000-8000-0000000000ab', planId: 'b'.repeat(64) };
    await service.bus.publish([wireMessage({ app: 'orchestrator', tenantId: DEFAULT_TENANT.id, type: 'plan.approved.v1', payload: { ...about, plan: {} }, at: '2026-11-20T14:03:11.000Z' })]);
    for (let tries = 0; tries < 100 && heard.length === 0; tries += 1) await sleep(50);
    expect(heard).toEqual([{ ...about, failure: expect.objectContaining({ code: 'message.given-up', next: expect.stringMatching(/agent-etl dlq show [0-9a-f-]{36}$/) as unknown }) as unknown }]);
  });
  it('lets nobody in without a token', async () => { expect((await ask('wrong')).status).toBe(401); });
});
