import { notFound, parseReference } from './reference.ts';
import { Secret } from './secret.ts';
import type { SecretStore } from './secret-store.ts';

const shout = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
/** The variable that holds a reference: `secret://shop#password` is ETL_SECRET_SHOP_PASSWORD. */
export const variableOf = (reference: string): string => {
  const { name, field } = parseReference(reference);
  return `ETL_SECRET_${shout(name)}${field === null ? '' : `_${shout(field)}`}`;
};

/** Secrets in environment variables, read when asked for. */
export class EnvSecretStore implements SecretStore {
  readonly #env: Readonly<Record<string, string | undefined>>;
  constructor(env: Readonly<Record<string, string | undefined>> = process.env) { this.#env = env; }

  async get(text: string): Promise<Secret> {
    const reference = parseReference(text);
    const variable = variableOf(text);
    const value = this.#env[variable];
    if (value === undefined || value === '') throw notFound(reference, `set ${variable}`);
    return new Secret(value);
  }
}
