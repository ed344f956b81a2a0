import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type PlanView, type RequestView, type RunView } from '@agent-etl/contracts';
import { InMemoryBus, type WireMessage } from '@agent-etl/messaging';
import { sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { type TestService, aService, testTokens } from '@agent-etl/service-kit/testing';
import { aPipeline, aProfile, mapForTests } from '@agent-etl/planning/testing';
import type { OrchestratorConfig } from './orchestrator-config.ts';
import { orchestratorService } from './orchestrator.module.ts';
import { verifyReceipt } from './receipts/receipt-signature.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, obedient, profileOf, publishOf } from './testing/scripted-worker.ts';

const keys = generateKeyPairSync('ed25519');
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();

describePostgres('orchestrator', () => {
  let service: TestService<'orchestrator', OrchestratorConfig>;
  let worker: ScriptedWorker;
  let script: (command: Command) => Answer = obedient;
  const said: { type: string; body: Record<string, unknown> }[] = [];
  const bus = new InMemoryBus({ repeat: 0.3, seed: 7 });
  let names = 0;
  const pipelineName = (): string => { names += 1; return `copy_${names}`; };
  const aCopy = (name: string, to: object = {}) => aPipeline({ name, to: { connection: 'warehouse', dataset: `mart.${name}`, ...to } });
  async function call<T>(method: string, path: string, { body, key }: { body?: unknown; key?: string } = {}): Promise<{ status: number; json: T }> {
    const answer = await fetch(`${service.url}${path}`, { method, headers: { authorization: `Bearer ${testTokens.editor}`, 'content-type': 'application/json', ...(key ? { 'idempotency-key': key } : {}) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.status, json: await answer.json() as T };
  }
  const ask = async (body: object, key?: string): Promise<RequestView> => (await call<RequestView>('POST', '/v1/requests?wait=8', { body, ...(key ? { key } : {}) })).json;
  const run = async (runId: string): Promise<RunView> => (await call<RunView>('GET', `/v1/runs/${runId}?wait=8`)).json;
  const heard = async (type: string, matches: (body: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> => {
    for (let tries = 0; tries < 400; tries += 1) {
      const found = said.find((each) => each.type === type && matches(each.body));
      if (found) return found.body;
      await new Promise((done) => { setTimeout(done, 25); });
    }
    throw new Error(`nobody said ${type}`);
  };

  beforeAll(async () => {
    const listen = async ({ headers, value }: WireMessage): Promise<void> => { said.push({ type: headers['ce_type']!, body: JSON.parse(Buffer.from(value).toString()) as Record<string, unknown> }); };
    await bus.subscribe('listener', ['etl.pipeline.events', 'etl.run.events'], listen);
    worker = await aScriptedWorker(bus, DEFAULT_TENANT.id, (command) => script(command));
    service = await aService(orchestratorService({ signingKey: keys.privateKey, connectors: { views: [], mapColumn: mapForTests } }), { bus, suite: 'orchestrator' });
    for (const name of ['ops', 'warehouse']) await call('PUT', `/v1/connections/${name}`, { body: { connector: 'postgres', host: '127.0.0.1', user: 'etl', password: `secret://${name}#password` } });
  }, 60_000);
  afterAll(async () => {
    await service?.stop();
    await worker?.close();
  });

  describe('a request over REST', () => {
    it('ends in a green run with a receipt that verifies offline', async () => {
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      expect(asked).toMatchObject({ state: 'finished', failure: null });
      const done = await run(asked.runId!);
      expect(done).toMatchObject({ state: 'succeeded', kind: 'copy', receipt: { reconciled: true, read: 2_984_094, written: 2_984_094, published: 2_984_094, approvedBy: 'policy', chunks: 8 } });
      expect(() => { verifyReceipt(done.receipt!, publicKey); }).not.toThrow();
      expect(() => { verifyReceipt({ ...done.receipt!, written: 1 }, publicKey); }).toThrow('does not cover');
      const order = said.filter(({ body }) => body['requestId'] === asked.requestId).map(({ type }) => type);
      expect([...new Set(order)]).toEqual(['pipeline.accepted.v1', 'run.started.v1', 'run.finished.v1', 'plan.proposed.v1', 'plan.approved.v1'].filter((type) => order.includes(type)).sort((a, b) => order.indexOf(a) - order.indexOf(b)));
      expect(order).toEqual(expect.arrayContaining(['pipeline.accepted.v1', 'plan.proposed.v1', 'plan.approved.v1', 'run.finished.v1']));
    });
    it('tells its messages in their order, in pages', async () => {
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      await run(asked.runId!);
      type Page = { items: { seq: number; type: string; task: string | null; state: string | null }[]; next: string | null };
      const whole = (await call<Page>('GET', `/v1/runs/${asked.runId}/events`)).json;
      expect(whole.items.map(({ type, task, state }) => [type, task ?? state])).toEqual([
        ['run.started.v1', null], ['task.run.requested.v1', 'load'], ['task.run.started.v1', 'load'], ['task.run.succeeded.v1', 'load'],
        ['task.run.requested.v1', 'publish'], ['task.run.started.v1', 'publish'], ['task.run.succeeded.v1', 'publish'], ['run.finished.v1', 'succeeded']]);
      const first = (await call<Page>('GET', `/v1/runs/${asked.runId}/events?limit=5`)).json;
      const rest = (await call<Page>('GET', `/v1/runs/${asked.runId}/events?limit=5&cursor=${first.next}`)).json;
      expect([...first.items, ...rest.items, rest.next]).toEqual([...whole.items, null]);
    });
    it('hands the load result to the publish', () => {
      const publish = worker.commands.find(({ task }) => task.kind === 'publish')!;
      expect(publish.load).toMatchObject({ kind: 'load', written: 2_984_094 });
      expect(publish.connections.map(({ name }) => name)).toEqual(['ops', 'warehouse']);
    });
    it('only plans when nothing says now', async () => {
      const asked = await ask({ pipeline: aCopy(pipelineName()) });
      expect(asked).toMatchObject({ state: 'planned', runId: null });
      const plan = (await call<PlanView>('GET', `/v1/plans/${asked.planId}`)).json;
      expect(plan).toMatchObject({ status: 'approved', risk: 'R1', verdict: { ok: true }, questions: [] });
      expect(plan.decisions.map(({ question }) => question)).toEqual(expect.arrayContaining(['movement', 'chunks', 'key', 'strategy', 'proof']));
    });
    it('has one effect when it comes twice, and refuses the same key with another body', async () => {
      const name = pipelineName();
      const body = { pipeline: aCopy(name), run: 'now' };
      const [first, second] = await Promise.all([ask(body, `key-${name}`), ask(body, `key-${name}`)]);
      expect(second?.runId).toBe(first?.runId);
      const other = await call<{ code: string }>('POST', '/v1/requests', { body: { ...body, run: 'never' }, key: `key-${name}` });
      expect([other.status, other.json.code]).toEqual([422, 'request.key-reused']);
    });
    describe('whose Idempotency-Key is more than a day old', () => {
      const age = (requestId: string, hours: number): Promise<unknown> => service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update request set created_at = created_at - ${hours}::integer * interval '1 hour' where request_id = ${requestId}`));
      it('is a new request with an id of its own, also with another body; within the day it is the same', async () => {
        const [key, body] = [`old-${pipelineName()}`, { pipeline: aCopy(pipelineName()) }];
        const first = await ask(body, key);
        await age(first.requestId, 23);
        expect((await ask(body, key)).requestId).toBe(key);
        await age(first.requestId, 2);
        const later = await Promise.all([1, 2, 3].map(() => ask({ ...body, run: 'now' }, key)));
        expect(new Set(later.map(({ requestId }) => requestId)).size).toBe(1);
        expect(later[0]).toMatchObject({ state: 'finished' });
        expect(later[0]?.requestId).not.toBe(key);
        expect((await call<RequestView>('GET', `/v1/requests/${key}`)).json).toMatchObject({ requestId: key, state: 'planned' });
        await age(later[0]!.requestId, 25);
        const third = await ask(body, key);
        expect([first.requestId, later[0]!.requestId]).not.toContain(third.requestId);
      });
      it('is still the request that its body names by id: an id has one effect for ever', async () => {
        const requestId = `named-${pipelineName()}`;
        const body = { requestId, pipeline: aCopy(pipelineName()) };
        const first = await ask(body, requestId);
        await age(requestId, 900);
        expect(await ask(body, requestId)).toMatchObject({ requestId, planId: first.planId });
        expect(await call('POST', '/v1/requests', { body: { ...body, run: 'now' }, key: requestId })).toMatchObject({ status: 422, json: { code: 'request.key-reused' } });
        const other = await ask({ ...body, requestId: `${requestId}-2` }, requestId);
        expect(other.requestId).toBe(`${requestId}-2`);
      });
    });
    it.each([
      ['a step of a later release', { pipeline: { ...aCopy('refused'), steps: [{ pivot: {} }] } }, 422, 'request.invalid'],
      ['a sentence', { say: 'copy it' }, 415, 'request.unsupported'],
      ['an unknown connection', { pipeline: { ...aCopy('refused'), from: { connection: 'opps', dataset: 'a.b' } } }, 404, 'access.not-found'],
      ['an unknown pipeline', { pipeline: { name: 'nowhere' } }, 404, 'access.not-found'],
    ])('refuses %s by name', async (_, body, status, code) => {
      const answer = await call<{ code: string; next: string | null }>('POST', '/v1/requests', { body });
      expect([answer.status, answer.json.code]).toEqual([status, code]);
    });
  });

  describe('a request over the bus', () => {
    const line = (value: string): Promise<void> => bus.publish([{ topic: 'etl.pipeline.requests', key: 'any', headers: {}, value: Buffer.from(value) }]);
    it('is answered with its requestId and ends in a receipt', async () => {
      await line(JSON.stringify({ requestId: 'bus-1', pipeline: aCopy(pipelineName()), run: 'now' }));
      expect(await heard('run.finished.v1', (body) => body['requestId'] === 'bus-1' && body['kind'] === 'copy')).toMatchObject({ state: 'succeeded', receipt: { reconciled: true } });
    });
    it('is rejected with every issue when it breaks the format', async () => {
      await line(JSON.stringify({ requestId: 'bus-2', pipeline: { name: 'Bad Name' } }));
      expect(await heard('pipeline.rejected.v1', (body) => body['requestId'] === 'bus-2')).toMatchObject({ code: 'message.malformed', issues: [{ path: '/pipeline/name', text: 'must begin with a-z and go on with a-z 0-9 _, at most 48 characters' }] });
    });
    it('is rejected when it asks for what there is not', async () => {
      await line(JSON.stringify({ requestId: 'bus-3', pipeline: { ...aCopy('refused'), onDrift: 'quarantine' } }));
      expect(await heard('pipeline.rejected.v1', (body) => body['requestId'] === 'bus-3')).toMatchObject({ code: 'request.unsupported' });
    });
    it('does not block the topic when it is garbage, which is kept with its reason', async () => {
      const [letters, name] = [[] as [string, string][], pipelineName()];
      const letterBox = await bus.subscribe('letters', ['etl.dlq.orchestrator'], async ({ headers, value }) => { letters.push([Buffer.from(value).toString(), headers['dlq_failure'] ?? '']); });
      await line('{{{ nothing');
      await line(JSON.stringify({ requestId: 'bus-4', pipeline: aCopy(name) }));
      expect(await heard('plan.approved.v1', (body) => body['requestId'] === 'bus-4')).toMatchObject({ by: 'policy', plan: { pipeline: { name } } });
      for (let tries = 0; letters.length === 0 && tries < 400; tries += 1) await new Promise((done) => { setTimeout(done, 25); });
      await letterBox.close();
      const [text, failure] = letters[0] ?? ['', '{}'];
      expect([text, JSON.parse(failure)]).toEqual(['{{{ nothing', { code: 'message.malformed', text: 'The message cannot be read: not JSON in UTF-8.', next: null, traceId: null }]);
    });
  });

  describe('what needs a person', () => {
    it('asks when the target holds rows and the request does not say how to load', async () => {
      const target = { ...profileOf().source, connection: 'warehouse' as never, rows: 10, rowsExact: true };
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ target }) } : obedient(command));
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      script = obedient;
      expect(asked).toMatchObject({ state: 'waiting', runId: null, failure: { code: 'request.ambiguous' } });
      expect((await call<PlanView>('GET', `/v1/plans/${asked.planId}`)).json.questions[0]).toMatchObject({ id: 'load', choices: ['append', 'replace', 'upsert by flight_id'] });
    });
    it('waits for approval of a replace, then runs exactly that plan', async () => {
      const target = { ...profileOf().source, connection: 'warehouse' as never };
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ target }) } : obedient(command));
      const asked = await ask({ pipeline: aCopy(pipelineName(), { load: 'replace' }), run: 'now' });
      script = obedient;
      const needed = { code: 'plan.needs-approval', next: `read the plan, then: agent-etl apply ${asked.planId} --approve` };
      expect(asked).toMatchObject({ state: 'waiting', failure: needed });
      expect((await call('POST', `/v1/plans/${asked.planId}/runs`)).json).toMatchObject(needed);
      expect((await call<PlanView>('POST', `/v1/plans/${asked.planId}/approve`)).json.status).toBe('approved');
      const after = (await call<RequestView>('GET', `/v1/requests/${asked.requestId}?wait=8`)).json;
      expect(await run(after.runId!)).toMatchObject({ state: 'succeeded', receipt: { approvedBy: 'editor' } });
    });
    it('is found by its pipeline, last proposed first, and by how its id begins', async () => {
      const name = pipelineName();
      const target = { ...profileOf().source, connection: 'warehouse' as never };
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ target }) } : obedient(command));
      const first = await ask({ pipeline: aCopy(name, { load: 'replace' }) });
      const second = await ask({ pipeline: aCopy(name, { load: 'append' }) });
      const ids = async (query: string): Promise<string[]> => (await call<{ items: PlanView[] }>('GET', `/v1/plans?${query}`)).json.items.map(({ planId }) => planId);
      expect(await ids(`pipeline=${name}`)).toEqual([second.planId, first.planId]);
      await ask({ pipeline: aCopy(name, { load: 'replace' }) });
      script = obedient;
      expect(await ids(`pipeline=${name}`)).toEqual([first.planId, second.planId]);
      const { json: page } = await call<{ next: string }>('GET', `/v1/plans?pipeline=${name}&limit=1`);
      expect(await ids(`pipeline=${name}&limit=1&cursor=${page.next}`)).toEqual([second.planId]);
      expect(await ids(`begins=${first.planId!.slice(0, 12)}`)).toEqual([first.planId]);
      expect([await ids('pipeline=none_such'), (await call('GET', '/v1/plans?begins=%25')).status]).toEqual([[], 422]);
    });
    it('does not approve a plan whose source has changed since', async () => {
      const name = pipelineName();
      const target = { ...profileOf().source, connection: 'warehouse' as never };
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ target }) } : obedient(command));
      const old = await ask({ pipeline: aCopy(name, { load: 'replace' }) });
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ source: aProfile({ fingerprint: 'e'.repeat(64) }), target }) } : obedient(command));
      await ask({ pipeline: aCopy(name, { load: 'replace' }) });
      script = obedient;
      expect((await call<{ code: string }>('POST', `/v1/plans/${old.planId}/approve`)).json.code).toBe('plan.stale');
    });
  });

  it('runs an approved plan once per Idempotency-Key, and not again over its own rows', async () => {
    const { planId } = await ask({ pipeline: aCopy(pipelineName()) });
    const first = (await call<RunView>('POST', `/v1/plans/${planId}/runs`, { key: 'run-once' })).json;
    const again = (await call<RunView>('POST', `/v1/plans/${planId}/runs`, { key: 'run-once' })).json;
    expect(again.runId).toBe(first.runId);
    expect((await run(first.runId)).state).toBe('succeeded');
    expect((await call<{ code: string }>('POST', `/v1/plans/${planId}/runs`, { key: 'run-twice' })).json.code).toBe('request.conflict');
    const age = (runId: string): Promise<unknown> => service.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run(sql`update run set started_at = started_at - interval '25 hours', state = 'failed' , receipt = null where run_id = ${runId}::uuid`));
    await age(first.runId); // and red, so that the plan may run again
    const nextDay = await Promise.all([1, 2].map(() => call<RunView>('POST', `/v1/plans/${planId}/runs`, { key: 'run-once' })));
    expect(new Set(nextDay.map(({ json }) => json.runId)).size).toBe(1);
    expect(nextDay[0]!.json.runId).not.toBe(first.runId);
  });

  describe('trouble', () => {
    it('is tried again when the error table says so, and ends green', async () => {
      const seen = new Set<string>();
      script = (command) => {
        if (command.task.kind !== 'load' || seen.has(command.taskRunId)) return obedient(command);
        seen.add(command.taskRunId);
        return { fails: 'connection.interrupted' };
      };
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      script = obedient;
      expect((await run(asked.runId!)).tasks.map(({ attempts }) => attempts)).toEqual([2, 1]);
    });
    it('is final when the error table says never', async () => {
      script = (command) => (command.task.kind === 'load' ? { fails: 'connection.auth-failed' } : obedient(command));
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      script = obedient;
      expect(await run(asked.runId!)).toMatchObject({ state: 'failed', receipt: null, failure: { code: 'connection.auth-failed' }, tasks: [{ state: 'failed' }, { state: 'skipped' }] });
    });
    it('is red when the ends differ, however green the tasks were', async () => {
      script = (command) => (command.task.kind === 'publish' ? { result: publishOf(2_984_094, { targetDigest: { kind: 'pg-frame', rows: 2_984_094, a: '1', b: '2' } }) } : obedient(command));
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      script = obedient;
      expect(await run(asked.runId!)).toMatchObject({ state: 'failed', receipt: null, failure: { code: 'sink.reconcile-mismatch' } });
    });
    it('keeps a second run off a busy target until the first is cancelled', async () => {
      const name = pipelineName();
      script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
      const first = (await call<RequestView>('POST', '/v1/requests?wait=2', { body: { pipeline: aCopy(name), run: 'now' } })).json;
      const second = await ask({ pipeline: aCopy(name), run: 'now' });
      expect(second).toMatchObject({ state: 'failed', failure: { code: 'request.conflict' } });
      script = obedient;
      const load = worker.commands.find(({ runId, task }) => runId === first.runId && task.kind === 'load')!;
      expect((await call<RunView>('POST', `/v1/runs/${first.runId}/cancel`)).json.state).toBe('cancelling');
      const isTold = (): boolean => worker.cancels.some(({ taskRunId }) => taskRunId === load.taskRunId);
      for (let tries = 0; tries < 400 && !isTold(); tries += 1) await new Promise((done) => { setTimeout(done, 10); });
      expect(isTold()).toBe(true);
      await worker.report('task.run.cancelled.v1', { runId: load.runId, taskRunId: load.taskRunId, attempt: load.attempt });
      expect((await run(first.runId!)).state).toBe('cancelled');
      expect((await call<RunView>('POST', `/v1/runs/${first.runId}/retry`)).status).toBe(202);
    });
    it('of a profile is told to the requester', async () => {
      script = (command) => (command.task.kind === 'profile' ? { fails: 'source.not-found' } : obedient(command));
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      script = obedient;
      expect(asked).toMatchObject({ state: 'failed', failure: { code: 'source.not-found' } });
      expect(await heard('pipeline.rejected.v1', (body) => body['requestId'] === asked.requestId)).toMatchObject({ code: 'source.not-found' });
    });
    it.each([
      ['the rules', { ...aProfile(), columns: [] }, 'profile.unusable'], ['the verifier', aProfile({ columns: [{ name: 'é'.repeat(40), type: { kind: 'i32' }, native: 'integer', nullable: true }], primaryKey: null }), 'plan.refused'],
    ])('of %s has the trace of the look that it rests on', async (_, source, code) => {
      script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ source }) } : obedient(command));
      const asked = await ask({ pipeline: aCopy(pipelineName()), run: 'now' });
      script = obedient;
      expect(asked).toMatchObject({ state: 'failed', failure: { code, traceId: worker.commands.at(-1)?.taskRunId.replaceAll('-', '') } });
    });
  });

  describe('the approval of a plan that comes out again', () => {
    const approvals = (planId: string): Record<string, unknown>[] => said.filter(({ type, body }) => type === 'plan.approved.v1' && body['planId'] === planId).map(({ body }) => body);
    const distinct = (planId: string): number => new Set(approvals(planId).map(({ approvedAt }) => approvedAt)).size;
    const put = (host: string) => call('PUT', '/v1/connections/ops', { body: { connector: 'postgres', host, database: 'ops', user: 'etl', password: 'secret://ops#password' } });
    afterAll(() => put('127.0.0.1'));
    it('is said again when a database has moved, with its new address, and not otherwise', async () => {
      await put('old-host');
      const body = { pipeline: aCopy(pipelineName()) };
      const first = await ask(body);
      const same = await ask(body);
      await put('new-host');
      const moved = await ask(body);
      expect([same.planId, moved.planId]).toEqual([first.planId, first.planId]);
      await heard('plan.approved.v1', ({ requestId }) => requestId === moved.requestId);
      expect(distinct(first.planId!)).toBe(2);
      expect(approvals(first.planId!).find(({ requestId }) => requestId === first.requestId)).toMatchObject({ by: 'policy', addresses: { ops: 'postgres://old-host:5432/ops' } });
      expect(approvals(first.planId!).find(({ requestId }) => requestId === moved.requestId)).toMatchObject({ by: 'policy', addresses: { ops: 'postgres://new-host:5432/ops' } });
    });
    it('is said again when another plan stood in between, which then is the current one no more', async () => {
      const name = pipelineName();
      const asked = async (rows: number): Promise<RequestView> => {
        script = (command) => (command.task.kind === 'profile' ? { result: profileOf({ source: aProfile({ rows }) }) } : obedient(command));
        return ask({ pipeline: aCopy(name) });
      };
      const [one, two, back] = [await asked(1_000), await asked(2_000), await asked(1_000)];
      script = obedient;
      expect([two.planId === one.planId, back.planId]).toEqual([false, one.planId]);
      await heard('plan.approved.v1', ({ requestId }) => requestId === back.requestId);
      expect((await call<{ planId: string }>('GET', `/v1/pipelines/${name}`)).json.planId).toBe(one.planId);
    });
  });

  it('has a worker try a connection and list its datasets', async () => {
    expect((await call('POST', '/v1/connections/ops/test')).json).toMatchObject({ kind: 'inspect', system: 'PostgreSQL 18.4' });
    expect((await call('GET', '/v1/connections/ops/datasets')).json).toMatchObject({ datasets: [{ name: 'public.flights' }] });
    script = () => ({ fails: 'connection.auth-failed' });
    expect(await call('POST', '/v1/connections/ops/test')).toMatchObject({ status: 422, json: { code: 'connection.auth-failed' } });
    script = obedient;
  });
  it('lists plans, pipelines and runs in pages', async () => {
    for (const path of ['/v1/plans', '/v1/pipelines', '/v1/runs']) {
      const first = (await call<{ items: object[]; next: string | null }>('GET', `${path}?limit=2`)).json;
      const second = (await call<{ items: object[]; next: string | null }>('GET', `${path}?limit=2&cursor=${first.next}`)).json;
      expect([path, first.items.length, second.items.length]).toEqual([path, 2, 2]);
      expect(JSON.stringify(second.items)).not.toBe(JSON.stringify(first.items));
    }
  });

  describe('a DAG', () => {
    const put = (planId: string, task: string, more: object = {}) =>
      call<{ state: string; receipt: string | null; code: string | null }>('PUT', `/v1/plans/${planId}/airflow-task-runs`, { body: { dag_id: 'dag', run_id: 'manual__1', task, try: 1, max_tries: 12, wait_s: 8, ...more } });
    it('runs each task in its turn, ends with the receipt, and runs again only when a person clears a task', async () => {
      const { planId } = await ask({ pipeline: aCopy(pipelineName()) });
      expect((await put(planId!, 'publish')).json).toMatchObject({ code: 'request.conflict' });
      expect((await put(planId!, 'receipt')).json).toMatchObject({ code: 'request.conflict' });
      expect((await put(planId!, 'load')).json).toMatchObject({ state: 'succeeded', receipt: null });
      expect((await put(planId!, 'load', { try: 2 })).json).toMatchObject({ state: 'succeeded' });
      expect((await put(planId!, 'publish')).json).toMatchObject({ state: 'succeeded' });
      const receipt = (await put(planId!, 'receipt')).json;
      expect(receipt.receipt).toMatch(/^[0-9a-f-]{36}$/);
      expect((await put(planId!, 'load', { try: 2, max_tries: 13 })).json).toMatchObject({ state: 'succeeded', receipt: null });
      expect((await put(planId!, 'nothing')).status).toBe(404);
    });
  });
});
