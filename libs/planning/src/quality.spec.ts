import { describe, expect, it } from '@jest/globals';
import { type Pipeline, type Plan, EtlError } from '@agent-etl/contracts';
import { planCopy } from './plan-copy.ts';
import { aCopyInput, aPipeline, aProfile } from './testing.ts';
import { verifyPlan } from './verify-plan.ts';

const planned = (more: Partial<Pipeline>, connector = 'postgres'): Plan => {
  const answer = planCopy(aCopyInput({ pipeline: aPipeline(more), source: aProfile({ connector }) }));
  if ('questions' in answer) throw new Error('asks');
  return answer.plan;
};
const loadOf = ({ tasks }: Plan) => tasks.flatMap((task) => (task.kind === 'load' ? [task] : []))[0]!;
const codeOf = (work: () => unknown): string => { try { work(); } catch (error) { if (error instanceof EtlError) return error.code; throw error; } return 'accepted'; };
const warn: Pipeline['checks'] = [{ range: { column: 'delay_min', from: 0 }, severity: 'warn', atMost: '2%' }];

describe('quality', () => {
  it('is counted where somebody asks, and a check that warns judges no row: binary frames still pass', () => {
    expect(loadOf(planned({})).measuring).toBeUndefined();
    const plan = planned({ checks: warn });
    expect([loadOf(plan).judging, loadOf(plan).carrier, loadOf(plan).measuring]).toEqual([undefined, 'frames', { atLeast: null, checks: [{ check: { check: 'range', column: 'delay_min', from: '0' }, severity: 'warn', atMost: { of: 'share', percent: 2 } }] }]);
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
  });
  it('counts checks that judge as well, and keeps the least score', () => {
    const plan = planned({ checks: [{ not_null: ['origin'] }, ...warn], quality: { atLeast: 0.9 } });
    expect([loadOf(plan).judging?.checks.length, loadOf(plan).measuring?.checks.map(({ severity }) => severity), loadOf(plan).measuring?.atLeast]).toEqual([1, ['error', 'warn'], 0.9]);
    expect(verifyPlan(plan, {})).toEqual({ ok: true, issues: [] });
  });
  it('is refused where it has no place', () => {
    expect(codeOf(() => planned({ checks: [{ not_null: ['origin'], atMost: 3 }] }))).toBe('request.invalid');
    expect(codeOf(() => planned({ checks: [{ not_null: ['orgin'], severity: 'warn' }] }))).toBe('request.invalid');
    expect(codeOf(() => planned({ quality: {} }, 'mysql'))).toBe('request.unsupported');
  });
  it('is what was asked for, also in a plan that was changed', () => {
    const plan = planned({ checks: warn, quality: { atLeast: 0.9 } });
    const changed = (measuring: unknown): Plan => ({ ...plan, tasks: plan.tasks.map((task) => (task.kind === 'load' ? { ...task, measuring } : task)) } as Plan);
    const codes = (each: Plan): string[] => verifyPlan(each, {}).issues.map(({ code }) => code);
    expect(codes(changed({ ...loadOf(plan).measuring, atLeast: 0.1 }))).toContain('quality.other');
    expect(codes(changed(undefined))).toContain('quality.other');
    expect(codes(changed({ ...loadOf(plan).measuring, checks: [] }))).toContain('quality.other');
    const [check] = loadOf(plan).measuring!.checks;
    for (const other of [{ ...check, atMost: null }, { ...check, atMost: { of: 'share', percent: 90 } }, { ...check, severity: 'error' }, { ...check, check: { check: 'range', column: 'delay_min', from: '-9999' } }, { ...check, check: { check: 'range', column: 'distance', from: '0' } }]) {
      expect(codes(changed({ ...loadOf(plan).measuring, checks: [other] }))).toContain('quality.other');
    }
  });
});
