import { createHash, createPublicKey, verify } from 'node:crypto';
import { EtlError, Receipt, canonicalJson, issuesOf } from '@agent-etl/contracts';

const invalid = (problem: string): EtlError => new EtlError('receipt.invalid', { problem });

/** The bytes that were signed: the canonical JSON of everything but key id and signature. */
export const signedBytes = ({ keyId: _keyId, signature: _signature, ...body }: Receipt): Buffer => Buffer.from(canonicalJson(body), 'utf8');

/** First 16 hex digits of the sha256 of the public key's DER. @param pem public key, PEM */
export function keyIdOf(pem: string): string {
  try {
    return createHash('sha256').update(createPublicKey(pem).export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16);
  } catch {
    throw invalid('the key is no public key in PEM form');
  }
}
/** Checks a receipt offline: shape, key, signature, and that what it says is consistent in itself.
 * @throws EtlError `receipt.invalid` with what is wrong */
export function verifyReceipt(value: unknown, pem: string): Receipt {
  const parsed = Receipt.safeParse(value);
  if (!parsed.success) throw invalid(issuesOf(parsed.error).map(({ path, text }) => `${path} ${text}`).join('; '));
  const receipt = parsed.data;
  const known = keyIdOf(pem);
  if (receipt.keyId !== known) throw invalid(`it was signed with key ${receipt.keyId}, not with ${known}`);
  // Unknown members are signed too: the value as given, not as parsed, is what the signature is about.
  if (!verify(null, signedBytes(value as Receipt), createPublicKey(pem), Buffer.from(receipt.signature, 'base64'))) throw invalid('the signature does not belong to this text');
  if ((receipt.grouped ?? receipt.joined ?? receipt.written) !== receipt.read - receipt.filtered - receipt.rejected) throw invalid('its rows do not add up');
  if (!receipt.reconciled) throw invalid('it says that source and target were not equal');
  return receipt;
}
