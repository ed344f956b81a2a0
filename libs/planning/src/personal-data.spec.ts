import { describe, expect, it } from '@jest/globals';
import { type Expr, type LineageColumn, type LoadTask, type Pipeline, type Plan, type Policy, EtlError } from '@agent-etl/contracts';
import { fuseSteps, type LoweredStep } from '@agent-etl/sql-safety';
import { lineageOf } from './lineage.ts';
import { planCopy } from './plan-copy.ts';
import { planView } from './plan-view.ts';
import { aCopyInput, aPipeline, aProfile } from './testing.ts';
import { transformed } from './transformed.ts';
import { verifyPlan } from './verify-plan.ts';

const from = (pii?: string[]): Pipeline['from'] => ({ ...aPipeline().from, ...(pii ? { pii } : {}) });
const col = (name: string): Expr => ({ k: 'col', name });
const nowhere: Policy = { pii: { clearIn: [] } };
function planned({ steps = [], pii = ['origin'], policy = {}, more = {} }: { readonly steps?: readonly LoweredStep[]; readonly pii?: string[]; readonly policy?: Policy; readonly more?: Partial<Pipeline> }): Plan {
  const source = aProfile();
  const behind = steps.length ? transformed(source, fuseSteps(steps, new Map(source.columns.map(({ name, type }) => [name, type])))) : { source };
  const answer = planCopy(aCopyInput({ pipeline: aPipeline({ from: from(pii), ...written(steps), ...more }), policy, ...behind }));
  if ('questions' in answer) throw new Error('asks');
  return answer.plan;
}
const issues = (plan: Plan, policy: Policy): string[] => verifyPlan(plan, policy).issues.map(({ code, path }) => `${code} ${path}`);
/** What the steps say is read elsewhere; here they only have to be there. */
const written = (steps: readonly LoweredStep[]): Partial<Pipeline> => (steps.length ? { steps: [{ drop: ['x'] }] } : {});
const mask: LoweredStep = { op: 'mask', column: 'origin', method: 'sha256', value: null };
const route: LoweredStep = { op: 'derive', columns: [{ as: 'route', expr: { k: 'bin', op: '||', l: col('origin'), r: col('destination') } }] };

describe('the key of a mask', () => {
  const under = (key: string): Plan => planned({ steps: [{ op: 'mask', column: 'origin', method: 'hmac', value: null, key }], more: { steps: [{ mask: { column: 'origin', method: 'hmac', keyRef: key } }] } });
  const refused = (key: string, keys?: string[]): boolean => issues(under(key), keys ? { masking: { keys } } : {}).includes('policy.mask-key /pipeline/steps/0/mask/keyRef');
  it.each<[string, string[] | undefined, boolean]>([
    ['secret://masking#key', undefined, true], ['secret://masking#old', undefined, true], ['secret://masking/people#key', undefined, true], ['secret://masking', undefined, true], ['secret://warehouse#password', undefined, false], ['secret://maskings#key', undefined, false], ['secret://x/masking#key', undefined, false],
    ['secret://masking#key', [], false], ['secret://hr#pepper', ['secret://hr#pepper'], true], ['secret://hr#password', ['secret://hr#pepper'], false], ['secret://hr#pepper', ['secret://hr'], true], ['secret://hr/x#pepper', ['secret://hr'], false], ['secret://hr/x/y#k', ['secret://hr/'], true], ['secret://masking#key', ['secret://hr/'], false],
  ])('%s under %j: allowed %s', (key, keys, isAllowed) => { expect(refused(key, keys)).toBe(!isAllowed); });
  it.each<[string[] | undefined, string]>([
    [undefined, 'where agent-etl.yaml has no policy.masking.keys, it is secret://masking and all beneath secret://masking/.'],
    [['secret://hr#pepper', 'secret://people/'], 'policy.masking.keys allows secret://hr#pepper and all beneath secret://people/.'], [[], 'policy.masking.keys allows none.'],
  ])('says under %j which may be, and who says so', (keys, says) => {
    expect(verifyPlan(under('secret://warehouse#password'), keys ? { masking: { keys } } : {}).issues).toContainEqual(expect.objectContaining({ code: 'policy.mask-key', text: `secret://warehouse#password may not be the key of a mask: ${says}` }));
  });
  it('is refused in the task itself where a changed plan hides it behind an honest request', () => {
    const plan = under('secret://masking#key');
    const forged = { ...plan, tasks: JSON.parse(JSON.stringify(plan.tasks).replaceAll('secret://masking#key', 'secret://warehouse#password')) as Plan['tasks'] };
    expect(issues(forged, {})).toContain('policy.mask-key /tasks/load/transform');
  });
});
describe('personal data', () => {
  it('is refused in a target that may not hold it, whatever its column is called', () => {
    expect(issues(planned({}), nowhere)).toEqual(['policy.pii /tasks/load/columns/origin']);
    expect(issues(planned({ steps: [route, mask, { op: 'rename', names: new Map([['route', 'way']]) }] }), nowhere)).toEqual(['policy.pii /tasks/load/columns/way']);
  });
  it('may go where the policy says, masked anywhere, and nowhere by count alone', () => {
    expect(issues(planned({}), { pii: { clearIn: ['warehouse'] } })).toEqual([]);
    expect(issues(planned({ steps: [mask, route] }), nowhere)).toEqual([]);
    expect(issues(planned({ steps: [{ op: 'drop', columns: ['origin'] }] }), nowhere)).toEqual([]);
    expect(issues(planned({ steps: [{ op: 'group', by: ['destination'], measures: [{ as: 'n', fn: 'count_distinct', arg: col('origin'), where: null }] }] }), nowhere)).toEqual([]);
    expect(issues(planned({ steps: [{ op: 'group', by: ['origin'], measures: [{ as: 'n', fn: 'count', arg: null, where: null }] }] }), nowhere)).toEqual(['policy.pii /tasks/load/columns/origin']);
  });
  it('is not hidden by a plan that was changed: the verifier reads the task itself', () => {
    const plan = planned({ steps: [mask] });
    const forged = JSON.parse(JSON.stringify(plan).replace(/"k":"mask","e":\{"k":"col","name":"origin"\},"method":"sha256","v":null/, '"k":"call","fn":"sha256","args":[{"k":"col","name":"ORIGIN"}]')) as Plan;
    expect(JSON.stringify(forged)).not.toBe(JSON.stringify(plan));
    expect(issues(forged, nowhere)).toEqual(['policy.pii /tasks/load/columns/origin']);
    expect(issues({ ...plan, pipeline: { ...plan.pipeline, from: from(['orign']) } }, nowhere)).toEqual(['policy.pii /pipeline/from/pii']);
  });
  it('is as personal where the steps read the source once more beside itself', () => {
    const plan = planned({ steps: [mask] });
    const { columns, connection, dataset, fingerprint, options } = aProfile();
    const load = plan.tasks.find(({ kind }) => kind === 'load') as LoadTask;
    const again = (spelled: string): LineageColumn[] => lineageOf({ ...load, columns: load.columns.filter(({ source }) => source === 'origin'),
      transform: { ...load.transform!, inputs: [{ source: { connection, dataset: spelled }, columns, unread: [], fingerprint, options }], stages: [...load.transform!.stages, { op: 'union', inputs: [0], distinct: false }] } }, ['origin']);
    const [schema, table] = dataset.split('.');
    for (const spelled of [dataset, `"${schema}"."${table}"`]) expect(again(spelled)).toMatchObject([{ column: 'origin', pii: ['origin'], masked: [] }]);
    expect(again(`${dataset}_of_last_year`)).toMatchObject([{ pii: [], masked: ['origin'] }]);
  });
  it('does not stand in quarantine where it may not stand in the target', () => {
    expect(issues(planned({ steps: [mask], more: { onFail: { quarantine: {} } } }), nowhere)).toContain('policy.pii /pipeline/onFail');
    expect(issues(planned({ steps: [mask], more: { onFail: { quarantine: {} } } }), { pii: { clearIn: ['warehouse'] } })).not.toContain('policy.pii /pipeline/onFail');
  });
  it('is told in the plan, as a decision, as a risk, and column by column', () => {
    const plan = planned({ steps: [route] });
    expect(plan.decisions.find(({ question }) => question === 'personal data')).toMatchObject({ choice: 'arrives as it is', by: 'person' });
    expect(plan.risks).toEqual(['`origin` holds personal data of `origin` as it is, in warehouse.mart.flights.', '`route` holds personal data of `origin` as it is, in warehouse.mart.flights.']);
    const view = (each: Plan) => planView(each, { planId: 'a'.repeat(64) as never, requestId: null, status: 'proposed', verdict: { ok: true, issues: [] }, questions: [], createdAt: '2026-11-30T00:00:00.000Z' }).lineage?.filter(({ column }) => ['origin', 'route', 'delay_min'].includes(column));
    expect(view(plan)).toEqual([{ column: 'delay_min', from: ['delay_min'], pii: [], masked: [] }, { column: 'origin', from: ['origin'], pii: ['origin'], masked: [] }, { column: 'route', from: ['destination', 'origin'], pii: ['origin'], masked: [] }]);
    expect(view(planned({ steps: [mask, route] }))?.slice(1)).toEqual([{ column: 'origin', from: ['origin'], pii: [], masked: ['origin'] }, { column: 'route', from: ['destination', 'origin'], pii: [], masked: ['origin'] }]);
  });
  it('that is misspelled is refused, and what only looks like it is told where a policy asks', () => {
    expect(() => planned({ pii: ['orign'] })).toThrow(EtlError);
    const source = aProfile({ columns: aProfile().columns.map((column) => (column.name === 'origin' ? { ...column, name: 'passenger_email' } : column)) });
    const answer = planCopy(aCopyInput({ source, policy: nowhere }));
    expect('plan' in answer ? answer.plan.risks : []).toEqual(['`passenger_email` looks like personal data by name and is not in from.pii: nothing follows it.']);
  });
});
