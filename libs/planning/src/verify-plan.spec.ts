import { describe, expect, it } from '@jest/globals';
import type { LoadTask, Plan, PublishTask } from '@agent-etl/contracts';
import { planCopy } from './plan-copy.ts';
import { aCopyInput } from './testing.ts';
import { topologicalOrder } from './topology.ts';
import { verifyPlan } from './verify-plan.ts';

const good = (): Plan => (planCopy(aCopyInput()) as { plan: Plan }).plan;
const broken = (change: (parts: { plan: Plan; load: LoadTask; publish: PublishTask }) => void): string[] => {
  const plan = structuredClone(good());
  change({ plan, load: plan.tasks[0] as LoadTask, publish: plan.tasks[1] as PublishTask });
  return verifyPlan(plan, {}).issues.map(({ code }) => code);
};

describe('the verifier refuses', () => {
  it.each<[string, Parameters<typeof broken>[0], string]>([
    ['a cycle', ({ plan }) => { plan.edges.push(['publish', 'load']); }, 'graph.cycle'],
    ['an edge to nowhere', ({ plan }) => { plan.edges.push(['load', 'nowhere']); }, 'graph.cycle'],
    ['a publish that does not wait', ({ plan }) => { plan.edges = []; }, 'graph.edge'],
    ['a load without publish', ({ plan }) => { plan.tasks.pop(); plan.edges = []; }, 'graph.unpublished'],
    ['two loads of one target', ({ plan, load }) => { plan.tasks.push({ ...load, id: 'load_two' }); }, 'graph.two-loads'],
    ['tasks out of order', ({ plan }) => { plan.tasks.reverse(); }, 'graph.order'],
    ['a target that is the source', ({ load }) => { load.target = load.source; }, 'target.is-source'],
    ['another dataset than asked for', ({ load }) => { load.target = { ...load.target, dataset: 'mart.other' }; }, 'request.other-dataset'],
    ['a column that is not there', ({ load }) => { load.columns[0]!.source = 'ghost'; }, 'column.missing'],
    ['a column without a type', ({ load }) => { load.columns[0]!.targetNative = ''; }, 'column.unmapped'],
    ['two columns into one', ({ load }) => { load.columns[1]!.target = load.columns[0]!.target; }, 'column.twin'],
    ['frames between unequal types', ({ load }) => { load.columns[0]!.targetNative = 'integer'; }, 'carrier.frames'],
    ['frames hashed as text', ({ load }) => { load.digest = 'text-md5'; }, 'digest.kind'],
    ['too many pieces at once', ({ load }) => { load.chunks.parallel = 64; }, 'chunks.parallel'],
    ['another profile', ({ load }) => { load.sourceFingerprint = 'c'.repeat(64); }, 'profile.other-shape'],
    ['a rename over a table', ({ plan }) => { plan.profiles.target.exists = true; }, 'publish.exists'],
    ['a swap of nothing', ({ publish }) => { publish.how = 'swap'; }, 'publish.way'],
    ['a merge without key', ({ plan, publish }) => { plan.target.load = 'upsert'; publish.key = null; }, 'key.none'],
    ['a key that does not travel', ({ publish }) => { publish.key = ['ghost']; }, 'key.column'],
    ['a key with NULLs', ({ load, publish }) => { load.columns[0]!.nullable = true; publish.columns[0]!.nullable = true; }, 'key.nullable'],
    ['a name of 64 bytes', ({ load }) => { load.columns[0]!.target = 'é'.repeat(32); }, 'name.length'],
    ['our own schema', ({ plan }) => { plan.pipeline.to.dataset = '_etl.fence'; }, 'name.reserved'],
    ['a risk that is played down', ({ plan }) => { plan.risk = 'R0'; }, 'risk.class'],
    ['a choice without a reason', ({ plan }) => { plan.decisions.shift(); }, 'decision.missing'],
    ['a schedule that nobody asked for', ({ plan }) => { plan.schedule = { cron: '0 3 * * *' }; }, 'schedule.other'],
    ['a schedule that never comes', ({ plan }) => { plan.schedule = plan.pipeline.schedule = { cron: '0 0 31 2 *' }; }, 'schedule.cron'],
    ['a rename on a schedule', ({ plan }) => { plan.schedule = plan.pipeline.schedule = { cron: '0 3 * * *' }; }, 'schedule.once'],
    ['a schedule without its reasons', ({ plan }) => { plan.schedule = plan.pipeline.schedule = { cron: '0 3 * * *' }; }, 'decision.missing'],
  ])('%s', (_, change, code) => { expect(broken(change)).toContain(code); });

  it('anything that is not a plan', () => { expect(verifyPlan({} as Plan, {}).ok).toBe(false); });
});

it('orders a diamond and refuses a ring', () => {
  expect(topologicalOrder(['d', 'b', 'c', 'a'], [['a', 'b'], ['a', 'c'], ['b', 'd'], ['c', 'd']])).toEqual(['a', 'b', 'c', 'd']);
  expect(topologicalOrder(['a', 'b'], [['a', 'b'], ['b', 'a']])).toBeNull();
});
