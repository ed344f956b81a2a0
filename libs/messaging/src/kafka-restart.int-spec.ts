import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, type App, PipelineId } from '@agent-etl/contracts';
import { type StateDatabase, platformMigrations } from '@agent-etl/persistence';
import { Kafka, logLevel } from 'kafkajs';
import { type TestState, aStateDatabase, testPostgresUrl } from '@agent-etl/persistence/testing';
import { KafkaBus } from './kafka-bus.ts';
import { OutboxRelay } from './outbox-relay.ts';
import { Outbox } from './outbox.ts';
import { OwnBroker } from './testing/own-broker.ts';

const missing = [...process.env['ETL_TEST_KAFKA_BROKERS'] ? [] : ['ETL_TEST_KAFKA_BROKERS'], ...testPostgresUrl() ? [] : ['ETL_TEST_POSTGRES_URL']];
if (missing.length > 0) process.stdout.write(`SKIPPED messaging broker restart: ${missing.join(' and ')} not set\n`);
const suite = missing.length > 0 ? describe.skip : describe;
const pipelineId = PipelineId.parse('018f0000-0000-7000-8000-000000000002');

async function until(check: () => boolean, ms: number): Promise<void> {
  for (const end = Date.now() + ms; !check(); await sleep(50)) if (Date.now() > end) throw new Error('not within the time');
}

suite('a broker that dies', () => {
  let broker: OwnBroker; // not before the suite runs: a skipped one starts nothing
  let bus: KafkaBus;
  let database: TestState;
  let state: StateDatabase;
  const got: string[] = [];
  beforeAll(async () => {
    broker = await OwnBroker.open();
    bus = new KafkaBus({ brokers: broker.brokers, clientId: 'restart' });
    await bus.createTopics();
    database = await aStateDatabase('restart', [{ schema: 'orchestrator', migrations: platformMigrations() }]);
    state = await database.open('orchestrator');
    await bus.subscribe('probe', ['etl.pipeline.events'], async ({ value }) => { got.push((JSON.parse(Buffer.from(value).toString()) as { requestId: string }).requestId); });
  }, 90_000);
  /** Readers of our group, as the broker counts them. */
  const members = async (): Promise<number> => {
    const admin = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try { return (await admin.describeGroups(['probe'])).groups[0]?.members.length ?? 0; } finally { await admin.disconnect(); }
  };
  afterAll(async () => { await bus.close().catch(() => undefined); await broker.end(); await database.drop(); }, 60_000);

  it('loses nothing and keeps the order of a key, killed in the middle and away for thirty seconds', async () => {
    const outbox = new Outbox<App>('orchestrator', bus);
    const relay = new OutboxRelay(state, bus, outbox);
    const said: string[] = [];
    const say = async (): Promise<void> => {
      const requestId = `r${said.length}`;
      said.push(requestId);
      await state.inTenantTx(DEFAULT_TENANT.id, async (tx) => {
        tx.hold(pipelineId);
        await outbox.add(tx, 'pipeline.accepted.v1', { requestId, pipelineId, pipeline: 'orders' as never, owner: null });
      });
    };
    for (let n = 0; n < 50; n += 1) await say();
    await broker.kill();
    const until30s = Date.now() + 30_000;
    while (Date.now() < until30s) { await say(); await sleep(250); } // accepting goes on without a broker
    expect(await relay.oldestSeconds()).toBeGreaterThan(10);
    await broker.start();
    for (let n = 0; n < 20; n += 1) await say();
    await until(() => new Set(got).size === said.length, 60_000);
    expect([...new Set(got)]).toEqual(said);
    await until(() => bus.health().ok, 30_000);
    for (let tries = 0; tries < 80 && await members() !== 1; tries += 1) await sleep(250); // sessions of readers that are gone end after ten seconds
    expect(await members()).toBe(1);
    await relay.close();
    expect(await relay.oldestSeconds()).toBe(0);
    await bus.close();
    expect(await members()).toBe(0);
  }, 180_000);
});
