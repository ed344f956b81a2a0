import { type App, type MessageType, type Topic, apps, messageTypes, messages, topicNames, topics } from '@agent-etl/contracts';
import { SchemaComponents } from './schema-components.ts';

type Json = Record<string, unknown>;
const messageRef = (topic: string, type: string): Json => ({ $ref: `#/channels/${topic}/messages/${type}` });

/** The AsyncAPI 3.0 document of the message catalogue, or of what one service writes and reads. */
export function asyncApi(app?: App): Json {
  const schemas = new SchemaComponents('#/components/schemas/');
  const mine = messageTypes.filter((type) => !app || messages[type].writer === app || (messages[type].readers as readonly App[]).includes(app));
  const used = topicNames.filter((topic) => mine.some((type) => messages[type].topic === topic));
  return {
    asyncapi: '3.0.0', info: { title: 'Agent-Orchestrated ETL', version: '1' }, defaultContentType: 'application/json',
    channels: Object.fromEntries(used.map((topic) => [topic, channel(topic, mine.filter((type) => messages[type].topic === topic))])),
    operations: Object.fromEntries((app ? [app] : apps).flatMap((one) => operations(one, mine))),
    components: { messages: Object.fromEntries(mine.map((type) => [type, message(type, schemas)])), schemas: schemas.all() },
  };
}

function channel(topic: (typeof topicNames)[number], types: readonly MessageType[]): Json {
  const { key, partitions, retentionHours, says }: Topic = topics[topic];
  return {
    address: topic, description: `${says} Key: ${key}.`, bindings: { kafka: { topic, partitions, topicConfiguration: { 'retention.ms': retentionHours * 3_600_000 } } },
    messages: Object.fromEntries(types.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
  };
}

function operations(app: App, types: readonly MessageType[]): [string, Json][] {
  const verbs = [['send', (type: MessageType) => messages[type].writer === app], ['receive', (type: MessageType) => (messages[type].readers as readonly App[]).includes(app)]] as const;
  return verbs.flatMap(([action, takesPart]) => types.filter(takesPart).map((type): [string, Json] => {
    const { topic } = messages[type];
    return [`${app}.${action}.${type}`, { action, channel: { $ref: `#/channels/${topic}` }, messages: [messageRef(topic, type)] }];
  }));
}

function message(type: MessageType, schemas: SchemaComponents): Json {
  const { says, key, payload } = messages[type];
  return {
    name: type, summary: says, contentType: 'application/json', bindings: { kafka: { key: { type: 'string', description: key } } },
    headers: { type: 'object', properties: { ce_specversion: { const: '1.0' }, ce_id: { type: 'string' }, ce_type: { const: type }, ce_source: { type: 'string' }, ce_time: { type: 'string' } } },
    payload: schemas.of(payload),
  };
}
