import type { SecretsConfig } from '@agent-etl/contracts';
import { z } from 'zod';
import { AwsSecretStore } from './aws-store.ts';
import { EnvSecretStore } from './env-store.ts';
import { FileSecretStore } from './file-store.ts';
import type { SecretStore } from './secret-store.ts';

/** Environment of a service that opens secrets. */
export const secretsConfig = z.object({
  ETL_SECRETS_STORE: z.enum(['env', 'file', 'aws-secrets-manager']).default('env').describe('Where secret references are opened.'),
  ETL_SECRETS_FILE: z.string().optional().describe('JSON file of the file store, mode 0600.'),
  ETL_SECRETS_REGION: z.string().optional().describe('AWS region of AWS Secrets Manager.'),
  ETL_SECRETS_PREFIX: z.string().optional().describe('Put before each name in AWS Secrets Manager, such as etl/.'),
  ETL_SECRETS_ENDPOINT: z.url().optional().describe('Another endpoint of AWS Secrets Manager, for an emulator.'),
}).superRefine((config, check) => {
  if (config.ETL_SECRETS_STORE === 'file' && !config.ETL_SECRETS_FILE) check.addIssue({ code: 'custom', path: ['ETL_SECRETS_FILE'], message: 'is needed by the file store' });
  if (config.ETL_SECRETS_STORE === 'aws-secrets-manager' && !config.ETL_SECRETS_REGION) check.addIssue({ code: 'custom', path: ['ETL_SECRETS_REGION'], message: 'is needed by AWS Secrets Manager' });
});
export type SecretsEnvironment = z.output<typeof secretsConfig>;

/** The environment's settings in the words of agent-etl.yaml. */
export function secretsFrom(config: SecretsEnvironment): SecretsConfig {
  const { ETL_SECRETS_STORE: store, ETL_SECRETS_FILE: file = '', ETL_SECRETS_REGION: region = '', ETL_SECRETS_PREFIX: prefix, ETL_SECRETS_ENDPOINT: endpoint } = config;
  if (store === 'file') return { store, file };
  if (store === 'aws-secrets-manager') return { store, region, prefix, endpoint };
  return { store };
}

/** Opens the configured store. */
export function openSecretStore(config: SecretsConfig): SecretStore {
  switch (config.store) {
    case 'env': return new EnvSecretStore();
    case 'file': return new FileSecretStore(config.file);
    case 'aws-secrets-manager': return new AwsSecretStore(config);
  }
}
