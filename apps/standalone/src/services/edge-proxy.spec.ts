import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Ports, openEdge } from './edge.ts';

const listening = (server: Server): Promise<number> => new Promise((done) => { server.listen(0, '127.0.0.1', () => { done((server.address() as AddressInfo).port); }); });
const closed = 1; // nobody listens on port 1

describe('edge', () => {
  const service = createServer((asked, answer) => {
    if (Number(asked.headers['content-length'] ?? 0) > 1024 * 1024) { answer.writeHead(413, { connection: 'close' }).end('too large'); return; }
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => { chunks.push(chunk); }).on('end', () => { answer.writeHead(200, { 'x-host': asked.headers.host ?? '' }).end(`${asked.method} ${asked.url} ${Buffer.concat(chunks).byteLength}`); });
  });
  let edge: Server;
  let url = '';
  beforeAll(async () => {
    const port = await listening(service);
    const ports: Ports = { orchestrator: port, 'etl-worker': closed, 'dag-generator': closed, monitor: port };
    edge = openEdge(ports);
    url = `http://127.0.0.1:${await listening(edge)}`;
  });
  afterAll(() => { for (const server of [edge, service]) { server.close(); server.closeAllConnections(); } });

  it('hands method, path, body and host on', async () => {
    const answer = await fetch(`${url}/v1/requests?wait=1`, { method: 'POST', body: 'x'.repeat(500_000) });
    expect([await answer.text(), answer.headers.get('x-host')]).toEqual(['POST /v1/requests?wait=1 500000', new URL(url).host]);
  });
  it('passes a refusal on that comes before the end of a body, every time', async () => {
    for (let tries = 0; tries < 30; tries += 1) expect((await fetch(`${url}/v1/requests`, { method: 'POST', body: 'x'.repeat(1_100_000) })).status).toBe(413);
  });
  it('answers in the words of the API while a service is away', async () => {
    const answer = await fetch(`${url}/v1/plans/${'a'.repeat(64)}/dag`);
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([503, '5', expect.objectContaining({ code: 'platform.unavailable' })]);
  });
});
