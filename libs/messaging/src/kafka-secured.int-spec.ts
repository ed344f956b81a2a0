import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { KafkaBus, type KafkaOptions } from './kafka-bus.ts';

const given = process.env['ETL_TEST_KAFKA_SECURE'];
if (!given) process.stdout.write('SKIPPED messaging kafka over TLS: ETL_TEST_KAFKA_SECURE is not set\n');
const suite = given ? describe : describe.skip;

suite('Kafka over TLS with a login', () => {
  const { brokers, ca: file, username, password } = JSON.parse(given ?? '{}') as { brokers: string[]; ca: string; username: string; password: string };
  const ca = given ? readFileSync(file, 'utf8') : '';
  /** How a client fares that asks for the topics of the catalogue. */
  async function lookingAt(more: Partial<KafkaOptions>): Promise<string[]> {
    const bus = new KafkaBus({ brokers, clientId: 'secured', ...more });
    try { return await bus.checkTopics(); } finally { await bus.close(); }
  }
  it.each(['scram-sha-512', 'scram-sha-256', 'plain'] as const)('lets in who proves by %s who it is, and carries its messages', async (mechanism) => {
    const bus = new KafkaBus({ brokers, clientId: 'secured', tls: { ca }, sasl: { mechanism, username, password } });
    await bus.createTopics();
    expect(await bus.checkTopics()).toEqual([]);
    const heard: string[] = [];
    const key = `${mechanism}-${process.pid}`;
    const reading = await bus.subscribe(key, ['etl.dlq.monitor'], async (message) => { if (message.key === key) heard.push(message.value.toString()); });
    await bus.publish([{ topic: 'etl.dlq.monitor', key, headers: {}, value: Buffer.from('hello') }]);
    for (let tries = 0; tries < 200 && heard.length === 0; tries += 1) await sleep(50);
    expect(heard).toEqual(['hello']);
    await reading.close();
    await bus.close();
  }, 60_000);
  it('keeps out who has another password', async () => { await expect(lookingAt({ tls: { ca }, sasl: { mechanism: 'scram-sha-512', username, password: 'pencil' } })).rejects.toThrow(/authentication failed/i); });
  it('says what only a person can mend, and what may pass', async () => {
    const reaching = async (more: Partial<KafkaOptions>): Promise<void> => {
      const bus = new KafkaBus({ brokers, clientId: 'secured', ...more });
      try { await bus.reach(); } finally { await bus.close(); }
    };
    const sasl = { mechanism: 'scram-sha-512', username, password } as const;
    await reaching({ tls: { ca }, sasl });
    await expect(reaching({ tls: { ca }, sasl: { ...sasl, password: 'pencil' } })).rejects.toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_MESSAGING_SASL' }] });
    await expect(reaching({ tls: {}, sasl })).rejects.toMatchObject({ code: 'config.invalid', issues: [{ path: 'ETL_MESSAGING_CA_FILE' }] });
    await expect(reaching({ brokers: ['localhost:1'], tls: { ca }, sasl })).rejects.toMatchObject({ code: 'platform.unavailable' });
  }, 60_000);
  it('keeps out who says nothing of itself', async () => { await expect(lookingAt({ tls: { ca } })).rejects.toThrow(); }, 60_000);
  it('does not speak to brokers that an unknown authority vouches for', async () => { await expect(lookingAt({ tls: {}, sasl: { mechanism: 'plain', username, password } })).rejects.toThrow(/certificate/i); }, 60_000);
  it('does not speak to a broker by another name than its certificate has', async () => {
    const byNumber = brokers.map((broker) => broker.replace('localhost', '127.0.0.1'));
    await expect(lookingAt({ brokers: byNumber, tls: { ca }, sasl: { mechanism: 'plain', username, password } })).rejects.toThrow(/Hostname\/IP|altnames/i);
  }, 60_000);
});
