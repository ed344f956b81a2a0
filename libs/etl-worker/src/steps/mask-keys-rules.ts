import { EtlError, type MaskKeys } from '@agent-etl/contracts';

/** @property than what was masked, such as: the one that its first rows were masked under
 * @property next what helps */
export interface Masked { readonly than: string; readonly next: string }
/** Rows of one target have one key: equal values under two would be two tokens, and nobody could tell which is which.
 * @param before keys that are known; without them there is nothing to compare
 * @throws EtlError `secret.key-changed` */
export function assertSameKeys(before: MaskKeys | null | undefined, now: MaskKeys | undefined, masked: Masked): void {
  for (const [reference, fingerprint] of Object.entries(before ?? {})) {
    const held = now?.[reference];
    if (held !== undefined && held !== fingerprint) throw new EtlError('secret.key-changed', { reference, ...masked });
  }
}
const ANEW = 'run the pipeline again: it starts anew, under the key that is there then';
export const ofThisLoad: Masked = { than: 'the one that the first rows of this load were masked under', next: ANEW };
export const ofTheTarget = (dataset: string): Masked => ({ than: `the one that the rows in ${dataset} were masked under`, next: 'put the former key back; or run it once with load: replace, which masks all rows anew; or give the new key a name of its own in keyRef, and rows that are there keep the tokens of the former one' });
