import type { Secret } from './secret.ts';

/** Opens secret references. One suite holds for every adapter. */
export interface SecretStore {
  /** @param reference `secret://name#field`; without a field the secret itself must be one text
   * @throws EtlError `secret.reference-invalid`, `secret.not-found`, `secret.store-unsafe`, `platform.unavailable` */
  get(reference: string): Promise<Secret>;
}
