import { describe, expect, it } from '@jest/globals';
import { EtlError, type LoadResult, type PublishResult } from '@agent-etl/contracts';
import { AnAttempt, aCommand, aPublish } from '../testing/an-attempt.ts';
import { ScriptedStore, digestOf } from '../testing/scripted-store.ts';

const publish = (store: ScriptedStore, load: LoadResult | null, over = {}): Promise<PublishResult> =>
  new AnAttempt(store).context(aCommand(aPublish(over), { load })).run() as Promise<PublishResult>;
const loaded = async (rows = 50): Promise<{ store: ScriptedStore; load: LoadResult }> => {
  const store = new ScriptedStore(rows, 4);
  return { store, load: await new AnAttempt(store).load() };
};

describe('a publish', () => {
  it('makes the staged rows visible and answers both digests', async () => {
    const { store, load } = await loaded();
    const result = await publish(store, load);
    expect(result).toMatchObject({ published: 50, level: 'full', sourceDigest: load.digest, targetDigest: digestOf('pg-frame', store.rows) });
    expect([...store.published].sort((a, b) => a - b)).toEqual(store.rows);
  });
  it('answers what the ledger says when an earlier attempt had published already', async () => {
    const { store, load } = await loaded();
    const first = await publish(store, load);
    expect(await publish(store, load)).toMatchObject({ published: 50, targetDigest: first.targetDigest });
    expect(store.published).toHaveLength(50);
  });
  it('publishes nothing when one row was doubled and another lost, and names both digests', async () => {
    const { store, load } = await loaded();
    store.faults = { spoilsStaging: true };
    await expect(publish(store, load)).rejects.toThrow(/source pg-frame:50:1275:42925, target pg-frame:50:1276:42928/);
    expect(store.published).toEqual([]);
  });
  it('publishes nothing when the ledger has other rows than the load reported', async () => {
    const { store, load } = await loaded();
    await expect(publish(store, { ...load, written: 49, read: 49 })).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
    expect(store.published).toEqual([]);
  });
  it('compares counts only where the plan says so', async () => {
    const { store, load } = await loaded();
    store.faults = { spoilsStaging: true };
    expect(await publish(store, load, { level: 'counts' })).toMatchObject({ level: 'counts', published: 50, sourceDigest: load.digest, targetDigest: null });
    expect(await publish(store, load, { level: 'counts' })).toMatchObject({ published: 50, targetDigest: null }); // again, by the ledger of the first
  });
  it('publishes by counts what was loaded without a digest, and nothing by a proof in full', async () => {
    const { store, load } = await loaded();
    await expect(publish(store, { ...load, digest: null })).rejects.toThrow('a proof in full needs the digests of both ends');
    expect(store.published).toEqual([]);
    expect(await publish(store, { ...load, digest: null }, { level: 'counts' })).toMatchObject({ published: 50, sourceDigest: null, targetDigest: null });
  });
  it('publishes nothing by counts when staging has other rows than were loaded', async () => {
    const { store, load } = await loaded();
    await expect(publish(store, { ...load, digest: null, written: 49, read: 49 }, { level: 'counts' })).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' });
  });
  it('needs the result of its load', async () => {
    await expect(publish(new ScriptedStore(1, 1), null)).rejects.toBeInstanceOf(EtlError);
  });
  it('publishes an empty source', async () => {
    const { store, load } = await loaded(0);
    expect(await publish(store, load)).toMatchObject({ published: 0 });
  });
});
