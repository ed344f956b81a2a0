import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EtlError, endpoints } from '@agent-etl/contracts';
import { InMemoryBus, handlesFor } from '@agent-etl/messaging';
import { platformMigrations, prepareState } from '@agent-etl/persistence';
import { aStateDatabase, describePostgres, type TestState } from '@agent-etl/persistence/testing';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Access } from './access.ts';
import { bootstrapServices } from './bootstrap.ts';
import { Serves } from './endpoint-binding.ts';
import { createLog } from './log.ts';
import type { AnyService } from './service-definition.ts';

const Handles = handlesFor('dag-generator');
@Controller()
class QuietDoor {
  @Serves(endpoints.getDag) get(): never { throw new EtlError('access.not-found', { what: 'DAG' }); }
  @Handles('plan.approved.v1') onApproved(): Promise<void> { return Promise.resolve(); }
}
class QuietModule {}
const service = { app: 'dag-generator', schema: 'dag_generator', entities: [], migrations: platformMigrations(), config: z.object({}), module: () => ({ module: QuietModule, controllers: [QuietDoor] }) } as unknown as AnyService;
/** A port that nobody has, below those that systems give to outgoing connections: a probe must know it before the service listens. */
const port = 20_000 + process.pid % 12_000;
const ask = async (path: string): Promise<[number, unknown]> => {
  const answer = await fetch(`http://127.0.0.1:${port}/health/${path}`).catch(() => null);
  return answer ? [answer.status, await answer.json()] : [0, null];
};
const until = async (is: () => Promise<boolean>): Promise<void> => { for (let tries = 0; tries < 200; tries += 1) { if (await is()) return; await new Promise((done) => { setTimeout(done, 50); }); } throw new Error('not within ten seconds'); };

describePostgres('a service whose schema is not there yet', () => {
  let test: TestState;
  const lines: string[] = [];
  const start = (urls: TestState['logins'], waitMs = Number.POSITIVE_INFINITY) => bootstrapServices([service], {
    urls, bus: new InMemoryBus(), access: new Access({ ['t'.repeat(16)]: { name: 'a', role: 'admin' } }), log: createLog({ level: 'warn', app: 'test', to: { write: (line) => { lines.push(line); } } }), port, waitMs });
  beforeAll(async () => { test = await aStateDatabase('waiting', []); });
  afterAll(() => test?.drop());

  it('lives, is not ready, says what it waits for once, and starts by itself when the schema was migrated', async () => {
    const starting = start(test.logins);
    await until(async () => (await ask('ready'))[0] === 503);
    const reasons = ['The schema dag_generator waits for its migration: Platform1764000000000.'];
    expect(await ask('ready')).toEqual([503, { status: 'waiting', reasons }]);
    expect(await ask('live')).toEqual([200, { status: 'waiting', reasons }]);
    expect((await fetch(`http://127.0.0.1:${port}/v1/pipelines`)).status).toBe(503);
    await new Promise((done) => { setTimeout(done, 1_200); });
    expect(lines.filter((line) => line.includes('waits for its migration'))).toHaveLength(1);
    await prepareState({ adminUrl: test.adminUrl, schemas: [{ schema: 'dag_generator', migrations: platformMigrations() }] });
    const running = await starting;
    expect(await ask('ready')).toEqual([200, { status: 'ready', reasons: [] }]);
    await running.stop();
  }, 30_000);
  it('waits as well for a database that is away', async () => {
    const away = Object.fromEntries(Object.entries(test.logins).map(([schema, { url, relayUrl }]) => [schema, { url: url.replace(/:\d+\//, ':1/'), relayUrl }])) as TestState['logins'];
    const starting = start(away, 1_500).then(() => 'started', (error: { code: string }) => error.code);
    await until(async () => (await ask('ready'))[0] === 503);
    expect((await ask('ready'))[1]).toMatchObject({ reasons: [expect.stringContaining('the state database is away')] });
    expect(await starting).toBe('platform.unavailable');
    expect((await ask('ready'))[0]).toBe(0);
  }, 30_000);
  it.each([['a login that the server does not know', (url: string) => url.replace('//dag_generator', '//nobody_of_ours'), 'refuses this login'], ['a database that is not there', (url: string) => url.replace(/\/[^/]+$/, '/no_such_one'), 'no such database']])('does not wait for %s: waiting would not help', async (_, change, words) => {
    const { url, relayUrl } = test.logins.dag_generator;
    await expect(start({ ...test.logins, dag_generator: { url: change(url), relayUrl } })).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringContaining(words) });
  });
});
