import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadTask } from '@agent-etl/contracts';
import { testTools } from '../postgres/testing/postgres-harness.ts';
import type { SinkSession } from '../port.ts';
import { mysqlConnector } from './mysql-connector.ts';

/** A server that takes every connection and never says a word. */
let silent: Server;
const taken = new Set<Socket>();
beforeAll(async () => {
  silent = createServer((socket) => { taken.add(socket.on('error', () => undefined).on('close', () => { taken.delete(socket); })); });
  await new Promise<void>((listening) => { silent.listen(0, '127.0.0.1', listening); });
});
afterAll(() => { for (const socket of taken) socket.destroy(); silent.close(); });

const task: LoadTask = {
  id: 'load', kind: 'load', engine: 'stream', source: { connection: 'else', dataset: 'x' }, target: { connection: 'maria', dataset: 't' }, columns: [{ source: 'id', target: 'id', type: { kind: 'i64' }, sourceNative: 'BIGINT', targetNative: 'BIGINT', nullable: false }],
  carrier: 'text', chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64), options: {}, digest: 'text-md5',
};
async function begin(signal: AbortSignal): Promise<SinkSession> {
  const { port } = silent.address() as AddressInfo;
  const { sink } = await mysqlConnector.open({ name: 'maria', connector: 'mysql', host: '127.0.0.1', port, user: 'etl', database: 'd', tls: 'disable' }, testTools('silence'));
  return sink.begin(task, { runId: '0190a0b0-0000-7000-8000-000000000001', task: 'load', attempt: 1, holder: 'tests' }, signal);
}
it('of a server is waited for until the attempt is given up, and no longer; its connection goes', async () => {
  const stop = new AbortController();
  const told = begin(stop.signal).catch((error: unknown) => error);
  for (const until = performance.now() + 2_000; taken.size === 0 && performance.now() < until; await sleep(10));
  expect(taken.size).toBe(1);
  const at = performance.now();
  stop.abort(new Error('given up'));
  expect(await told).toBe(stop.signal.reason);
  expect(performance.now() - at).toBeLessThan(500);
  for (const until = performance.now() + 1_000; taken.size > 0 && performance.now() < until; await sleep(10));
  expect(taken.size).toBe(0);
});
it('is not met by who is given up already', async () => {
  const at = performance.now();
  await expect(begin(AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
  expect(performance.now() - at).toBeLessThan(500);
});
