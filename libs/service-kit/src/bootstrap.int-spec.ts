import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Answer, type Call, DEFAULT_TENANT, type Payload, endpoints } from '@agent-etl/contracts';
import { InMemoryBus, type MessageBus, Outbox, handlesFor, wireMessage } from '@agent-etl/messaging';
import { StateDatabase, type TenantTx, platformMigrations, sql } from '@agent-etl/persistence';
import { aStateDatabase, describePostgres } from '@agent-etl/persistence/testing';
import { Controller, Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Input, Serves } from './endpoint-binding.ts';
import { createLog } from './log.ts';
import { Access } from './access.ts';
import { bootstrapServices } from './bootstrap.ts';
import { Shutdown } from './shutdown.ts';
import type { ServiceDefinition } from './service-definition.ts';
import { type TestService, aService, testTokens } from './testing.ts';

type Config = { ETL_DAG_GENERATOR_FOLDER: string };
const CONFIG = Symbol('config');
const planId = 'a'.repeat(64);
const pipelineId = '018f0000-0000-7000-8000-0000000000aa';
const Handles = handlesFor('dag-generator');
const heard: string[] = [];

@Injectable()
class DagsService {
  constructor(readonly state: StateDatabase, readonly outbox: Outbox<'dag-generator'>, @Inject(CONFIG) readonly config: Config) {}

  async publish(tx: TenantTx, plan: string): Promise<void> {
    tx.hold(pipelineId);
    await this.outbox.add(tx, 'dag.published.v1', { pipelineId, planId: plan, dagId: 'd', digest: 'b'.repeat(64), path: this.config.ETL_DAG_GENERATOR_FOLDER } as Payload<'dag.published.v1'>);
  }
  get(tenantId: string, plan: string): Promise<Answer<typeof endpoints.getDag>> {
    return this.state.inTenantTx(tenantId, async (tx) => {
      await this.publish(tx, plan);
      return { planId: plan as never, dagId: 'd', target: 'airflow 3.3 http', digest: 'b'.repeat(64), path: null, publishedAt: await tx.now() };
    });
  }
}
@Controller()
class DagController {
  constructor(private readonly dags: DagsService) {}
  @Serves(endpoints.getDag) get(@Input() { caller, params }: Call<typeof endpoints.getDag>): Promise<Answer<typeof endpoints.getDag>> { return this.dags.get(caller.tenantId, params.planId); }
}
@Controller()
class RenderingHandler {
  constructor(private readonly dags: DagsService) {}
  @Handles('plan.approved.v1') async onApproved(event: Payload<'plan.approved.v1'>, tx: TenantTx): Promise<void> {
    heard.push(event.planId);
    if (event.by === 'refuses') throw new Error('always');
    await this.dags.publish(tx, event.planId);
  }
}
class DagModule {}
const service = (): ServiceDefinition<'dag-generator', Config> => ({
  app: 'dag-generator', schema: 'dag_generator', entities: [], migrations: platformMigrations(), config: z.object({ ETL_DAG_GENERATOR_FOLDER: z.string() }),
  module: ({ state, outbox, config }) => ({ module: DagModule, controllers: [DagController, RenderingHandler],
    providers: [DagsService, { provide: StateDatabase, useValue: state }, { provide: Outbox, useValue: outbox }, { provide: CONFIG, useValue: config }] }),
});

describePostgres('a running service', () => {
  let running: TestService<'dag-generator', Config>;
  const bus = new InMemoryBus();
  const sent: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level: 'error', app: 'test', to: { write: (line) => { lines.push(JSON.parse(line) as Record<string, unknown>); } } });
  beforeAll(async () => {
    await bus.subscribe('test', ['etl.dag.events', 'etl.dlq.dag-generator'], async ({ topic }) => { sent.push(topic); });
    running = await aService(service(), { bus, log, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } });
  });
  afterAll(async () => { await running?.stop(); });
  const get = (path: string): Promise<Response> => fetch(`${running.url}${path}`, { headers: { authorization: `Bearer ${testTokens.viewer}` } });

  it('does not start with a configuration that is wrong', async () => {
    await expect(aService(service())).rejects.toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_DAG_GENERATOR_FOLDER' }] });
  });
  it('does not start on a schema that lacks a migration', async () => {
    class Later1999999999999 { readonly name = 'Later1999999999999'; readonly release = 1; readonly phase = 'expand' as const; async up(): Promise<void> { /* never run */ } async down(): Promise<void> { /* never run */ } }
    const newer = { ...service(), migrations: [...platformMigrations(), Later1999999999999] };
    await expect(aService(newer, { database: running.database, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } })).rejects.toMatchObject({ code: 'state.older', message: expect.stringContaining('Later1999999999999') });
  });
  it('answers over HTTP and sends what it said, by the outbox', async () => {
    expect((await get(`/v1/plans/${planId}/dag`)).status).toBe(200);
    await until(() => sent.includes('etl.dag.events'));
  });
  it('gives up a message that is no plan, with its bytes, without calling the handler', async () => {
    const payload = { requestId: null, pipelineId, pipeline: 'p', planId: 'c'.repeat(64), plan: {}, by: 'policy', approvedAt: '2026-01-01T00:00:00Z', airflow: {} };
    const wire = wireMessage({ app: 'orchestrator', tenantId: DEFAULT_TENANT.id, type: 'plan.approved.v1', payload, at: '2026-01-01T00:00:00Z' });
    await bus.publish([wire, wire]);
    await until(() => sent.includes('etl.dlq.dag-generator'));
    expect(heard).toEqual([]);
  });
  it('says in its log which message it gave up, and nothing of what was in it', async () => {
    lines.length = 0;
    const payload = { requestId: null, pipelineId, pipeline: 'p', planId: 'e'.repeat(64), plan: { hunter2: 'hunter2' }, by: 'policy', approvedAt: '2026-01-01T00:00:00Z', airflow: {} };
    await bus.publish([wireMessage({ app: 'orchestrator', tenantId: DEFAULT_TENANT.id, type: 'plan.approved.v1', payload, at: '2026-01-01T00:00:00Z' })]);
    await until(() => lines.length > 0);
    const [letter] = await running.state.inTenantTx(DEFAULT_TENANT.id, (tx) => tx.run<{ id: string }>(sql`select id from dead_letter order by last_seen desc limit 1`));
    expect(lines).toEqual([expect.objectContaining({
      level: 'error', app: 'dag-generator', msg: 'a message was given up', letter: letter?.id, type: 'plan.approved.v1', topic: 'etl.pipeline.events', key: pipelineId, code: 'message.malformed', tries: 1 })]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
  it('is ready, and counts its outbox', async () => {
    expect(await (await get('/health/ready')).json()).toEqual({ status: 'ready', reasons: [] });
    expect(await (await get('/metrics')).text()).toMatch(/etl_outbox_oldest_seconds\{app="dag-generator"\} 0/);
  });
  it('says that the database is away, answers 503, and goes on when it is back', async () => {
    const proxy = await aProxy(new URL(running.database.adminUrl));
    const through = (url: string): string => Object.assign(new URL(url), { port: String(proxy.port) }).href;
    const { url, relayUrl } = running.database.logins.dag_generator;
    const logins = { ...running.database.logins, dag_generator: { url: through(url), relayUrl: through(relayUrl) } };
    const other = await aService(service(), { database: { ...running.database, logins }, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } });
    const ask = (path: string): Promise<Response> => fetch(`${other.url}${path}`, { headers: { authorization: `Bearer ${testTokens.viewer}` } });
    expect((await ask('/health/ready')).status).toBe(200);
    proxy.cut();
    expect((await ask('/health/ready')).status).toBe(503);
    expect((await ask('/health/live')).status).toBe(200);
    const refused = await ask(`/v1/plans/${planId}/dag`);
    expect([refused.status, await refused.json()]).toEqual([503, expect.objectContaining({ code: 'platform.unavailable' })]);
    proxy.mend();
    expect((await ask('/health/ready')).status).toBe(200);
    expect((await ask(`/v1/plans/${planId}/dag`)).status).toBe(200);
    await other.stop();
    proxy.close();
  });
  it('keeps what was said while nobody read, and sends it after the next start', async () => {
    const said: string[] = [];
    const database = await aStateDatabase('later', [{ schema: 'dag_generator', migrations: platformMigrations() }]);
    const first = await aService(service(), { database, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } });
    const { state, outbox } = first;
    first.running.shutdown.onStop('outbox', () => state.inTenantTx(DEFAULT_TENANT.id, async (tx) => {
      tx.hold(pipelineId);
      await outbox.add(tx, 'dag.published.v1', { pipelineId, planId: 'd'.repeat(64), dagId: 'late', digest: 'b'.repeat(64), path: '/late' } as Payload<'dag.published.v1'>);
    }));
    await first.stop();
    const later = new InMemoryBus();
    await later.subscribe('test', ['etl.dag.events'], async ({ value }) => { said.push(new TextDecoder().decode(value)); });
    const second = await aService(service(), { database, bus: later, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } });
    await until(() => said.some((text) => text.includes('/late')));
    await second.stop();
    await database.drop();
  });
  it('answers callers while a broker lets its group wait, and says so', async () => {
    const memory = new InMemoryBus();
    const joined = Promise.withResolvers<undefined>();
    const asked: string[] = [];
    const broker: MessageBus = {
      reach: async (topics) => { asked.push(`reach ${topics?.join()}`); }, publish: (messages) => memory.publish(messages), close: () => memory.close(), health: () => ({ ok: true }),
      subscribe: async (...given) => { asked.push('subscribe'); await joined.promise; return memory.subscribe(...given); },
    };
    const said: { msg?: string; port?: number }[] = [];
    const told = createLog({ level: 'info', app: 'test', to: { write: (line) => { said.push(JSON.parse(line) as { msg?: string }); } } });
    const starting = aService(service(), { suite: 'slow_broker', bus: broker, log: told, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } });
    await until(() => said.some(({ msg }) => msg === 'ready'));
    const page = `http://127.0.0.1:${said.find(({ msg }) => msg === 'ready')?.port}/health/ready`;
    const early = await fetch(page);
    expect([early.status, await early.json()]).toEqual([200, { status: 'degraded', reasons: ['it joins its group on the message bus'] }]);
    expect(asked).toEqual(['reach etl.pipeline.events', 'subscribe']);
    joined.resolve(undefined);
    const started = await starting;
    expect(await (await fetch(page)).json()).toEqual({ status: 'ready', reasons: [] });
    await started.stop();
  });
  it('lets a group that is still joining join, and leaves with it, when it is stopped meanwhile', async () => {
    const memory = new InMemoryBus();
    const joined = Promise.withResolvers<undefined>();
    const left: string[] = [];
    const broker: MessageBus = {
      publish: (messages) => memory.publish(messages), close: async () => { left.push('bus'); await memory.close(); }, health: () => ({ ok: true }),
      subscribe: async () => { await joined.promise; return { close: async () => { left.push('group'); } }; },
    };
    const shutdown = new Shutdown();
    const said: { msg?: string }[] = [];
    const told = createLog({ level: 'info', app: 'test', to: { write: (line) => { said.push(JSON.parse(line) as { msg?: string }); } } });
    const database = await aStateDatabase('joining', [{ schema: 'dag_generator', migrations: platformMigrations() }]);
    const starting = bootstrapServices([service()], { urls: database.logins, bus: broker, access: new Access({ ['t'.repeat(32)]: { name: 't', role: 'viewer' } }), log: told, shutdown, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } });
    await until(() => said.some(({ msg }) => msg === 'ready'));
    const stopping = shutdown.run();
    await sleep(50);
    expect(left).toEqual([]);
    joined.resolve(undefined);
    await Promise.all([starting, stopping]);
    expect(left[0]).toBe('group');
    expect(left.at(-1)).toBe('bus');
    await database.drop();
  });
  it('ends the start when the broker refuses the group', async () => {
    const memory = new InMemoryBus();
    const broker: MessageBus = { publish: (messages) => memory.publish(messages), close: () => memory.close(), health: () => ({ ok: true }), subscribe: () => Promise.reject(new Error('not authorized')) };
    await expect(aService(service(), { suite: 'refused_group', bus: broker, env: { ETL_DAG_GENERATOR_FOLDER: '/dags' } })).rejects.toThrow('not authorized');
  });
  it('stops in order and leaves no connection', async () => {
    const { database } = running;
    await running.stop();
    await expect(get('/health/live')).rejects.toThrow();
    await expect(database.open('dag_generator')).rejects.toThrow();
  });
});

/** Stands between a service and its database; a cut ends every connection and refuses new ones. */
async function aProxy({ hostname, port }: URL): Promise<{ port: number; cut(): void; mend(): void; close(): void }> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) { socket.destroy(); return; }
    const upstream = connect(Number(port), hostname);
    for (const one of [socket, upstream]) { sockets.add(one); one.on('error', () => undefined).on('close', () => { sockets.delete(one); socket.destroy(); upstream.destroy(); }); }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  const cut = (): void => { isCut = true; for (const socket of sockets) socket.destroy(); };
  return { port: (server.address() as AddressInfo).port, cut, mend: () => { isCut = false; }, close: () => { cut(); server.close(); } };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000 && !holds(); tries += 1) await sleep(10);
  expect(holds()).toBe(true);
}
