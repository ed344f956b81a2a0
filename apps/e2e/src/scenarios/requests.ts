import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { ApiError } from '@agent-etl/api-client';
import { endpoints } from '@agent-etl/contracts';
import { ask, begin, between, copy, fresh, inShop, settle, untilRun } from '../steps.ts';
import type { World } from '../world.ts';

const codeOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'answered', (error: unknown) => (error instanceof ApiError ? error.code : error));
async function aTable(world: World, rows = 10): Promise<string> {
  const table = fresh('t');
  await inShop(world, `create table ${table} (id int primary key); insert into ${table} select generate_series(1, ${rows})`);
  return table;
}
const post = ({ url, token }: World, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/v1/requests`, { method: 'POST', body, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers } });

export function requests(world: () => World): void {
  it('gives the same request one effect, however often it comes', async () => {
    const table = await aTable(world());
    const pipeline = between(`shop|public.${table}`, `warehouse|mart.${table}`);
    const id = randomUUID();
    const [first, second] = await Promise.all([ask(world(), pipeline, id), ask(world(), pipeline, id)]);
    expect(second.runId).toBe(first.runId);
    const { items } = await world().client.call(endpoints.listRuns, { query: { pipeline: pipeline.name } });
    expect(items).toHaveLength(1);
  });
  it('refuses a key that came with another body', async () => {
    const table = await aTable(world());
    const id = randomUUID();
    await ask(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`), id);
    expect(await codeOf(ask(world(), between(`shop|public.${table}`, `warehouse|mart.other_${table}`), id))).toBe('request.key-reused');
  });
  it('takes the requestId from the Idempotency-Key', async () => {
    const table = await aTable(world());
    const key = randomUUID();
    const answer = await post(world(), JSON.stringify({ pipeline: between(`shop|public.${table}`, `warehouse|mart.${table}`), run: 'now' }), { 'idempotency-key': key });
    expect([answer.status, Object(await answer.json()).requestId]).toEqual([202, key]);
  });
  it.each([
    ['{ "pipeline": ', 400, 'request.malformed', 'ends too early'], ['', 422, 'request.invalid', 'is missing'], ['[]', 422, 'request.invalid', 'must be an object, not a list'],
    ['{ "pipelin": {} }', 422, 'request.invalid', 'unknown key pipelin: did you mean pipeline?'], ['{ "requestId": "" }', 422, 'request.invalid', 'must have at least 1 character'],
    [JSON.stringify({ requestId: 'x\u0000y' }), 422, 'request.invalid', '/requestId: holds NUL'], [`{"requestId":"\\ud800"}`, 422, 'request.invalid', '/requestId: holds NUL or half of a surrogate pair'],
    ['{"pipeline":{"name":"a","owner":"x\\udfff","from":{"connection":"shop","dataset":"public.x"},"to":{"connection":"warehouse","dataset":"mart.x"}}}', 422, 'request.invalid', '/pipeline/owner: holds NUL or half'],
    ['{"pipeline":{"name":"a","from":{"connection":"shop","dataset":"public.\\u0000"},"to":{"connection":"warehouse","dataset":"mart.x"}}}', 422, 'request.invalid', '/pipeline/from/dataset: holds NUL'],
    ['{"pipeline":{"name":"a","form":{},"to":{"connection":"warehouse","dataset":"mart.x"}}}', 422, 'request.invalid', 'unknown key form: did you mean from?'],
    [JSON.stringify({ description: 'x'.repeat(1_100_000) }), 413, 'request.too-large', 'the limit is'], ['['.repeat(100_000), 400, 'request.malformed', 'more than 64 levels'],
  ])('answers %.30s with %d %s', async (body, status, code, words) => {
    const answer = await post(world(), body);
    const problem = Object(await answer.json()) as { code: string; text: string; traceId: string };
    expect([answer.status, problem.code, problem.text]).toEqual([status, code, expect.stringContaining(words)]);
    expect(problem.traceId).toMatch(/^[0-9a-f]{32}$/);
  });
  it('refuses bytes that are not UTF-8', async () => {
    const answer = await fetch(`${world().url}/v1/requests`, { method: 'POST', body: Buffer.from('{"requestId":"caf\xe9"}', 'latin1'), headers: { authorization: `Bearer ${world().token}`, 'content-type': 'application/json' } });
    expect([answer.status, Object(await answer.json()).code]).toEqual([400, 'request.malformed']);
  });
  it('needs a token, and the right host', async () => {
    expect((await post({ ...world(), token: 'wrong-wrong-wrong-wrong' }, '{}')).status).toBe(401);
  });
  it('cancels a run at a chunk boundary and leaves nothing', async () => {
    const table = await aTable(world(), 1_500_000);
    const runId = await begin(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`));
    await world().client.call(endpoints.cancelRun, { params: { runId } });
    const run = await untilRun(world(), runId);
    expect([run.state, run.receipt]).toEqual(['cancelled', null]);
    const retry = (key: string) => world().client.call(endpoints.retryRun, { params: { runId: run.runId }, idempotencyKey: key });
    const [retried, twin] = [await retry('again'), await retry('again')];
    expect([retried.runId === run.runId, twin.runId]).toEqual([false, retried.runId]);
    expect((await untilRun(world(), retried.runId)).receipt).toMatchObject({ written: 1_500_000, reconciled: true });
  });
  it('lists runs, pipelines, connectors, connections and dead letters', async () => {
    const table = await aTable(world());
    const run = await copy(world(), between(`shop|public.${table}`, `warehouse|mart.${table}`));
    const { client } = world();
    expect((await client.call(endpoints.listRuns)).items.some(({ runId }) => runId === run.runId)).toBe(true);
    expect((await client.call(endpoints.getPipeline, { params: { name: run.pipeline } })).lastRunId).toBe(run.runId);
    expect((await client.call(endpoints.listConnectors)).items.map(({ name }) => name).sort()).toEqual(['file', 'mysql', 'postgres', 'sqlite']);
    expect((await client.call(endpoints.listDatasets, { params: { name: 'shop' } })).datasets.map(({ name }) => name)).toContain(`public.${table}`);
    expect((await client.call(endpoints.listDeadLetters)).items).toEqual([]);
  });
}
