import { describe, expect, it } from '@jest/globals';
import { endpoints } from '@agent-etl/contracts';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createClient } from './client.ts';

interface Sent { url: string; method: string | undefined; headers: Headers; body: unknown }
function scripted(answer: () => Response): { sent: Sent[]; fetch: typeof fetch } {
  const sent: Sent[] = [];
  const scriptedFetch: typeof fetch = async (url, init) => {
    sent.push({ url: String(url), method: init?.method, headers: new Headers(init?.headers), body: typeof init?.body === 'string' ? JSON.parse(init.body) as unknown : undefined });
    return answer();
  };
  return { sent, fetch: scriptedFetch };
}
const json = (status: number, value: unknown): Response => new Response(JSON.stringify(value), { status });
const request = { requestId: 'r/1', pipeline: null, pipelineId: null, state: 'accepted', planId: null, runId: null, failure: null };
const thrown = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'answered', (error: unknown) => error);

describe('client', () => {
  it('fills path and query, and sends token, body and idempotency key', async () => {
    const { sent, fetch } = scripted(() => json(202, request));
    const client = createClient({ baseUrl: 'http://127.0.0.1:8080/', token: 't', fetch });
    await client.call(endpoints.createRequest, { query: { wait: 5 }, body: { run: 'now' }, idempotencyKey: 'k' });
    await client.call(endpoints.getRequest, { params: { requestId: 'r/1 ü' } });
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST http://127.0.0.1:8080/v1/requests?wait=5', 'GET http://127.0.0.1:8080/v1/requests/r%2F1%20%C3%BC']);
    expect(sent[0]?.body).toEqual({ run: 'now' });
    expect([sent[0]?.headers.get('authorization'), sent[0]?.headers.get('idempotency-key'), sent[1]?.headers.get('content-type')]).toEqual(['Bearer t', 'k', null]);
  });
  it('throws the failure that the API names', async () => {
    const problem = { type: 'about:blank', title: 'x', status: 404, code: 'access.not-found', text: 'There is no such run.', next: null, traceId: '4be1c2' };
    const client = createClient({ baseUrl: 'http://a', fetch: scripted(() => json(404, problem)).fetch });
    expect(await thrown(client.call(endpoints.listConnectors))).toMatchObject({ status: 404, code: 'access.not-found', failure: { text: 'There is no such run.', traceId: '4be1c2' } });
  });
  it.each([['a proxy page', new Response('<html>', { status: 502 })], ['an answer of another release', json(200, { items: [{ wrong: 1 }] })]])('does not pretend to understand %s', async (_, answer) => {
    const client = createClient({ baseUrl: 'http://a', fetch: scripted(() => answer).fetch });
    expect(await thrown(client.call(endpoints.listConnectors))).toMatchObject({ code: 'platform.internal', failure: { text: expect.stringContaining('GET /v1/connectors') as unknown } });
  });
  it('does not wait for ever for somebody who takes the call and is silent', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const client = createClient({ baseUrl: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, timeoutMs: 200 });
      expect(await thrown(client.call(endpoints.listConnectors))).toMatchObject({ code: 'platform.unavailable', status: null });
    } finally { silent.close(); }
  });
  it('says where nobody answers', async () => {
    const client = createClient({ baseUrl: 'http://127.0.0.1:1', fetch: () => Promise.reject(new TypeError('fetch failed')) });
    expect(await thrown(client.call(endpoints.listConnectors))).toMatchObject({ code: 'platform.unavailable', status: null, message: 'Nothing answers at http://127.0.0.1:1.' });
  });
});
