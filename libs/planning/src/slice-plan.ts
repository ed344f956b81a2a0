import { type Decision, EtlError, type LoadTask, type Plan, type PublishTask, type Slice } from '@agent-etl/contracts';
import { decide, named } from './decide.ts';

export interface SlicePlan { readonly tasks: [LoadTask, PublishTask]; readonly decisions: readonly Decision[] }

/** What reads a slice of a planned source again, by the approved plan: its columns, types and proof, but no position and no pieces of the whole.
 * @throws EtlError `plan.refused` with the reason when nothing tells the rows of a slice */
export function sliceTasks({ tasks, target, pipeline }: Plan, { from, to }: Pick<Slice, 'from' | 'to'>): SlicePlan {
  const load = tasks.find((task) => task.kind === 'load');
  const publish = tasks.find((task) => task.kind === 'publish');
  if (!load?.cursor || !publish) {
    throw new EtlError('plan.refused', { rule: 'a backfill needs a cursor', explanation: `${pipeline.name} reads its source whole, since no column says when a row changed or its target cannot be merged into`,
      next: `name one as from.cursor and run it, or read everything again: agent-etl run ${pipeline.name}` });
  }
  if (target.load === 'scd2') {
    throw new EtlError('plan.refused', { rule: 'a backfill keeps no versions', explanation: `${pipeline.name} writes a history, and a row that is read again would have to be told from each of its versions`,
      next: `read everything again without from.cursor: what differs from the versions that stand now becomes new ones` });
  }
  const slice: Slice = { column: load.cursor.column, kind: load.cursor.kind, from, to };
  const { how, key, decision } = wayOf({ target, publish });
  const [{ cursor: _, expectedRows: __, level: ___, ...read }, { cursor: ____, ...write }] = [load, publish];
  return { decisions: [decision], tasks: [
    { ...read, chunks: { ...load.chunks, by: 'cursor', count: 1 }, slice },
    { ...write, how, key, level: 'full', slice }] };
}

function wayOf({ target: { load, key: merged }, publish }: Pick<Plan, 'target'> & { publish: PublishTask }): Pick<PublishTask, 'how' | 'key'> & { decision: Decision } {
  const key = publish.key ?? merged ?? null;
  if (load === 'replace' || !key) {
    return { how: 'replace-slice', key, decision: decide('publish', 'replace the slice', {
      why: load === 'replace' ? ['takes-all', 'The pipeline replaces what its target holds: in the slice, too, rows that the source deleted go.'] : ['no-key', 'No key names a row: rows of the slice go and come in one transaction.'],
      rejected: [['upsert', load === 'replace' ? 'What was deleted at the source would stay.' : 'It needs a key.']] }) };
  }
  return { how: 'upsert', key, decision: decide('publish', `upsert by ${key.join(', ')}`, {
    why: ['none-goes', `${named(key)} names a row: rows of the slice are added and mended, and each is compared afterwards. None goes.`],
    rejected: [['replace the slice', 'A row that changed at the source after the slice, and is not read yet, would be gone until it is. What was deleted there is only counted.']] }) };
}
