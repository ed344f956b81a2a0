import { notFound, parseReference } from './reference.ts';
import { Secret } from './secret.ts';
import type { SecretStore } from './secret-store.ts';

/** Secrets that live as long as this process: what a command line hands to its own standalone. After a crash they are gone. */
export class MemorySecretStore implements SecretStore {
  readonly #secrets = new Map<string, ReadonlyMap<string, Secret>>();

  /** Keeps the fields of one name, in place of what was there. */
  put(name: string, fields: Readonly<Record<string, string>>): void {
    this.#secrets.set(name, new Map(Object.entries(fields).map(([field, value]) => [field, new Secret(value)])));
  }
  forget(name: string): void { this.#secrets.delete(name); }
  has(name: string): boolean { return this.#secrets.has(name); }

  async get(text: string): Promise<Secret> {
    const reference = parseReference(text);
    const secret = this.#secrets.get(reference.name)?.get(reference.field ?? '');
    if (!secret || secret.use((value) => value === '')) throw notFound(reference, 'it lived for one command; give it again');
    return secret;
  }
}

export const EPHEMERAL_PREFIX = 'ephemeral/';

/** Sends `secret://ephemeral/…` to memory and everything else to the configured store. */
export class EphemeralSecretStore implements SecretStore {
  constructor(private readonly memory: MemorySecretStore, private readonly rest: SecretStore) {}
  get(text: string): Promise<Secret> {
    return parseReference(text).name.startsWith(EPHEMERAL_PREFIX) ? this.memory.get(text) : this.rest.get(text);
  }
}
