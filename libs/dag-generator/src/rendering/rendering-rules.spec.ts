import { describe, expect, it } from '@jest/globals';
import { DEFAULT_TENANT, EtlError, toFailure } from '@agent-etl/contracts';
import { afterFailure, asError, tenantLabel } from './rendering-rules.ts';

describe('afterFailure', () => {
  it('tries again what may pass by itself, later each time, five times in all', () => {
    const full = new EtlError('platform.disk-full', { what: 'DAG files' });
    expect([1, 2, 3, 4].map((tries) => afterFailure(full, tries))).toEqual([1000, 4000, 16_000, 64_000].map((inMs) => ({ then: 'again', inMs })));
    expect(afterFailure(full, 5)).toMatchObject({ then: 'failed', failure: { code: 'platform.disk-full' } });
  });
  it('ends at once what a second try would not change', () => {
    expect(afterFailure(new EtlError('dag.invalid', { field: 'owner', problem: 'holds a comma' }), 1)).toMatchObject({ then: 'failed', failure: { code: 'dag.invalid' } });
  });
  it('keeps the words of a foreign error to itself', () => {
    expect(afterFailure(new Error('password=hunter2'), 5)).toMatchObject({ then: 'failed', failure: { code: 'platform.internal', text: expect.not.stringContaining('hunter2') } });
  });
});
describe('asError', () => {
  it('says a kept failure in the words it had', () => {
    const failure = toFailure(new EtlError('dag.invalid', { field: 'owner', problem: 'holds a comma' }));
    expect(toFailure(asError(failure))).toEqual(failure);
  });
});
describe('tenantLabel', () => {
  it('is short for the only tenant and unique for every other', () => {
    expect(tenantLabel(DEFAULT_TENANT.id)).toBe('default');
    expect(tenantLabel('0193a1b2-0000-7000-8000-000000000002')).toBe('t_0193a1b2000070008000000000000002');
  });
});
