import { createHash, createPublicKey, verify } from 'node:crypto';
import { type LoadResult, type PublishResult, type Receipt, canonicalJson, digestText, takenDigests } from '@agent-etl/contracts';
import type { RunFacts } from './run-rules.ts';

/** Whether the signature is by this key, and about every other field as it stands. */
function ofSignature({ keyId, signature, ...body }: Receipt, publicKey: string): string[] {
  const key = createPublicKey(publicKey);
  const id = createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex').slice(0, 16);
  if (id !== keyId) return [`the receipt names key ${keyId}, not ${id}`];
  return verify(null, Buffer.from(canonicalJson(body)), key, Buffer.from(signature, 'base64')) ? [] : ['the signature of the receipt is not about what it says'];
}
const differing = (what: string, said: unknown, known: unknown): string[] => (canonicalJson(said ?? null) === canonicalJson(known ?? null) ? [] : [`the receipt says ${what} ${canonicalJson(said ?? null)}, not ${canonicalJson(known ?? null)}`]);

/** The rows of a receipt add up, and are those that its tasks told of. What a part read again and found unchanged is filtered there. */
function ofCounts(receipt: Receipt, { load, publish }: Told): string[] {
  const { read, filtered, rejected, written, grouped, joined } = receipt;
  const through = grouped ?? joined ?? written;
  const known = load.grouped ?? load.joined ?? load.written;
  return [
    ...differing('read', read, filtered + rejected + through), ...differing('read', read, load.read), ...differing('rejected', rejected, load.rejected),
    ...filtered - load.filtered === known - through ? [] : [`the receipt filters ${filtered} and lets ${through} through; of the load ${load.filtered} and ${known}`],
    ...differing('published', receipt.published, publish.published), ...differing('chunks', receipt.chunks, load.chunks),
  ];
}
function ofDigests(receipt: Receipt, { load, publish }: Told): string[] {
  const { source, target } = takenDigests(receipt);
  const [from, into] = [publish.sourceDigest, publish.targetDigest].map((digest) => (digest ? digestText(digest) : null));
  const isFull = receipt.level === 'full';
  return [
    ...receipt.reconciled ? [] : ['the receipt does not say that both ends are equal'], ...differing('of the source', source, from), ...differing('of the target', target, into),
    ...receipt.level !== 'counts' && (source === null || source !== target) ? [`the receipt says ${receipt.level}, and ${source} of the source, ${target} of the target`] : [],
    ...isFull && into !== null && publish.targetDigest?.rows !== load.written ? [`the target was found with ${publish.targetDigest?.rows} rows of ${load.written}`] : [],
  ];
}
interface Told { readonly load: LoadResult; readonly publish: PublishResult }

/** A green run has a receipt that is signed, adds up, and says what its tasks said; no other run has one. @param publicKey PEM */
export function ofReceipt({ runId, planId, state, receipt, tasks }: RunFacts, publicKey: string): string[] {
  if (state !== 'succeeded') return receipt ? [`the run is ${state}, and has a receipt`] : [];
  const [load, publish] = ['load', 'publish'].map((kind) => tasks.find((task) => task.kind === kind)?.result);
  if (!receipt || load?.kind !== 'load' || publish?.kind !== 'publish') return ['the run is green without a receipt or what it stands on'];
  const told: Told = { load, publish };
  return [
    ...ofSignature(receipt, publicKey), ...differing('run', receipt.runId, runId), ...differing('plan', receipt.planId, planId), ...differing('attempts', receipt.attempts, tasks.reduce((sum, { attempt }) => sum + attempt, 0)),
    ...ofCounts(receipt, told), ...ofDigests(receipt, told),
  ];
}
