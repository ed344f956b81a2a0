import { mkdtemp, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, type Call, EtlError, Problem, endpoints } from '@agent-etl/contracts';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { WebSocket } from 'ws';
import { Access } from './access.ts';
import { Input, Serves } from './endpoint-binding.ts';
import { HealthState } from './health.ts';
import { listen, makeApplication } from './http-service.ts';
import { LiveSockets } from './live-sockets.ts';
import { createLog } from './log.ts';
import { processMetrics } from './metrics-page.ts';
import { Shutdown } from './shutdown.ts';

const editor = 'token-of-an-editor';
const airflow = 'token-of-an-airflow';
const admin = 'token-of-an-admin';
const planId = 'a'.repeat(64);
const secretId = '018f0000-0000-7000-8000-000000000001';
type Dag = Answer<typeof endpoints.getDag>;
let answer: () => Dag;

@Controller()
class DagController {
  @Serves(endpoints.getDag)
  get(@Input() { params }: Call<typeof endpoints.getDag>): Dag { return { ...answer(), planId: params.planId }; }
}
@Controller()
class SecretsController {
  @Serves(endpoints.putEphemeralSecret)
  put(@Input() { body, caller, idempotencyKey }: Call<typeof endpoints.putEphemeralSecret>): object {
    calls.push({ fields: body.fields, caller, idempotencyKey });
    return {};
  }
}
const calls: unknown[] = [];
class DagModule {}
class SecretsModule {}

@Controller()
class OpenController { @Get('/v1/back-door') get(): string { return 'open'; } }
class OpenModule {}

const access = new Access({ [editor]: { name: 'eve', role: 'editor' }, [airflow]: { name: 'flow', role: 'airflow' }, [admin]: { name: 'ann', role: 'admin' } });
const metrics = new Registry();
new Gauge({ name: 'etl_queue_depth', help: 'Tasks that wait.', registers: [metrics] }).set(3);
const options = async (shutdown: Shutdown) => {
  const staticFolder = await mkdtemp(join(tmpdir(), 'etl-static-'));
  await writeFile(join(staticFolder, 'index.html'), '<h1>dashboard</h1>');
  await writeFile(join(staticFolder, 'app.js'), 'run()');
  return {
    apps: ['dag-generator' as const], modules: [{ module: DagModule, controllers: [DagController] }, { module: SecretsModule, controllers: [SecretsController] }], access,
    log: createLog({ level: 'silent', app: 'test' }), host: '127.0.0.1', health: new HealthState(), registries: [metrics, processMetrics()], live: new LiveSockets(), shutdown,
    staticFolder, answers: 'validated' as const,
  };
};

describe('a service over HTTP', () => {
  let app: INestApplication;
  let url: string;
  let port: number;
  const shutdown = new Shutdown();
  let live: LiveSockets;
  let health: HealthState;
  beforeAll(async () => {
    const all = await options(shutdown);
    ({ live, health } = all);
    app = await makeApplication(all);
    port = await listen(app, { host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${port}`;
    answer = () => ({ planId: planId as Dag['planId'], dagId: 'd', target: 'airflow 3.3 http', digest: 'b'.repeat(64), path: null, publishedAt: '2026-01-01T00:00:00.000Z' });
    live.handle('/v1/live', (socket, caller) => { socket.send(JSON.stringify(caller)); });
  });
  afterAll(async () => { await shutdown.run(); });

  const get = (path: string, token: string | null = editor, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers } });
  const put = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, token = admin) => fetch(`${url}/v1/ephemeral-secrets/${secretId}`,
    { method: 'PUT', body, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers } });
  const refused = async (response: Response, status: number, code: string): Promise<Problem> => {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = Problem.parse(await response.json());
    expect({ status: response.status, inBody: problem.status, code: problem.code }).toEqual({ status, inBody: status, code });
    expect(problem.traceId).toMatch(/^[0-9a-f]{32}$/);
    return problem;
  };

  it('answers who may ask', async () => {
    const response = await get(`/v1/plans/${planId}/dag`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ planId, dagId: 'd' });
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
  it('hands body, caller and idempotency key to the method', async () => {
    expect((await put('{"fields":{"password":"x"}}', { 'idempotency-key': 'k-1' })).status).toBe(200);
    expect(calls.at(-1)).toEqual({ fields: { password: 'x' }, caller: { name: 'ann', role: 'admin', tenantId: expect.any(String) }, idempotencyKey: 'k-1' });
  });
  it('401 without a token and with a wrong one, in the same words', async () => {
    const none = await refused(await get(`/v1/plans/${planId}/dag`, null), 401, 'access.unauthenticated');
    const wrong = await refused(await get(`/v1/plans/${planId}/dag`, 'not-a-token-of-ours'), 401, 'access.unauthenticated');
    expect({ ...wrong, traceId: '' }).toEqual({ ...none, traceId: '' });
  });
  it('403 for a role that may not, before its input is looked at', async () => {
    await refused(await get(`/v1/plans/nonsense/dag`, airflow), 403, 'access.forbidden');
    await refused(await put('{"fields":{}}', {}, editor), 403, 'access.forbidden');
  });
  it('404 for an address that nobody serves', async () => { await refused(await get('/v1/nothing'), 404, 'access.not-found'); });
  it('422 with a pointer to each thing that is wrong', async () => {
    const path = await refused(await get('/v1/plans/short/dag'), 422, 'request.invalid');
    expect(path.issues).toEqual([{ code: 'invalid_format', path: '/path/planId', text: expect.any(String) }]);
    const body = await refused(await put('{"fields":{"a":1},"more":2}'), 422, 'request.invalid');
    expect(body.issues?.map((issue) => issue.path)).toEqual(['/', '/fields/a']);
    const query = await refused(await get(`/v1/plans/${planId}/dag?tenantId=x`), 422, 'request.invalid');
    expect(query.issues?.[0]?.path).toBe('/query');
    await refused(await put('{"fields":{}}', { 'idempotency-key': 'k'.repeat(129) }), 422, 'request.invalid');
  });
  it.each([['{"fields":', 'ends too early'], ['{"fields":\n\n oops}', 'line 3'], ['[1]]', 'line 1'], [`${'['.repeat(100)}`, 'more than 64 levels']])('400 for the body %j', async (body, says) => {
    expect((await refused(await put(body), 400, 'request.malformed')).text).toContain(says);
  });
  it('400 for bytes that are no UTF-8, and for a path that cannot be decoded', async () => {
    await refused(await put(new Uint8Array([0x22, 0xff, 0x22])), 400, 'request.malformed');
    await refused(await get('/v1/plans/%E0%A4%A/dag'), 400, 'request.malformed');
  });
  it('413 above 1 MiB, announced or streamed', async () => {
    await refused(await put(`{"fields":{"a":"${'x'.repeat(1024 * 1024)}"}}`), 413, 'request.too-large');
    const chunk = new TextEncoder().encode(' '.repeat(64 * 1024));
    const stream = new ReadableStream({ pull(controller) { controller.enqueue(chunk); } });
    const streamed = fetch(`${url}/v1/ephemeral-secrets/${secretId}`, { method: 'PUT', body: stream, duplex: 'half', headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' } } as RequestInit);
    const ended = await streamed.catch((error: unknown) => error);
    if (ended instanceof Response) await refused(ended, 413, 'request.too-large');
    else expect(ended).toBeInstanceOf(TypeError); // the connection was cut while the client was still writing
  });
  it('415 for another content type, charset or encoding', async () => {
    await refused(await put('a=1', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'request.unsupported');
    await refused(await put('{}', { 'content-type': 'application/json; charset=latin1' }), 415, 'request.unsupported');
    await refused(await put('{}', { 'content-encoding': 'gzip' }), 415, 'request.unsupported');
  });
  it('tells nothing about an error that is not ours, but quotes the trace that came', async () => {
    const before = answer;
    answer = () => { throw new Error('select * from secret where /home/me'); };
    const trace = 'c'.repeat(32);
    const problem = await refused(await get(`/v1/plans/${planId}/dag`, editor, { traceparent: `00-${trace}-${'d'.repeat(16)}-01` }), 500, 'platform.internal');
    answer = () => { throw new EtlError('platform.unavailable', { dependency: 'the state database', kept: 'no' }); };
    const away = await get(`/v1/plans/${planId}/dag`);
    answer = before;
    expect(problem).toMatchObject({ traceId: trace, text: `Unexpected; quote trace ${trace}.` });
    expect(away.headers.get('retry-after')).toBe('5');
    await refused(away, 503, 'platform.unavailable');
  });
  it('notices an answer that its endpoint does not describe', async () => {
    const before = answer;
    answer = () => ({ ...before(), digest: 'short' });
    await refused(await get(`/v1/plans/${planId}/dag`), 500, 'platform.internal');
    answer = before;
  });
  it('does not answer a name that was rebound to loopback, nor a foreign page', async () => {
    expect(await raw(port, `GET /openapi.json HTTP/1.1\r\nHost: evil.example:${port}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 403/);
    await refused(await get('/openapi.json', null, { origin: 'https://evil.example' }), 403, 'access.forbidden');
    expect((await get('/openapi.json', null, { origin: url })).status).toBe(200);
  });
  it('says when it has started and when it is ready', async () => {
    expect((await get('/health/startup', null)).status).toBe(503);
    health.started();
    expect((await get('/health/startup', null)).status).toBe(200);
    expect(await (await get('/health/ready', null)).json()).toEqual({ status: 'ready', reasons: [] });
    health.degradedBy(() => 'the broker is away');
    const degraded = await get('/health/ready', null);
    expect([degraded.status, await degraded.json()]).toEqual([200, { status: 'degraded', reasons: ['the broker is away'] }]);
    expect((await get('/health/live', null)).status).toBe(200);
  });
  it('shows metrics of its services and of the process, and its documents', async () => {
    const text = await (await get('/metrics', null)).text();
    expect(text).toContain('etl_queue_depth 3');
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag');
    const document = await (await get('/openapi.json', null)).json() as { paths: object };
    expect(Object.keys(document.paths)).toEqual(['/v1/plans/{planId}/dag']);
    expect(await (await get('/docs', null)).text()).toContain('/v1/plans/:planId/dag');
    expect(await (await get('/asyncapi.json', null)).json()).toMatchObject({ asyncapi: '3.0.0' });
  });
  it('serves the dashboard for every page, never below /v1 and never outside its folder', async () => {
    expect(await (await get('/', null)).text()).toBe('<h1>dashboard</h1>');
    expect(await (await get('/runs/1', null)).text()).toBe('<h1>dashboard</h1>');
    expect((await get('/app.js', null)).headers.get('content-type')).toContain('javascript');
    expect((await get('/missing.js', null)).status).toBe(404);
    expect((await get('/v1/x', null)).status).toBe(404);
    expect(await raw(port, `GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)).not.toContain('root:');
  });
  it('opens the live feed to a bearer of ours only', async () => {
    const open = (path: string, headers: Record<string, string> = {}) => new Promise<string>((done) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
      socket.once('message', (data: Buffer) => { done(data.toString()); socket.close(); });
      socket.once('unexpected-response', (_, response) => { done(String(response.statusCode)); });
      socket.once('error', () => undefined);
    });
    expect(JSON.parse(await open(`/v1/live?token=${editor}`))).toMatchObject({ name: 'eve' });
    expect(JSON.parse(await open('/v1/live', { authorization: `Bearer ${airflow}` }))).toMatchObject({ name: 'flow' });
    expect(await open('/v1/live?token=wrong')).toBe('401');
    expect(await open(`/v1/other?token=${editor}`)).toBe('404');
    expect(await open(`/v1/live?token=${editor}`, { origin: 'https://evil.example' })).toBe('403');
  });
});

describe('an application that does not fit its endpoints', () => {
  const made = async (modules: { module: new () => object; controllers: (new () => object)[] }[]) => makeApplication({ ...await options(new Shutdown()), modules });
  it('is not made when an endpoint has no method, or two', async () => {
    await expect(made([])).rejects.toThrow('dag-generator has no method with @Serves for GET /v1/plans/:planId/dag');
    const both = made([{ module: DagModule, controllers: [DagController] }, { module: SecretsModule, controllers: [SecondDagController] }]);
    await expect(both).rejects.toThrow('is served by DagController.get and SecondDagController.get');
  });
  it('is not made when a route has no policy', async () => {
    await expect(made([{ module: DagModule, controllers: [DagController] }, { module: OpenModule, controllers: [OpenController] }]))
      .rejects.toThrow('OpenController.get is a route without @Serves');
  });
});

@Controller()
class SecondDagController {
  @Serves(endpoints.getDag) get(): null { return null; }
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((done, fail) => {
    let answered = '';
    const socket = connect(port, '127.0.0.1', () => { socket.write(text); });
    socket.on('data', (data) => { answered += data.toString(); }).on('end', () => { done(answered); }).on('error', fail);
  });
}
