export { type BusHarness, describeMessageBus } from './message-bus.contract.ts';
export { OwnBroker } from './testing/own-broker.ts';
export { type StoredRecord, readTopics } from './testing/read-topics.ts';
