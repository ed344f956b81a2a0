import type { SecretsManagerClient, SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { EtlError } from '@agent-etl/contracts';
import { type Reference, notFound, parseReference, pickField } from './reference.ts';
import { Secret } from './secret.ts';
import type { SecretStore } from './secret-store.ts';

export interface AwsOptions {
  readonly region: string;
  /** Put before each name, such as `etl/`. */
  readonly prefix?: string | undefined;
  /** Another endpoint, for an emulator. */
  readonly endpoint?: string | undefined;
  /** Ambient identity (environment, profile, workload identity) when left out. */
  readonly credentials?: SecretsManagerClientConfig['credentials'];
}
const MISSING = new Set(['ResourceNotFoundException', 'InvalidRequestException', 'InvalidParameterException', 'DecryptionFailure']);
const DENIED = new Set(['AccessDeniedException', 'UnrecognizedClientException', 'InvalidSignatureException', 'ExpiredTokenException', 'InvalidClientTokenId']);

/** AWS Secrets Manager. The stage is always named: without it a service may answer an older version after a rotation. */
export class AwsSecretStore implements SecretStore {
  readonly #options: SecretsManagerClientConfig;
  #client: SecretsManagerClient | undefined;
  readonly #prefix: string;
  constructor({ region, prefix = '', endpoint, credentials }: AwsOptions) {
    this.#prefix = prefix;
    this.#options = { region, maxAttempts: 3, ...(endpoint ? { endpoint } : {}), ...(credentials ? { credentials } : {}) };
  }

  async get(text: string): Promise<Secret> {
    const reference = parseReference(text);
    const id = `${this.#prefix}${reference.name}`;
    const hint = `store ${id} in AWS Secrets Manager and allow secretsmanager:GetSecretValue`;
    const stored = await this.#fetch(id, reference, hint);
    const value = pickField(stored, reference, hint);
    if (value === '') throw notFound(reference, hint);
    return new Secret(value);
  }
  close(): void { this.#client?.destroy(); }

  async #fetch(id: string, reference: Reference, hint: string): Promise<string> {
    try {
      const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager'); // a start does not wait for it
      this.#client ??= new SecretsManagerClient(this.#options);
      const { SecretString } = await this.#client.send(new GetSecretValueCommand({ SecretId: id, VersionStage: 'AWSCURRENT' }));
      if (SecretString === undefined) throw notFound(reference, `${id} holds bytes; store text or JSON`);
      return SecretString;
    } catch (cause) {
      throw translate(cause, reference, hint);
    }
  }
}

/** A 403 may come as XML that the client cannot read: its status still says what happened. */
function translate(cause: unknown, reference: Reference, hint: string): EtlError {
  if (cause instanceof EtlError) return cause;
  const { name = '', $metadata, $response } = cause as { name?: string; $metadata?: { httpStatusCode?: number }; $response?: { statusCode?: number } };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (MISSING.has(name)) return notFound(reference, hint, cause);
  if (DENIED.has(name) || status === 403 || status === 401) return notFound(reference, hint, cause);
  return new EtlError('platform.unavailable', { dependency: 'AWS Secrets Manager', kept: 'yes' }, { cause });
}
