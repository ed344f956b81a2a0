export { BusStrategy, type BusStrategyOptions } from './bus-strategy.ts';
export { Delivery, type OnUnreadable } from './delivery.ts';
export { handlesFor, transportOf } from './handles.ts';
export { InMemoryBus, type InMemoryOptions } from './in-memory-bus.ts';
export { KafkaBus, type KafkaOptions } from './kafka-bus.ts';
export type { Closable, MessageBus, OnMessage, WireMessage } from './message-bus.ts';
export { type MessageMeta, derivedId, readHeaders, wireMessage } from './message-headers.ts';
export { OutboxRelay } from './outbox-relay.ts';
export { Outbox, outboxChannel } from './outbox.ts';
