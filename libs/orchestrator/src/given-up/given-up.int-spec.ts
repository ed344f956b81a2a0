import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type MessageType, type RequestView, type RunView } from '@agent-etl/contracts';
import { InMemoryBus, type WireMessage, wireMessage } from '@agent-etl/messaging';
import { sql } from '@agent-etl/persistence';
import { describePostgres } from '@agent-etl/persistence/testing';
import { aPipeline, mapForTests } from '@agent-etl/planning/testing';
import { type TestService, aService, testTokens } from '@agent-etl/service-kit/testing';
import pg from 'pg';
import type { OrchestratorConfig } from '../orchestrator-config.ts';
import { orchestratorService } from '../orchestrator.module.ts';
import { eventually } from '../testing/scheduled-service.ts';
import { type Answer, type Command, type ScriptedWorker, aScriptedWorker, obedient } from '../testing/scripted-worker.ts';

describePostgres('a message that the orchestrator gives up', () => {
  let service: TestService<'orchestrator', OrchestratorConfig>;
  let worker: ScriptedWorker;
  let script: (command: Command) => Answer = obedient;
  const bus = new InMemoryBus();
  const rejected: Record<string, unknown>[] = [];
  /** What is said comes by the bus, behind the state. */
  const heard = (): Promise<unknown> => eventually(() => Promise.resolve(rejected.length), (count) => count > 0);
  let names = 0;
  const aRequest = (run: 'now' | 'never' = 'now') => { names += 1; return { pipeline: aPipeline({ name: `given_up_${names}`, to: { connection: 'warehouse', dataset: `mart.given_up_${names}` } }), run }; };
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    await (await fetch(`${service.url}${path}`, { method, headers: { authorization: `Bearer ${testTokens.editor}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json() as T;
  const ask = (run?: 'now' | 'never'): Promise<RequestView> => call('POST', '/v1/requests', aRequest(run));
  const settled = ({ requestId }: { requestId: string }): Promise<RequestView> => call('GET', `/v1/requests/${requestId}?wait=25`);
  const commandOf = async (matches: (command: Command) => boolean): Promise<Command> => {
    for (let tries = 0; tries < 400; tries += 1) {
      const found = worker.commands.find(matches);
      if (found) return found;
      await new Promise((done) => { setTimeout(done, 10); });
    }
    throw new Error('no such command');
  };
  /** What a worker of another build might say: headers as they should be, a payload that they do not promise. */
  const say = (type: MessageType, payload: Record<string, unknown>, over: Partial<WireMessage> = {}): Promise<void> =>
    bus.publish([{ ...wireMessage({ app: 'etl-worker', tenantId: DEFAULT_TENANT.id, type, payload, at: new Date().toISOString() }), ...over }]);
  const newestLetter = async (): Promise<string> => service.state.inTenantTx(DEFAULT_TENANT.id, async (tx) => (await tx.run<{ id: string }>(sql`select id from dead_letter order by last_seen desc limit 1`))[0]?.id ?? 'none');
  /** Makes the database itself refuse new rows of a table while `work` runs. */
  const refusing = async (table: string, work: () => Promise<void>): Promise<void> => {
    const admin = new pg.Client({ connectionString: service.database.adminUrl });
    await admin.connect();
    try {
      await admin.query(`create function orchestrator.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused for the test'; end $$;
        create trigger refuse before insert on orchestrator.${table} for each row execute function orchestrator.refuse()`);
      await work();
    } finally {
      await admin.query(`drop trigger if exists refuse on orchestrator.${table}; drop function orchestrator.refuse()`);
      await admin.end();
    }
  };

  beforeAll(async () => {
    await bus.subscribe('listener', ['etl.pipeline.events'], async ({ headers, value }) => { if (headers['ce_type'] === 'pipeline.rejected.v1') rejected.push(JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>); });
    worker = await aScriptedWorker(bus, DEFAULT_TENANT.id, (command) => script(command));
    service = await aService(orchestratorService({ signingKey: generateKeyPairSync('ed25519').privateKey, connectors: { views: [], mapColumn: mapForTests } }), { bus, suite: 'given_up' });
    for (const name of ['ops', 'warehouse']) await call('PUT', `/v1/connections/${name}`, { connector: 'postgres', host: '127.0.0.1', user: 'etl', password: `secret://${name}#password` });
  }, 60_000);
  beforeEach(() => { script = obedient; rejected.length = 0; });
  afterAll(async () => {
    await service?.stop();
    await worker?.close();
  });

  describe('about a task', () => {
    it('fails the request that waits for a profile nobody can read, and says where the message is', async () => {
      script = () => 'silent';
      const asked = await ask();
      const { runId, taskRunId, attempt } = await commandOf((command) => command.task.kind === 'profile');
      await say('task.run.succeeded.v1', { runId, taskRunId, attempt, result: { kind: 'profile', source: 'unreadable' } });
      const failure = { code: 'message.given-up', text: 'task.run.succeeded.v1 could not be handled and was given up: message.malformed.', next: `look at the message: agent-etl dlq show ${await newestLetter()}`, traceId: null };
      expect(await settled(asked)).toMatchObject({ state: 'failed', failure });
      await heard();
      expect(rejected).toEqual([expect.objectContaining({ requestId: asked.requestId, code: failure.code, next: failure.next })]);
    });
    it('fails the request when its profile arrives and no plan can be kept, after five tries', async () => {
      await refusing('plan', async () => { expect(await settled(await ask())).toMatchObject({ state: 'failed', failure: { code: 'message.given-up', text: expect.stringContaining('platform.internal') as unknown } }); });
    });
    it('fails the run that waits for the end of a load, and its request with it', async () => {
      script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
      const asked = await ask();
      const { runId, taskRunId, attempt } = await commandOf(({ task }) => task.kind === 'load' && task.target.dataset === `mart.given_up_${names}`);
      await say('task.run.succeeded.v1', { runId, taskRunId, attempt, result: {} });
      const run = await call<RunView>('GET', `/v1/runs/${runId}?wait=10`);
      expect([run.state, run.failure?.code, run.tasks.map(({ state }) => state)]).toEqual(['failed', 'message.given-up', ['failed', 'skipped']]);
      expect((await settled(asked)).state).toBe('finished');
    });
    it('fails every attempt under way when nothing but its key says which run it was about', async () => {
      script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
      await ask();
      const { runId } = await commandOf(({ task }) => task.kind === 'load' && task.target.dataset === `mart.given_up_${names}`);
      await say('task.run.failed.v1', { runId }, { value: Buffer.from([0xff, 0x00]) });
      expect(await call<RunView>('GET', `/v1/runs/${runId}?wait=10`)).toMatchObject({ state: 'failed', failure: { code: 'message.given-up' } });
    });
    it('leaves a run alone whose progress, start or earlier attempt is what nobody could read', async () => {
      script = (command) => (command.task.kind === 'load' ? 'silent' : obedient(command));
      await ask();
      const load = await commandOf(({ task }) => task.kind === 'load' && task.target.dataset === `mart.given_up_${names}`);
      const { runId, taskRunId, attempt } = load;
      await say('task.run.progressed.v1', { runId, taskRunId, attempt, progress: 'half' });
      await say('task.run.started.v1', { runId, taskRunId, attempt });
      await say('task.run.failed.v1', { runId, taskRunId, attempt: attempt + 1, failure: 'none' });
      await worker.report('task.run.succeeded.v1', { runId, taskRunId, attempt, result: (obedient(load) as { result: never }).result });
      expect((await call<RunView>('GET', `/v1/runs/${runId}?wait=10`)).state).toBe('succeeded');
    });
  });

  describe('that asks for something', () => {
    it('is answered after five tries, with the id that it had', async () => {
      await refusing('pipeline', async () => {
        const value = Buffer.from(JSON.stringify({ ...aRequest(), requestId: 'hopeless' }));
        await bus.publish([{ topic: 'etl.pipeline.requests', key: 'any', headers: {}, value }]);
        await heard();
        expect(rejected).toEqual([{ requestId: 'hopeless', code: 'message.given-up', text: 'pipeline.requested.v1 could not be handled and was given up: platform.internal.', issues: [], next: `look at the message: agent-etl dlq show ${await newestLetter()}` }]);
      });
    });
    it('is answered with what is wrong with it when it cannot be read', async () => {
      await bus.publish([{ topic: 'etl.pipeline.requests', key: 'any', headers: {}, value: Buffer.from('{"requestId":"odd","shedule":1}') }]);
      await heard();
      expect(rejected).toEqual([expect.objectContaining({ requestId: 'odd', code: 'message.malformed', next: `look at the message: agent-etl dlq show ${await newestLetter()}` })]);
    });
  });
});
