import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtlError, type TopicName, topicNames, topics, type Topic } from '@agent-etl/contracts';
import { type Admin, CompressionTypes, Kafka, type KafkaMessage, type Producer, type SASLOptions, logLevel } from 'kafkajs';
import type { Closable, MessageBus, OnMessage, WireMessage } from './message-bus.ts';
import { kafkaFailure } from './kafka-failure.ts';
import { type Supervised, supervise } from './supervisor.ts';
import { type Reader, takeMessage } from './take-message.ts';
import { assertTopicsThere } from './topics-there.ts';

/** @property prefix put before the name of each topic and group on the cluster, so that several releases share one; none when left out. Nothing above the bus sees it
 * @property tls texts of PEM files; certificates are verified, and the names in them
 * @property sasl how the client says who it is */
export interface KafkaOptions {
  readonly brokers: readonly string[]; readonly clientId: string; readonly prefix?: string; readonly replication?: number;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }; readonly sasl?: { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string };
}
const MAX_WAIT_MS = 100;
const COMPRESSED_FROM_BYTES = 64 * 1024;

interface RequestQueue { pending: unknown[]; throttledUntil: number; scheduleCheckPendingRequests(): void }
/** An idle connection of this client re-arms a timer in the past thousands of times a second. With nothing pending there is nothing to schedule. */
function calmIdleConnections(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { prototype: RequestQueue & { isCalm?: true } };
  if (prototype.isCalm) return;
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function calm(this: RequestQueue) { if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this); };
  prototype.isCalm = true;
}

/** The bus on Apache Kafka. Correctness never rests on this client: inbox, claims and fences carry it; here messages come at least once, in order per key. */
export class KafkaBus implements MessageBus {
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  #connected: Promise<void> | undefined;
  readonly #open = new Set<Closable>();
  readonly #degraded = new Map<string, string>();
  constructor(private readonly options: KafkaOptions) {
    calmIdleConnections();
    this.#kafka = new Kafka({
      clientId: options.clientId, brokers: [...options.brokers], logLevel: logLevel.NOTHING, connectionTimeout: 3_000, requestTimeout: 15_000,
      retry: { initialRetryTime: 100, maxRetryTime: 3_000, retries: 8 },
      ...(options.tls ? { ssl: { ...options.tls } } : {}), ...(options.sasl ? { sasl: { ...options.sasl } as SASLOptions } : {}), // a copy: the client keeps in it what it made of the first password
    });
    this.#producer = this.#kafka.producer({ allowAutoTopicCreation: false });
  }

  async publish(messages: readonly WireMessage[]): Promise<void> {
    this.#connected ??= this.#producer.connect();
    await this.#connected.catch((error: unknown) => { this.#connected = undefined; throw error; });
    const byTopic = Map.groupBy(messages, ({ topic }) => topic);
    // Compressing takes its turn on another thread: small messages of concurrent callers would overtake each other. The topic is kept as gzip anyway.
    const isLarge = messages.reduce((bytes, { value }) => bytes + value.byteLength, 0) > COMPRESSED_FROM_BYTES;
    await this.#producer.sendBatch({ acks: -1, compression: isLarge ? CompressionTypes.GZIP : CompressionTypes.None, topicMessages: [...byTopic].map(([topic, list]) =>
      ({ topic: this.#placed(topic), messages: list.map(({ key, headers, value }) => ({ key, headers: { ...headers }, value: Buffer.from(value) })) })) });
  }
  async subscribe(group: string, names: readonly string[], onMessage: OnMessage): Promise<Closable> {
    const given = new AbortController();
    const supervised = supervise(() => this.#member(group, names, onMessage), { onRestart: (reason) => { this.#degraded.set(group, reason); }, signal: given.signal });
    // Known before it has joined: a member that joins behind the end of its process would hold up the group until its session is over.
    const closable = { close: async () => { this.#open.delete(closable); given.abort(); await (await supervised.catch(() => undefined))?.close(); } };
    this.#open.add(closable);
    await supervised.catch((error: unknown) => { this.#open.delete(closable); throw error; });
    return closable;
  }
  /** One try: whoever waits for a broker asks again. @throws EtlError `platform.unavailable`, also for a topic that is missing; `config.invalid` when it refuses the login or is not trusted */
  async reach(names: readonly string[] = []): Promise<void> {
    const admin = this.#kafka.admin({ retry: { retries: 0 } });
    try {
      await admin.connect();
      await admin.describeCluster(); // a login is shown with the first question, not with the connection
      await assertTopicsThere(admin, names.map((name) => this.#placed(name)));
    } catch (error) { throw error instanceof EtlError ? error : kafkaFailure(error); } finally { await admin.disconnect(); }
  }
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((one) => one.close()));
    await this.#producer.disconnect();
  }
  health(): { ok: boolean; reason?: string } {
    const [first] = this.#degraded;
    return first ? { ok: false, reason: `Kafka: group ${first[0]} reconnects after ${first[1]}` } : { ok: true };
  }

  #member(group: string, names: readonly string[], onMessage: OnMessage): Supervised {
    const consumer = this.#kafka.consumer({
      groupId: this.#placed(group), maxWaitTimeInMs: MAX_WAIT_MS, heartbeatInterval: 1_000, sessionTimeout: 10_000, rebalanceTimeout: 15_000, allowAutoTopicCreation: false,
      // A crash is the end: the supervisor makes the next one. Left to the client, one that was stopped meanwhile comes back by itself: it reads beside its
      // successor, also after the bus is closed, and as it is stopping it passes over what it cannot take.
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    const reader: Reader = { isStopping: false, hear: () => undefined };
    const { CRASH, FETCH, HEARTBEAT, GROUP_JOIN } = consumer.events;
    return {
      onLife: (hear) => {
        consumer.on(FETCH, () => { hear(0); });
        consumer.on(HEARTBEAT, () => { hear(0); });
        reader.hear = hear; // the client does not tell the end of a batch that fails
      },
      onDeath: (died) => { consumer.on(CRASH, () => { died('crash'); }); },
      start: async () => {
        await consumer.connect();
        await consumer.subscribe({ topics: names.map((name) => this.#placed(name)), fromBeginning: true });
        const joined = new Promise<void>((done) => { consumer.on(GROUP_JOIN, () => { this.#degraded.delete(group); done(); }); });
        await consumer.run({ autoCommit: false, partitionsConsumedConcurrently: 6, eachMessage: ({ topic, partition, message, heartbeat }) => takeMessage(wireOf(topic.slice(this.#prefix.length), partition, message), {
          reader, onMessage, heartbeat, commit: () => consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]) }) });
        await joined;
      },
      stop: () => { reader.isStopping = true; return consumer.disconnect(); },
    };
  }

  /** Makes the topics of the catalogue that are missing. Names that exist are left as they are. */
  async createTopics(): Promise<void> {
    await this.#asAdmin(async (admin) => {
      const existing = new Set(await admin.listTopics());
      const missing = topicNames.filter((name) => !existing.has(this.#placed(name)));
      if (missing.length > 0) {
        await admin.createTopics({ waitForLeaders: false, topics: missing.map((topic) => ({ topic: this.#placed(topic), ...this.#shape(topics[topic]) })) });
      }
      await untilLed(admin, topicNames.map((name) => this.#placed(name)));
    });
  }
  /** What the cluster lacks of the catalogue, in words; empty when all is there. */
  async checkTopics(): Promise<string[]> {
    return this.#asAdmin(async (admin) => {
      const existing = new Set(await admin.listTopics());
      const { topics: found } = await admin.fetchTopicMetadata({ topics: topicNames.map((name) => this.#placed(name)).filter((name) => existing.has(name)) });
      const partitions = new Map(found.map(({ name, partitions: list }) => [name, list.length]));
      return topicNames.flatMap((name) => {
        const place = this.#placed(name);
        const has = partitions.get(place);
        if (has === undefined) return [`topic ${place} is missing`];
        return has < topics[name].partitions ? [`topic ${place} has ${has} partitions; ${topics[name].partitions} are needed: kafka-topics.sh --alter --topic ${place} --partitions ${topics[name].partitions}`] : [];
      });
    });
  }
  /** Messages that a group has not taken yet, over all topics it has committed. */
  async lag(group: string): Promise<number> {
    return this.#asAdmin(async (admin) => {
      const committed = await admin.fetchOffsets({ groupId: this.#placed(group) });
      const parts = await Promise.all(committed.map(async ({ topic, partitions }) => {
        const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
        return partitions.reduce((sum, { partition, offset }) => sum + Math.max(0, (ends.get(partition) ?? 0) - Math.max(0, Number(offset))), 0);
      }));
      return parts.reduce((sum, part) => sum + part, 0);
    });
  }
  /** Moves a group whose state was restored to an instant. Of our own topics it skips what was said up to now: outboxes say again what the restored state still waits for, and the rest belongs to runs that it does not know.
   * On topics where anyone writes it goes back to `since`: what was asked for since is in no row, and what is, is known by its id.
   * Members that were killed stay in the group until their session is over: they are waited for.
   * @throws EtlError `request.conflict` while a process of the group still runs */
  async rejoin(group: string, names: readonly TopicName[], since: Date): Promise<void> {
    await this.#asAdmin(async (admin) => {
      await untilEmpty(admin, this.#placed(group));
      for (const topic of names) {
        const place = this.#placed(topic);
        const ends = await admin.fetchTopicOffsets(place);
        const places = topics[topic].writer === 'anyone' ? await admin.fetchTopicOffsetsByTimestamp(place, since.getTime()) : ends.map(({ partition, high }) => ({ partition, offset: high }));
        await admin.setOffsets({ groupId: this.#placed(group), topic: place, partitions: places.map(({ partition, offset }) => ({ partition, offset })) });
      }
    });
  }
  get #prefix(): string { return this.options.prefix ?? ''; }
  /** What a topic or group is called on the cluster. */
  #placed(name: string): string { return `${this.#prefix}${name}`; }
  #shape({ partitions, retentionHours }: Topic) {
    return { numPartitions: partitions, replicationFactor: this.options.replication ?? -1,
      configEntries: [{ name: 'retention.ms', value: String(retentionHours * 3_600_000) }, { name: 'compression.type', value: 'gzip' }] };
  }
  async #asAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try { return await work(admin); } finally { await admin.disconnect(); }
  }
}

/** Longer than the session of a member that was killed. */
const EMPTY_MS = 20_000;
async function untilEmpty(admin: Admin, group: string): Promise<void> {
  for (const until = Date.now() + EMPTY_MS; ; await sleep(250)) {
    const { groups: [found] } = await admin.describeGroups([group]);
    if (!found || found.members.length === 0) return;
    if (Date.now() > until) throw new EtlError('request.conflict', { what: `The group ${group} on Kafka`, state: `read by ${found.members.length} processes`, action: 'moving it', next: 'end every process of this service, then run it again' });
  }
}
/** The metadata of a new topic arrives after the answer to its creation. */
async function untilLed(admin: Admin, names: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const led = await admin.fetchTopicMetadata({ topics: [...names] }).then(({ topics: found }) => found.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)), () => false);
    if (led) return;
    await sleep(100);
  }
  throw new Error('the new topics have no leader after 10 s');
}
const readHeaders = ({ headers }: KafkaMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]));
const wireOf = (topic: string, partition: number, message: KafkaMessage): WireMessage =>
  ({ topic, partition, offset: message.offset, key: message.key?.toString() ?? '', headers: readHeaders(message), value: message.value ?? Buffer.alloc(0) });
