export { type SecretHarness, describeSecretStore } from './secret-store.contract.ts';
