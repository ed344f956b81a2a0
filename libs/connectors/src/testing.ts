export { type ConnectorHarness, type Harnesses, describeConnectors } from './connector.contract.ts';
export { BALLAST, type SmallDisk, aSmallDisk, canMount } from './file/testing/small-disk.ts';
