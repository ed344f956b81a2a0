import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { KafkaBus } from './kafka-bus.ts';
import { OwnBroker } from './testing/own-broker.ts';

// A broker of its own: the topics of the shared one are as they should be, and other suites use them.
const isThere = Boolean(process.env['ETL_TEST_KAFKA_BROKERS']);
if (!isThere) process.stdout.write('SKIPPED topics-check: ETL_TEST_KAFKA_BROKERS is not set\n');
const test = isThere ? it : it.skip;
let broker: OwnBroker;
beforeAll(async () => { if (isThere) broker = await OwnBroker.open(); }, 90_000);
afterAll(async () => { if (isThere) await broker.end(); }, 30_000);

test('a topic with too few partitions is named with what to type, and is never changed by us', async () => {
  const bus = new KafkaBus({ brokers: broker.brokers, clientId: 'check' });
  const admin = new Kafka({ brokers: [...broker.brokers], clientId: 'administrator', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const few = ['topic etl.task.commands has 1 partitions; 6 are needed: kafka-topics.sh --alter --topic etl.task.commands --partitions 6'];
    await admin.createTopics({ topics: [{ topic: 'etl.task.commands', numPartitions: 1 }] });
    expect(await bus.checkTopics()).toEqual(expect.arrayContaining([few[0], 'topic etl.run.events is missing']));
    // What a start asks: by name, of topics alone that it reads; nothing is made by asking.
    await expect(bus.reach(['etl.task.commands', 'etl.run.events', 'etl.dag.events'])).rejects.toMatchObject({ code: 'platform.unavailable', message: 'On Kafka, each of the topics etl.run.events, etl.dag.events is away; request kept: no.' });
    await bus.reach(['etl.task.commands']);
    expect(await admin.listTopics()).toEqual(['etl.task.commands']);
    await bus.createTopics();
    await bus.reach(['etl.task.commands', 'etl.run.events', 'etl.dag.events']);
    expect(await bus.checkTopics()).toEqual(few);
    await admin.createPartitions({ topicPartitions: [{ topic: 'etl.task.commands', count: 6 }] });
    // The broker answers before its metadata does.
    for (const end = Date.now() + 10_000; (await bus.checkTopics()).length > 0 && Date.now() < end;) await delay(100);
    expect(await bus.checkTopics()).toEqual([]);
  } finally { await admin.disconnect(); await bus.close(); }
}, 60_000);
