import { describe, expect, it } from '@jest/globals';
import type { LiveRunView } from '@agent-etl/contracts';
import { clock, duration, exact, short } from './format.ts';
import { digestWords, shareOf, speedOf, summarise, toneOf } from './run-words.ts';

const run = (state: LiveRunView['state'], more: Partial<LiveRunView> = {}): LiveRunView => ({ state, rows: 0, totalRows: null, rowsPerSecond: 0, receipt: null, tasks: [], ...more } as unknown as LiveRunView);

describe('the words of the runs page', () => {
  it('says what is wrong first', () => { expect(summarise([run('succeeded'), run('running'), run('failed'), run('succeeded')]).title).toBe('1 red, 1 running, 2 green'); });
  it('says so when nothing has run', () => { expect(summarise([]).title).toBe('Nothing has run yet'); });
  it('never shows a moving run as complete', () => { expect([shareOf(run('running', { rows: 10, totalRows: 10 })), shareOf(run('succeeded')), shareOf(run('running'))]).toEqual([0.99, 1, null]); });
  it('adds up the speed of what moves only', () => { expect(speedOf([run('running', { rowsPerSecond: 5 }), run('succeeded', { rowsPerSecond: 9 })])).toBe(5); });
  it.each([
    ['both digests', { level: 'full', sourceDigest: 'pg-frame:9:1234567:7654321', targetDigest: 'pg-frame:9:1234567:7654321' }, { source: 'pg-frame:234567…654321', target: 'pg-frame:234567…654321', verdict: 'equal', tone: 'ok' }],
    ['none', { level: 'counts', sourceDigest: null, targetDigest: null }, { source: 'not taken', target: 'not taken', verdict: 'rows equal', tone: 'ok' }],
    ['what was hashed on the way', { level: 'counts', sourceDigest: 'pg-frame:9:1:2', targetDigest: null }, { source: 'pg-frame:1…2', target: 'not taken', verdict: 'rows equal', tone: 'ok' }],
    ['what an earlier release wrote for none', { level: 'counts', sourceDigest: 'text-md5:9:1:2', targetDigest: 'text-md5:9:0:0' }, { source: 'text-md5:1…2', target: 'not taken', verdict: 'rows equal', tone: 'ok' }],
  ] as const)('says of the digests of a receipt with %s what was compared', (_, receipt, words) => { expect(digestWords(receipt)).toEqual(words); });
  it.each([['succeeded', 'ok'], ['failed', 'bad'], ['running', 'run'], ['cancelled', 'idle'], ['waiting', 'idle']] as const)('gives %s the tone %s', (state, tone) => { expect(toneOf(state)).toBe(tone); });
  it.each([[1_840, '1.8 s'], [42_000, '42 s'], [190_000, '3m 10s'], [7_800_000, '2h 10m']])('writes %i ms as %s', (ms, text) => { expect(duration(ms)).toBe(text); });
  it('writes proved rows with every digit and many rows with three', () => { expect([exact(2_984_094), short(2_984_094), short(9_999)]).toEqual(['2,984,094', '2.98\u2009M', '9,999']); });
  it('adds the day to an hour that is not today', () => { expect(clock('2026-11-20T10:00:00Z', Date.parse('2026-11-24T10:00:00Z'))).toContain('20 Nov'); });
});
