export type { SecretStore } from './secret-store.ts';
export { Secret } from './secret.ts';
