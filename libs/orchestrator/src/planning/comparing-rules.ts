import type { Plan, ReconcileTask } from '@agent-etl/contracts';

/** What a plan says of its ends, as one task that only compares them whole, also where its runs read only what changed or compare only a sample. Null when it has no load and publish. */
export function comparing({ tasks }: Plan): ReconcileTask | null {
  const load = tasks.find((task) => task.kind === 'load');
  const publish = tasks.find((task) => task.kind === 'publish');
  if (!load || !publish) return null;
  const [{ cursor: _, level: __, sample: ___, ...whole }, { cursor: ____, sample: _____, ...readBack }] = [load, publish];
  const chunks = load.chunks.by === 'cursor' ? { ...load.chunks, by: 'whole' as const, count: 1 } : load.chunks;
  return { id: 'reconcile', kind: 'reconcile', source: load.source, target: publish.target, load: { ...whole, chunks }, publish: { ...readBack, level: 'full' } };
}
