export { type BusHarness, describeMessageBus } from './message-bus.contract.ts';
export { OwnBroker } from './testing/own-broker.ts';
