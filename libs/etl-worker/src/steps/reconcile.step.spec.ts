import { expect, it } from '@jest/globals';
import type { HashedRow } from '@agent-etl/connectors';
import { type PublishTask, type ReconcileTask, addDigests } from '@agent-etl/contracts';
import { aLoad, aPublish } from '../testing/an-attempt.ts';
import { runReconcile } from './reconcile.step.ts';
import type { StepContext } from './step-context.ts';

type Row = readonly [key: string, hash: number];
/** An end whose rows are keys with a hash each; its digest is their sum, and each key is a bucket. */
const end = (rows: readonly Row[]) => {
  const digest = addDigests('text-md5', rows.map(([, hash]) => ({ kind: 'text-md5' as const, rows: 1, a: String(hash), b: '0' })));
  const hashed = () => ({
    buckets: async () => [...Map.groupBy(rows, ([key]) => key)].map(([bucket, of]) => ({ bucket, rows: of.length, a: String(of.reduce((sum, [, hash]) => sum + hash, 0)), b: '0' })),
    rows: async (buckets: readonly string[], limit: number): Promise<HashedRow[]> => rows.filter(([key]) => buckets.includes(key)).slice(0, limit).map(([key, hash]) => ({ key: [key], hash: String(hash) })),
  });
  return { digest: async () => digest, current: async () => digest, hashed, cut: async () => [], close: async () => undefined };
};
function reconciled(source: readonly Row[], target: readonly Row[], over: Partial<PublishTask>) {
  const [from, into] = [end(source), end(target)];
  const context = { signal: new AbortController().signal, report: () => undefined,
    open: async (name: string) => (name === 'from' ? { source: { begin: async () => from }, profile: async () => ({ primaryKey: ['id'], uniqueKeys: [] }) } : { sink: into }) } as unknown as StepContext;
  return runReconcile(context, { id: 'reconcile', kind: 'reconcile', load: aLoad(), publish: aPublish({ digest: 'text-md5', ...over }), source: aLoad().source, target: aPublish().target } as unknown as ReconcileTask);
}
const source: Row[] = [['1', 10], ['2', 20], ['3', 30]];
const grown: Row[] = [...source, ['8', 80], ['9', 90]];

it.each(['upsert', 'scd2'] as const)('takes rows that vanished for kept where %s deletes nothing, and says how many they are', async (how) => {
  expect(await reconciled(source, grown, { how })).toMatchObject({ kind: 'reconcile', kept: 2 });
  expect(await reconciled(source, source, { how })).not.toHaveProperty('kept');
});
it.each<[string, Row[], Row[], Partial<PublishTask>]>([
  ['where the pipeline closes what vanished', source, grown, { how: 'scd2', vanished: { then: 'close', atMost: 1 } as PublishTask['vanished'] }], ['where a load replaces its target', source, grown, { how: 'swap' }],
  ['where a value changed beside them', [['1', 11], ['2', 20], ['3', 30]], grown, { how: 'scd2' }], ['where a row is missing beside them', [...source, ['4', 40]], grown, { how: 'scd2' }],
  ['where a row of the source stands there twice', source, [...source, ['3', 31]], { how: 'upsert' }],
])('names them %s', async (_, from, into, over) => { await expect(reconciled(from, into, over)).rejects.toMatchObject({ code: 'sink.reconcile-mismatch' }); });
