export { type ConnectorHarness, type Harnesses, describeConnectors } from './connector.contract.ts';
