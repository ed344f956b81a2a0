import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { PublishResult, Receipt } from '@agent-etl/contracts';
import { planCopy, planHash } from '@agent-etl/planning';
import { aCopyInput } from '@agent-etl/planning/testing';
import { copyRun } from '../runs/new-run.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { loadOf, publishOf } from '../testing/scripted-worker.ts';
import { proofOf } from './receipt-rules.ts';
import { signReceipt, signingKey, verifyReceipt } from './receipt-signature.ts';

const planned = planCopy(aCopyInput());
const plan = 'plan' in planned ? planned.plan : undefined;
const now = '2026-03-01T00:00:00.000Z';
function finished(publish: Partial<PublishResult> = {}, load = loadOf(10)): RunRecord {
  const run = copyRun({ planId: planHash(plan!), plan: plan!, pipelineId: '00000000-0000-7000-8000-0000000000aa', requestId: null, approvedBy: 'policy', now, deadlineMs: 1000, driver: 'workers' });
  return { ...run, state: 'succeeded', finishedAt: now, tasks: run.tasks.map((task) => ({ ...task, attempt: 1, state: 'succeeded', result: task.kind === 'load' ? load : publishOf(10, publish) })) };
}
const difference = (run: RunRecord): string => {
  const proof = proofOf(run, 'default');
  return 'failure' in proof ? proof.failure.text : 'proved';
};

describe('a receipt', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const proof = proofOf(finished(), 'default');
  const receipt = (): Receipt => signReceipt('body' in proof ? proof.body : (undefined as never), privateKey);
  it('says what was read, written and published, and verifies', () => {
    expect(receipt()).toMatchObject({ reconciled: true, read: 10, written: 10, published: 10, attempts: 2, sourceDigest: 'pg-frame:10:70:110' });
    expect(() => { verifyReceipt(receipt(), pem); }).not.toThrow();
  });
  it('counts as filtered what an overlap found unchanged, and as written what was new or changed', () => {
    const run = finished({ published: 4, inserted: 3, updated: 1 });
    const cursor = { column: 'updated_at', kind: 'tstz', pipeline: 'flights_to_warehouse', scope: '0'.repeat(64), read: 'since', overlapSeconds: 3600 } as const;
    const part = proofOf({ ...run, tasks: run.tasks.map((task) => (task.spec.kind === 'publish' ? { ...task, spec: { ...task.spec, how: 'upsert', cursor } } : task)) }, 'default');
    expect(part).toMatchObject({ body: { read: 10, filtered: 6, rejected: 0, written: 4, published: 4, sourceDigest: 'pg-frame:10:70:110' } });
  });
  it('says null where no digest was taken, and verifies', () => {
    const counts = proofOf(finished({ level: 'counts', sourceDigest: null, targetDigest: null }), 'default');
    const signed = signReceipt('body' in counts ? counts.body : (undefined as never), privateKey);
    expect(signed).toMatchObject({ reconciled: true, level: 'counts', digest: 'pg-frame', sourceDigest: null, targetDigest: null });
    expect(() => { verifyReceipt(signed, pem); }).not.toThrow();
    expect(() => { verifyReceipt({ ...signed, targetDigest: 'pg-frame:10:70:110' }, pem); }).toThrow(expect.objectContaining({ code: 'receipt.invalid' }));
  });
  it('verifies as an earlier release has signed it, with zeros for what was not taken', () => {
    const old = { ...('body' in proof ? proof.body : (undefined as never)), level: 'counts' as const, digest: 'text-md5' as const, sourceDigest: 'text-md5:10:70:110', targetDigest: 'text-md5:10:0:0' };
    expect(() => { verifyReceipt(signReceipt(old, privateKey), pem); }).not.toThrow();
  });
  it('does not verify when anything in it was changed', () => {
    for (const [field, value] of Object.entries({ read: 11, runId: 'x', approvedBy: 'me', reconciled: false, added: 1 })) {
      expect(() => { verifyReceipt({ ...receipt(), [field]: value } as Receipt, pem); }).toThrow(expect.objectContaining({ code: 'receipt.invalid' }));
    }
  });
  it('does not verify with another key', () => {
    const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => { verifyReceipt(receipt(), other); }).toThrow('it was signed with key');
  });
  it('is not signed with a key of another kind', () => {
    expect(() => signingKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)).toThrow('not an Ed25519');
    expect(() => signingKey('nonsense')).toThrow('no private key');
  });
});

describe('a doubt is a failure', () => {
  it.each<[string, RunRecord, string]>([
    ['another digest', finished({ targetDigest: { kind: 'pg-frame', rows: 10, a: '0', b: '110' } }), 'digests'],
    ['fewer rows at the target', finished({ targetDigest: { kind: 'pg-frame', rows: 9, a: '70', b: '110' } }), '10 rows at the source, 9 at the target'],
    ['rows that do not add up', finished({}, { ...loadOf(10), read: 11 }), 'read 11 is not'],
    ['fewer rows published', finished({ published: 9 }), '9 were published'],
    ['a publish of other rows', finished({}, loadOf(12)), '12 rows were written'],
    ['a task that said nothing', { ...finished(), tasks: [] }, 'said nothing'],
  ])('%s', (_, run, words) => { expect(difference(run)).toContain(words); });
  it('counts alone are enough where the plan says counts', () => {
    expect(difference(finished({ level: 'counts', targetDigest: null }))).toBe('proved');
    expect(difference(finished({ level: 'counts', targetDigest: { kind: 'pg-frame', rows: 10, a: '0', b: '0' } }))).toBe('proved'); // as a worker of an earlier release says it
    expect(difference(finished({ level: 'counts', sourceDigest: null, targetDigest: null }))).toBe('proved');
    expect(difference(finished({ level: 'counts', sourceDigest: null, targetDigest: null, published: 9 }))).toContain('9 were published');
  });
  it.each(['sourceDigest', 'targetDigest'] as const)('a proof in full without its %s is none', (missing) => { expect(difference(finished({ [missing]: null }))).toContain('no digest of one end'); });
});
