import { type Plan, PlanId, type Receipt, ReceiptBody, canonicalJson } from '@agent-etl/contracts';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** sha256 of a value's canonical JSON, lower-case hex. */
export const digestOf = (value: unknown): string => bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
/** The id of a plan: equal plans have equal ids, and an approval is for exactly one. */
export const planHash = (plan: Plan): PlanId => PlanId.parse(digestOf(plan));

/** The bytes that a receipt's signature covers: RFC 8785 canonical JSON of all fields but `keyId` and `signature`, fields of later releases included. */
export function receiptBytes(receipt: Receipt | ReceiptBody): Uint8Array {
  const body = Object.fromEntries(Object.entries(receipt).filter(([field]) => field !== 'keyId' && field !== 'signature'));
  return utf8ToBytes(canonicalJson(body));
}
