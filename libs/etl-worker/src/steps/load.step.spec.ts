import { describe, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import fc from 'fast-check';
import { AnAttempt, aCommand, aLoad } from '../testing/an-attempt.ts';
import { type Faults, ScriptedStore, digestOf } from '../testing/scripted-store.ts';

const writer = { runId: '00000000-0000-7000-8000-0000000000bb', task: 'load_a' };
const stagedIn = (store: ScriptedStore): number[] => [...store.stagingOf(writer).values()].flat().sort((a, b) => a - b);
const code = (error: unknown): string => (error instanceof EtlError ? error.code : String(error));
const failing = async (load: Promise<unknown>): Promise<string> => load.then(() => 'succeeded', code);

describe('a load', () => {
  it('stages every row once and sums the result from the ledger', async () => {
    const store = new ScriptedStore(1_000, 4);
    const result = await new AnAttempt(store).load();
    expect(stagedIn(store)).toEqual(store.rows);
    expect(result).toMatchObject({ read: 1_000, written: 1_000, chunks: 4, resumed: 0, digest: digestOf('pg-frame', store.rows) });
  });
  it.each([['heard', [], 'begin new'], ['unheard', ['picture-1'], 'begin same']] as const)('ends its picture once its outcome is %s, and leaves it to the attempt that has the task otherwise', async (outcome, left, begun) => {
    const attempt = new AnAttempt(new ScriptedStore(100, 4));
    const context = attempt.context(aCommand(aLoad()));
    await context.run();
    expect([...attempt.store.pictures.keys()]).toEqual(['picture-1']);
    await context.close(outcome);
    expect([...attempt.store.pictures.keys()]).toEqual(left);
    await attempt.load({}, 2);
    expect(attempt.store.trail.filter((step) => step.startsWith('begin')).at(-1)).toBe(begun);
  });
  it('hashes the whole source beside the copy only where its publish compares that', async () => {
    const [full, counts] = [new ScriptedStore(100, 4), new ScriptedStore(100, 4)];
    const text = { carrier: 'text', digest: 'text-md5' } as const;
    expect(await new AnAttempt(full).load({}, 1, aLoad(text))).toMatchObject({ written: 100, digest: digestOf('text-md5', full.rows) });
    expect(await new AnAttempt(counts).load({}, 1, aLoad({ ...text, level: 'counts' }))).toMatchObject({ written: 100, digest: null });
    expect([full.digests, counts.digests]).toEqual([1, 0]);
  });
  it.each([1, 2])('takes the sample of its source also where it has %i lanes, whatever the carrier', async (lanes) => {
    const store = new ScriptedStore(100, 4);
    const result = await new AnAttempt(store).load({ lanes }, 1, aLoad({ level: 'sampled', sample: { buckets: 256, key: ['id'] } }));
    expect([result.sample?.length, result.digest, store.digests]).toEqual([1, digestOf('text-md5', store.rows), 1]);
  });
  it('keeps the digest that is taken on the way, also where only counts are compared', async () => {
    const store = new ScriptedStore(100, 4);
    expect((await new AnAttempt(store).load({}, 1, aLoad({ level: 'counts' }))).digest).toEqual(digestOf('pg-frame', store.rows));
  });
  it('stores the cut and its picture before it reads the first byte', async () => {
    const store = new ScriptedStore(10, 2, { breaksAt: () => true });
    const attempt = new AnAttempt(store);
    expect(await failing(attempt.load())).toBe('connection.interrupted');
    expect(attempt.memory.cut).toMatchObject({ snapshot: 'picture-1', ranges: [{ key: 'piece-0' }, { key: 'piece-1' }] });
  });
  it('keeps the pieces of an earlier attempt, under the picture that they came from', async () => {
    const store = new ScriptedStore(100, 5, { breaksAt: ({ ordinal }) => ordinal === 3 });
    const first = new AnAttempt(store);
    await failing(first.load({}, 1, aLoad({ chunks: { by: 'ctid', count: 5, parallel: 1, targetBytes: 1 } })));
    store.faults = {};
    store.rows = [-1, ...store.rows];
    const before = store.reads;
    const result = await new AnAttempt(store, first.memory).load({}, 2);
    expect(result).toMatchObject({ read: 100, chunks: 5, resumed: 3 });
    expect(store.reads - before).toBe(2);
    expect(stagedIn(store)).toEqual(store.rows.slice(1));
  });
  it('starts over when the source has lost the picture, and never mixes two', async () => {
    const store = new ScriptedStore(100, 4, { breaksAt: ({ ordinal }) => ordinal === 2 });
    const first = new AnAttempt(store);
    await failing(first.load());
    store.faults = {};
    store.restart();
    store.rows = store.rows.map((row) => row + 1_000);
    const result = await new AnAttempt(store, first.memory).load({}, 2);
    expect(result).toMatchObject({ read: 100, resumed: 0, digest: digestOf('pg-frame', store.rows) });
    expect(stagedIn(store)).toEqual(store.rows);
    expect(store.trail.slice(-2)).toEqual(['begin new', 'start-over']);
  });
  it('takes a new picture in the same attempt when the source loses it in mid-copy', async () => {
    let strikes = 0;
    const store = new ScriptedStore(100, 4, { losesPictureAt: ({ ordinal }) => ordinal === 2 && (strikes += 1) === 1 });
    const result = await new AnAttempt(store).load();
    expect(result).toMatchObject({ read: 100, written: 100 });
    expect(stagedIn(store)).toEqual(store.rows);
  });
  it('gives up on a source that loses its picture every time', async () => {
    const store = new ScriptedStore(100, 4, { losesPictureAt: () => true });
    expect(await failing(new AnAttempt(store).load())).toBe('source.snapshot-lost');
  });
  it.each(['after', 'before'] as const)('counts a piece once when the answer to its commit was lost %s it happened', async (when) => {
    const store = new ScriptedStore(100, 4, { cutsCommitAt: ({ ordinal }, pass) => (ordinal === 1 && pass === 1 ? when : null) });
    expect(await new AnAttempt(store).load()).toMatchObject({ read: 100, written: 100 });
    expect(stagedIn(store)).toEqual(store.rows);
  });
  it('says that nothing is known when no commit is ever answered', async () => {
    const store = new ScriptedStore(100, 4, { cutsCommitAt: () => 'before' });
    expect(await failing(new AnAttempt(store).load())).toBe('sink.commit-unknown');
  });
  it('raises the fence again when somebody else raised it and its own claim stands', async () => {
    let strikes = 0;
    const store = new ScriptedStore(100, 4, { raisesAt: () => (strikes += 1) <= 3 });
    const attempt = new AnAttempt(store);
    expect(await attempt.load()).toMatchObject({ read: 100 });
    expect(stagedIn(store)).toEqual(store.rows);
  });
  it('calls it a conflict when somebody else raises the fence for ever', async () => {
    const store = new ScriptedStore(100, 4, { raisesAt: () => true });
    expect(await failing(new AnAttempt(store).load())).toBe('request.conflict');
  });
  it('stops without another commit when the claim is gone', async () => {
    const store = new ScriptedStore(100, 4, { raisesAt: ({ ordinal }) => ordinal === 1 });
    let beats = 0;
    const beat = (): Promise<void> => ((beats += 1) === 1 ? Promise.resolve() : Promise.reject(new EtlError('lease.lost')));
    expect(await failing(new AnAttempt(store).load({ beat }))).toBe('lease.lost');
  });
  it('stops at a piece boundary within the time a cancel has', async () => {
    const store = new ScriptedStore(100, 4, { readMs: 5_000 });
    const stop = new AbortController();
    const attempt = new AnAttempt(store);
    const ended = failing(attempt.load({ signal: stop.signal }));
    setTimeout(() => { stop.abort(new EtlError('run.cancelled', { reason: 'test' })); }, 50);
    const at = performance.now();
    expect(await ended).toBe('run.cancelled');
    expect(performance.now() - at).toBeLessThan(550);
    expect(stagedIn(store)).toEqual([]);
  });
  it('hashes beside the copy when the source cannot hash what it reads', async () => {
    const store = new ScriptedStore(100, 4);
    const result = await new AnAttempt(store).load({}, 1, aLoad({ digest: 'text-md5' }));
    expect(result.digest).toEqual(digestOf('text-md5', store.rows));
  });
  it('says in its progress what is committed and what is on its way, and never goes back while nothing breaks', async () => {
    const store = new ScriptedStore(100, 4);
    const attempt = new AnAttempt(store);
    await attempt.load({}, 1, aLoad({ expectedRows: 90 }));
    const rows = attempt.progress.map((progress) => progress.rows);
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(attempt.progress.at(-1)).toMatchObject({ phase: 'proving', rows: 100, totalRows: 100, chunksDone: 4, chunks: 4 });
  });
  it('starts over when an attempt comes after staging was dropped, although the ledger still has rows', async () => {
    const store = new ScriptedStore(100, 4, { breaksAt: ({ ordinal }) => ordinal === 3 });
    const attempt = new AnAttempt(store);
    await failing(attempt.load());
    await attempt.context(aCommand(aLoad())).cleanUp();
    expect(stagedIn(store)).toEqual([]);
    store.faults = {};
    expect(await attempt.load({}, 2)).toMatchObject({ read: 100, resumed: 0 });
    expect(stagedIn(store)).toEqual(store.rows);
  });
  it('is exact for any number of attempts that break anywhere', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.record({
      breaks: fc.nat(5), cut: fc.nat(5), after: fc.boolean(), raise: fc.nat(9), restart: fc.boolean() }), { minLength: 1, maxLength: 4 }), async (attempts) => {
      const store = new ScriptedStore(60, 6);
      const memory = { cut: null };
      let attempt = 0;
      for (const fault of attempts) {
        store.faults = faultsOf(fault);
        if (fault.restart) store.restart();
        await failing(new AnAttempt(store, memory).load({}, attempt += 1));
      }
      store.faults = {};
      const result = await new AnAttempt(store, memory).load({}, attempt + 1);
      expect(stagedIn(store)).toEqual(store.rows);
      expect(result).toMatchObject({ read: 60, written: 60, digest: digestOf('pg-frame', store.rows) });
    }), { numRuns: 60 });
  });
});

const faultsOf = (fault: { breaks: number; cut: number; after: boolean; raise: number }): Faults => ({
  breaksAt: ({ ordinal }) => ordinal === fault.breaks,
  cutsCommitAt: ({ ordinal }, pass) => (ordinal === fault.cut && pass === 1 ? (fault.after ? 'after' : 'before') : null),
  raisesAt: ({ ordinal }, pass) => ordinal === fault.raise && pass === 1,
});
