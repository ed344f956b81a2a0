import { describe, expect, it } from '@jest/globals';
import type { Plan } from '@agent-etl/contracts';
import { planCopy } from './plan-copy.ts';
import { sliceTasks } from './slice-plan.ts';
import { aCopyInput, aPipeline, aProfile } from './testing.ts';

const slice = { from: '2026-03-01T00:00:00.000Z', to: '2026-03-02T00:00:00.000Z' };
function planOf(more: Parameters<typeof aCopyInput>[0] = {}): Plan {
  const planned = planCopy(aCopyInput(more));
  if ('questions' in planned) throw new Error('asks');
  return planned.plan;
}
const to = (load: 'replace' | 'append' | 'upsert' | 'scd2') => ({ pipeline: aPipeline({ to: { connection: 'warehouse' as never, dataset: 'mart.flights', load } }) });

describe('a slice of a plan', () => {
  it('keeps columns, types and proof, and has neither position nor pieces of the whole', () => {
    const plan = planOf();
    const { tasks: [load, publish], decisions } = sliceTasks(plan, slice);
    expect([load.cursor, publish.cursor, load.expectedRows, load.level]).toEqual([undefined, undefined, undefined, undefined]);
    expect([load.slice, publish.slice]).toEqual([{ column: 'updated_at', kind: 'tstz', ...slice }, { column: 'updated_at', kind: 'tstz', ...slice }]);
    expect([load.columns, load.digest, load.chunks.by, publish.how, publish.key, publish.level]).toEqual([plan.tasks[0]!.columns, plan.tasks[0]!.digest, 'cursor', 'upsert', ['flight_id'], 'full']);
    expect(decisions).toMatchObject([{ question: 'publish', choice: 'upsert by flight_id', rejected: [{ choice: 'replace the slice' }] }]);
  });
  it('takes deletes over where the pipeline replaces', () => { expect(sliceTasks(planOf(to('replace')), slice)).toMatchObject({ tasks: [{}, { how: 'replace-slice' }], decisions: [{ reason: { code: 'takes-all' } }] }); });
  it('is refused of a history: an upsert would change every version of a row', () => { expect(() => sliceTasks(planOf(to('scd2')), slice)).toThrow('keeps no versions'); });
  it.each([
    ['no column says when a row changed', { source: aProfile({ indexes: [['flight_id']] }) }], ['no key names a row', { source: aProfile({ primaryKey: null }) }],
  ])('is refused where %s', (_, more) => { expect(() => sliceTasks(planOf(more), slice)).toThrow('needs a cursor'); });
});
