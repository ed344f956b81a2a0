import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { topicNames } from '@agent-etl/contracts';
import kafkajs from 'kafkajs';
import { KafkaBus } from './kafka-bus.ts';
import { describeMessageBus } from './message-bus.contract.ts';

const brokers = process.env['ETL_TEST_KAFKA_BROKERS']?.split(',') ?? [];
if (brokers.length === 0) process.stdout.write('SKIPPED messaging kafka: ETL_TEST_KAFKA_BROKERS is not set\n');
const suite = brokers.length > 0 ? describe : describe.skip;

suite('Kafka', () => {
  const admin = new kafkajs.Kafka({ clientId: 'test', brokers: brokers.length > 0 ? brokers : ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING }).admin();
  let count = 0;
  const topic = async (): Promise<string> => {
    if (count === 0) await admin.connect();
    const name = `test-${process.pid}-${count += 1}`;
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: name, numPartitions: 3 }] });
    for (let tries = 0; tries < 50; tries += 1) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] }).catch(() => ({ topics: [] }));
      if (topics[0]?.partitions.length === 3) return name;
      await sleep(100);
    }
    throw new Error('the topic did not appear');
  };
  describeMessageBus('Kafka', { open: async () => new KafkaBus({ brokers, clientId: 'suite' }), topic });

  it('makes the topics of the catalogue and finds nothing missing', async () => {
    const bus = new KafkaBus({ brokers, clientId: 'topics' });
    await bus.createTopics();
    await bus.createTopics();
    expect(await bus.checkTopics()).toEqual([]);
    expect(topicNames.length).toBeGreaterThan(5);
    await bus.close();
  });
  it('counts what a group has not taken yet', async () => {
    const name = await topic();
    const bus = new KafkaBus({ brokers, clientId: 'lag' });
    const group = `lag-${process.pid}`;
    const taken: string[] = [];
    const reading = await bus.subscribe(group, [name], async ({ key }) => { taken.push(key); });
    await bus.publish([{ topic: name, key: 'a', headers: {}, value: Buffer.from('1') }]);
    for (let tries = 0; tries < 100 && taken.length === 0; tries += 1) await sleep(50);
    await reading.close();
    await bus.publish(['b', 'c'].map((key) => ({ topic: name, key: 'a', headers: { key }, value: Buffer.from('2') })));
    expect(await bus.lag(group)).toBe(2);
    await bus.close();
  });
  it('leaves no member behind when it is closed while a group is still joining', async () => {
    const name = await topic();
    const bus = new KafkaBus({ brokers, clientId: 'joining' });
    const group = `joining-${process.pid}`;
    const joining = bus.subscribe(group, [name], async () => undefined);
    await bus.close();
    await joining;
    await sleep(500); // a member that came later would be there by now
    expect((await admin.describeGroups([group])).groups.map(({ members }) => members.length)).toEqual([0]);
  });
  it('shares a cluster with another release by a prefix: neither reads, counts or makes what is the other one\'s', async () => {
    const prefix = `b${process.pid}.`;
    const [plain, other] = [new KafkaBus({ brokers, clientId: 'plain' }), new KafkaBus({ brokers, clientId: 'other', prefix })];
    await plain.createTopics();
    expect(await other.checkTopics()).toEqual(topicNames.map((name) => `topic ${prefix}${name} is missing`));
    await other.createTopics();
    expect(await other.checkTopics()).toEqual([]);
    expect(await admin.listTopics()).toEqual(expect.arrayContaining(topicNames.flatMap((name) => [name, `${prefix}${name}`])));
    const name = 'etl.run.events';
    const group = `shared-${process.pid}`;
    const [here, there]: [string[], string[]] = [[], []];
    const readings = await Promise.all([plain.subscribe(group, [name], async ({ key, topic: from }) => { here.push(`${from} ${key}`); }), other.subscribe(group, [name], async ({ key, topic: from }) => { there.push(`${from} ${key}`); })]);
    const message = (key: string) => [{ topic: name, key, headers: {}, value: Buffer.from('1') }];
    await Promise.all([plain.publish(message(`here-${process.pid}`)), other.publish(message(`there-${process.pid}`))]);
    for (let tries = 0; tries < 200 && (there.length === 0 || !here.includes(`${name} here-${process.pid}`)); tries += 1) await sleep(50);
    await sleep(500); // what came to the wrong one would be there by now
    expect(there).toEqual([`${name} there-${process.pid}`]);
    expect(here).toContain(`${name} here-${process.pid}`);
    expect(here).not.toContain(`${name} there-${process.pid}`);
    await Promise.all(readings.map((one) => one.close()));
    await other.rejoin(group, [name], new Date());
    expect([await other.lag(group), (await admin.fetchOffsets({ groupId: `${prefix}${group}` })).length]).toEqual([0, 1]);
    await Promise.all([plain.close(), other.close()]);
  });
  afterAll(async () => { await admin.disconnect(); });
});
