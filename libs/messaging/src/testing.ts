export { type BusHarness, describeMessageBus } from './message-bus.contract.ts';
