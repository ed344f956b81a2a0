import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Receipt } from '@agent-etl/contracts';
import { keyIdOf, signedBytes, verifyReceipt } from './verify-receipt.ts';

const pair = generateKeyPairSync('ed25519');
const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const body = {
  receiptVersion: 1, runId: '0199aaaa-0000-7000-8000-000000000001', planId: 'a'.repeat(64), pipeline: 'flights', tenant: 'default',
  source: { connection: 'ops', dataset: 'public.flights' }, target: { connection: 'warehouse', dataset: 'mart.flights' }, reconciled: true, level: 'full',
  read: 10, filtered: 1, rejected: 0, written: 9, published: 9, digest: 'pg-frame', sourceDigest: 'pg-frame:9:1:2', targetDigest: 'pg-frame:9:1:2', chunks: 1, attempts: 2,
  approvedBy: 'policy', startedAt: '2026-01-01T00:00:00.000Z', finishedAt: '2026-01-01T00:00:01.000Z',
} as const;
const signed = (changes: object = {}, key = pair.privateKey): Receipt => {
  const receipt = { ...body, ...changes, keyId: keyIdOf(pem), signature: '' } as unknown as Receipt;
  return { ...receipt, signature: sign(null, signedBytes(receipt), key).toString('base64') };
};
describe('verifyReceipt', () => {
  it('accepts what was signed, also after a trip through a file with other spacing and key order', () => {
    const shuffled: unknown = JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(signed()).reverse()), null, 7));
    expect(verifyReceipt(shuffled, pem).written).toBe(9);
  });
  it('accepts digests that were not taken, said as null or, by earlier releases, as zeros', () => {
    for (const digests of [{ sourceDigest: null, targetDigest: null }, { sourceDigest: 'text-md5:9:1:2', targetDigest: 'text-md5:9:0:0' }]) expect(verifyReceipt(signed({ level: 'counts', ...digests }), pem).level).toBe('counts');
  });
  it.each([
    ['a changed number', { ...signed(), written: 8 }, 'does not belong'],
    ['an added member', { ...signed(), note: 'x' }, 'does not belong'],
    ['another signer', signed({}, generateKeyPairSync('ed25519').privateKey), 'does not belong'],
    ['another key', { ...signed(), keyId: '0'.repeat(16) }, 'signed with key 0000'],
    ['rows that do not add up', signed({ written: 8 }), 'do not add up'],
    ['a receipt that proves nothing', signed({ reconciled: false }), 'not equal'],
    ['something else', { hello: 1 }, '/receiptVersion'],
  ])('refuses %s', (_, receipt, why) => { expect(() => verifyReceipt(receipt, pem)).toThrow(why); });
  it('refuses a file that is no key', () => { expect(() => verifyReceipt(signed(), 'hello')).toThrow('no public key'); });
});
