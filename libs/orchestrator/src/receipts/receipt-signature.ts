import { type KeyObject, createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EtlError, type Receipt, type ReceiptBody } from '@agent-etl/contracts';
import { receiptBytes } from '@agent-etl/planning';

/** sha256 of the public key (SPKI DER), first 16 hex digits. */
export const keyIdOf = (publicKey: KeyObject): string => createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16);

/** The key that signs receipts.
 * @param source an Ed25519 private key, or its PKCS #8 PEM
 * @throws EtlError `config.invalid` when it is no Ed25519 key */
export function signingKey(source: KeyObject | string): KeyObject {
  let key: KeyObject;
  try {
    key = typeof source === 'string' ? createPrivateKey(source) : source;
  } catch (cause) {
    throw new EtlError('config.invalid', { problems: 'the signing key is no private key in PEM' }, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519' || key.type !== 'private') throw new EtlError('config.invalid', { problems: 'the signing key is not an Ed25519 private key' });
  return key;
}
/** @throws EtlError `config.invalid` */
export function readSigningKey(file: string): KeyObject {
  try {
    return signingKey(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw cause instanceof EtlError ? cause : new EtlError('config.invalid', { problems: 'ETL_ORCHESTRATOR_SIGNING_KEY_FILE cannot be read' }, { cause });
  }
}

export function signReceipt(body: ReceiptBody, key: KeyObject): Receipt {
  return { ...body, keyId: keyIdOf(createPublicKey(key)), signature: sign(null, receiptBytes(body), key).toString('base64') };
}

/** Checks a receipt offline. @throws EtlError `receipt.invalid` when the key is another one or a byte was changed */
export function verifyReceipt(receipt: Receipt, publicKeyPem: string): void {
  const key = createPublicKey(publicKeyPem);
  if (keyIdOf(key) !== receipt.keyId) throw new EtlError('receipt.invalid', { problem: `it was signed with key ${receipt.keyId}, not with ${keyIdOf(key)}` });
  if (!verify(null, receiptBytes(receipt), key, Buffer.from(receipt.signature, 'base64'))) throw new EtlError('receipt.invalid', { problem: 'the signature does not cover what it says' });
}
