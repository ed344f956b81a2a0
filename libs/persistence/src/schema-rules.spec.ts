import { describe, expect, it } from '@jest/globals';
import { type AppliedStep, type KnownStep, dueSteps, floorOf, judgeSchema } from './schema-rules.ts';

const adds = (name: string, release: number): KnownStep => ({ name, release, phase: 'expand' });
const takes = (name: string, release: number, lastNeededIn: number): KnownStep => ({ name, release, phase: 'contract', lastNeededIn });
const applied = (...steps: KnownStep[]): AppliedStep[] => steps.map((step) => ({ name: step.name, release: step.release, floor: floorOf(step) }));
const [one, two, three, old] = [adds('One', 1), adds('Two', 2), adds('Three', 3), takes('Old', 2, 1)];

describe('what a schema is to a release', () => {
  it.each<[string, AppliedStep[], KnownStep[], number, object]>([
    ['whole', applied(one, two), [one, two], 2, { state: 'current' }],
    ['empty', [], [one], 1, { state: 'older', missing: ['One'] }],
    ['begun and killed', applied(one), [one, adds('More', 1)], 1, { state: 'older', missing: ['More'] }],
    ['expanded by the next release', applied(one, two), [one], 1, { state: 'current' }],
    ['expanded by the one after the next', applied(one, two, three), [one], 1, { state: 'newer', found: 3, names: ['Three'] }],
    ['contracted by the next release', applied(one, two, old), [one], 1, { state: 'newer', found: 2, names: ['Old'] }],
    ['changed by somebody unknown', [...applied(one), { name: 'Foreign', release: null, floor: null }], [one], 1, { state: 'newer', found: null, names: ['Foreign'] }],
    ['of before databases remembered releases', [{ name: 'One', release: null, floor: null }], [one], 1, { state: 'current' }],
    ['a later release over a hole', applied(one, three), [one, two, three], 3, { state: 'half', later: 'Three', missing: ['Two'] }],
    ['expanded, and not yet contracted', applied(one, two), [one, two, old], 2, { state: 'current' }],
  ])('%s', (_, seen, known, release, verdict) => { expect(judgeSchema(seen, known, release)).toEqual(verdict); });
});

describe('what a phase runs', () => {
  const names = (steps: readonly KnownStep[]): string[] => steps.map(({ name }) => name);
  it('leaves in the expansion what the release before still needs', () => {
    expect(names(dueSteps([one, two, old], 'expand', 2))).toEqual(['One', 'Two']);
    expect(names(dueSteps([one, two, old], 'contract', 2))).toEqual(['One', 'Two', 'Old']);
  });
  it('takes away in a later expansion what nobody needs any more', () => { expect(names(dueSteps([one, two, old, three], 'expand', 3))).toEqual(['One', 'Two', 'Old', 'Three']); });
  it('never runs a contraction that does not say who needed it last', () => { expect(dueSteps([{ name: 'Sudden', release: 2, phase: 'contract' }], 'contract', 2)).toEqual([]); });
});
