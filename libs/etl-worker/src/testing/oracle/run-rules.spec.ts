import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import { LoadResult, PublishResult, type Receipt, canonicalJson } from '@agent-etl/contracts';
import { ofReceipt } from './receipt.ts';
import { type RunFacts, type SaidOfRun, ofRun, ofSignals } from './run-rules.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const said = (type: string, task: string | null = null, attempt: number | null = null, state: SaidOfRun['state'] = null): SaidOfRun => ({ type, task, attempt, state });
const [asked, lost, done] = ['task.run.requested.v1', 'task.run.failed.v1', 'task.run.succeeded.v1'];
const path = [said('run.started.v1'), said(asked, 'load', 1), said(lost, 'load', 1), said(asked, 'load', 2), said(done, 'load', 2), said(asked, 'publish', 1), said(done, 'publish', 1), said('run.finished.v1', null, null, 'succeeded')];

const digest = { kind: 'text-md5' as const, rows: 10, a: '7', b: '8' };
const load = { kind: 'load', read: 10, filtered: 0, rejected: 0, written: 10, bytes: 100, chunks: 2, resumed: 1, digest, snapshot: 'x' } as unknown as LoadResult;
const publish = { kind: 'publish', published: 10, inserted: null, updated: null, level: 'full', sourceDigest: digest, targetDigest: digest, proofMs: 1 } as PublishResult;
const body = {
  receiptVersion: 1, runId: 'r', planId: 'p', reconciled: true, level: 'full', read: 10, filtered: 0, rejected: 0, written: 10, published: 10, digest: 'text-md5', sourceDigest: 'text-md5:10:7:8', targetDigest: 'text-md5:10:7:8', chunks: 2, attempts: 3,
};
const signed = (over: object = {}): Receipt => {
  const all = { ...body, ...over };
  return { ...all, keyId: keyId(), signature: sign(null, Buffer.from(canonicalJson(all)), privateKey).toString('base64') } as unknown as Receipt;
};
/** Known from the first fault that names it, so that it is not computed here a second time. */
function keyId(): string {
  const [fault = ''] = ofReceipt({ ...bare, receipt: { ...body, keyId: '', signature: '' } as unknown as Receipt }, pem);
  return /not ([0-9a-f]{16})$/.exec(fault)?.[1] ?? '';
}
const task = (id: 'load' | 'publish', attempt: number, result: LoadResult | PublishResult): RunFacts['tasks'][number] => ({ taskRunId: id, id, kind: id, state: 'succeeded', attempt, result });
const bare: RunFacts = { runId: 'r', planId: 'p', state: 'succeeded', receipt: null, isLate: false, tasks: [task('load', 2, load), task('publish', 1, publish)], events: path, view: null, shown: [] };
function facts(over: Partial<RunFacts> = {}): RunFacts {
  const end = { state: 'succeeded' as const, receipt: signed() };
  return { ...bare, ...end, view: end, shown: [{ state: 'running', receipt: null }, end, end], ...over };
}

describe('the oracle', () => {
  it('has nothing against a run that lost an attempt and came to a green end', () => {
    expect([ofRun(facts()), ofSignals(facts()), ofReceipt(facts(), pem)]).toEqual([[], [], []]);
  });
  it.each<[string, Partial<RunFacts>, RegExp]>([
    ['a run that goes on', { state: 'running' }, /^the run is running$/], ['one that was late', { isLate: true }, /after its deadline/], ['a task that goes on', { tasks: [{ ...bare.tasks[0]!, state: 'ready' }] }, /^load is ready$/],
    ['a green run with a red task', { tasks: [{ ...bare.tasks[0]!, state: 'failed' }] }, /^green, and load is failed$/], ['no beginning', { events: path.slice(1) }, /^began with task/], ['no end', { events: path.slice(0, -1) }, /^said its end 0 times$/],
    ['two ends', { events: [...path, path.at(-1)!] }, /^said its end 2 times$/], ['what follows an end', { events: [...path, said(asked, 'publish', 2)] }, /^task\.run\.requested\.v1 came after the end$/],
    ['another end', { events: [...path.slice(0, -1), said('run.finished.v1', null, null, 'failed')] }, /^said that it failed, and is succeeded$/],
    ['a message that counted twice', { events: path.toSpliced(5, 0, path[4]!) }, /^task\.run\.succeeded\.v1 of load 2 had its effect 2 times$/], ['an attempt that was left out', { events: path.toSpliced(3, 1, said(asked, 'load', 3)) }, /^load: attempt 3 after 1$/],
    ['an attempt after a success', { events: path.toSpliced(5, 0, said(asked, 'load', 3)) }, /^load: attempt 3 after it succeeded$/], ['the end of an older attempt', { events: path.toSpliced(4, 1, said(done, 'load', 1)) }, /^load: the end of attempt 1 counted while 2/],
  ])('sees %s', (_, over, words) => { expect(ofRun(facts(over))).toEqual(expect.arrayContaining([expect.stringMatching(words)])); });
  it.each<[string, Partial<RunFacts>, RegExp]>([
    ['no view', { view: null }, /^the view shows nothing/], ['a view of another receipt', { view: { state: 'succeeded', receipt: signed({ read: 11 }) } }, /^the view shows succeeded with a receipt/], ['a feed without an end', { shown: [] }, /shows no end$/],
    ['a feed that takes the end back', { shown: [...facts().shown, { state: 'running', receipt: null }] }, /shows another end/],
  ])('sees %s', (_, over, words) => { expect(ofSignals(facts(over))).toEqual([expect.stringMatching(words)]); });
  it.each<[string, Receipt | null, RegExp]>([
    ['none', null, /without a receipt/], ['a changed byte', { ...signed(), attempts: 4 }, /^the signature/], ['another key', { ...signed(), keyId: '0'.repeat(16) }, /names key 0{16}, not/], ['rows that do not add up', signed({ rejected: 1 }), /says read 10, not 11$/],
    ['rows that the load did not read', signed({ read: 11, filtered: 1 }), /says read 11, not 10$/], ['more let through than the load did', signed({ filtered: 1, written: 9, read: 11 }), /says read 11/], ['another published', signed({ published: 9 }), /says published 9, not 10$/],
    ['other pieces', signed({ chunks: 3 }), /says chunks 3, not 2$/], ['other attempts', signed({ attempts: 2 }), /says attempts 2, not 3$/], ['another run', signed({ runId: 's' }), /says run "s", not "r"$/], ['no proof', signed({ reconciled: false }), /does not say that both ends/],
    ['another digest', signed({ targetDigest: 'text-md5:10:7:9' }), /^the receipt says full, and text-md5:10:7:8 of the source/], ['no digest', signed({ sourceDigest: null, targetDigest: null }), /^the receipt says full, and null/],
  ])('sees, of a receipt, %s', (_, receipt, words) => { expect(ofReceipt(facts({ receipt }), pem)).toEqual(expect.arrayContaining([expect.stringMatching(words)])); });
  it('sees a receipt of a run that failed', () => { expect(ofReceipt(facts({ state: 'failed' }), pem)).toEqual(['the run is failed, and has a receipt']); });
});
