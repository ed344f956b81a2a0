export { type AwsOptions, AwsSecretStore } from './aws-store.ts';
export { EnvSecretStore, variableOf } from './env-store.ts';
export { FileSecretStore } from './file-store.ts';
export { EPHEMERAL_PREFIX, EphemeralSecretStore, MemorySecretStore } from './memory-store.ts';
export { openSecretStore, secretsConfig, type SecretsEnvironment, secretsFrom } from './open-secret-store.ts';
export { Secret } from './secret.ts';
export type { SecretStore } from './secret-store.ts';
