import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';

/** One record as the broker keeps it: nothing is parsed. */
export interface StoredRecord { readonly topic: string; readonly text: string }

/** Everything that a cluster keeps of the topics of its users, from the first offset to the ones that were the last when it was asked.
 * @throws Error when the end of a partition is not reached within `withinMs` */
export async function readTopics(brokers: readonly string[], withinMs = 60_000): Promise<StoredRecord[]> {
  const kafka = new Kafka({ clientId: 'read-topics', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const [admin, consumer] = [kafka.admin(), kafka.consumer({ groupId: `read-topics-${randomUUID()}`, maxWaitTimeInMs: 100, allowAutoTopicCreation: false })];
  const records: StoredRecord[] = [];
  await Promise.all([admin.connect(), consumer.connect()]);
  try {
    const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
    const open = new Map<string, bigint>(); // the last offset of each partition that is not read to its end
    for (const topic of topics) for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) if (low !== high) open.set(`${topic} ${partition}`, BigInt(high) - 1n);
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: async ({ topic, partition, message: { key, headers, value, offset } }) => {
      const texts = Object.entries(headers ?? {}).flatMap(([name, given]) => [name, ...[given].flat().map((one) => one ?? '')]);
      records.push({ topic, text: [key ?? '', ...texts, value ?? ''].join('\n') });
      const end = open.get(`${topic} ${partition}`);
      if (end !== undefined && BigInt(offset) >= end) open.delete(`${topic} ${partition}`);
    } });
    for (const until = Date.now() + withinMs; open.size > 0; await delay(50)) if (Date.now() > until) throw new Error(`not read to the end: ${[...open.keys()].join(', ')}`);
  } finally { await Promise.all([consumer.disconnect(), admin.disconnect()]); }
  return records;
}
