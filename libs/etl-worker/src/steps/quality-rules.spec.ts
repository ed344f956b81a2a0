import { describe, expect, it } from '@jest/globals';
import { type AsideLimit, EtlError, type LoadTask, type Measuring, allowedRows } from '@agent-etl/contracts';
import { qualityOf } from './quality-rules.ts';

const columns = ['id', 'email'].map((target) => ({ target })) as LoadTask['columns'];
const measuring = (atMost: AsideLimit | null, atLeast: number | null = null): Measuring => ({ atLeast, checks: [{ check: { check: 'not_null', column: 'email' }, severity: 'warn', atMost }, { check: { check: 'unique', columns: ['id', 'email'] }, severity: 'error', atMost: null }] });
const measured = { rows: 200, nulls: [0, 4], broken: [4, 1] };
const told = (limits: Measuring): string => { try { return String(qualityOf(measured, limits, { columns }).score); } catch (error) { if (error instanceof EtlError) return `${error.code}: ${error.message}`; throw error; } };

describe('the quality of a load', () => {
  it('lets a share that is just met pass, whatever a double makes of it', () => {
    expect([0.29, 0.57, 2.01].map((percent) => allowedRows({ of: 'share', percent }, 10_000))).toEqual([29, 57, 201]);
    expect(allowedRows({ of: 'share', percent: 0.29 }, 50_000)).toBe(145);
  });
  it('is what was counted, by name, with its score', () => {
    expect(qualityOf(measured, measuring(null), { columns })).toEqual({ completeness: 0.99, validity: 0.98, consistency: 0.995, score: 0.9885, rows: 200, nulls: [{ column: 'email', nulls: 4 }], checks: [{ check: 'not_null:email', severity: 'warn', rows: 4 }, { check: 'unique:id,email', severity: 'error', rows: 1 }] });
  });
  it.each<[string, Measuring, string]>([
    ['at a limit of rows', measuring({ of: 'rows', rows: 4 }), '0.9885'], ['above one', measuring({ of: 'rows', rows: 3 }), 'data.quality-too-low: not_null:email: 4 of 200 rows break it; allowed: 3 rows.'],
    ['at a share', measuring({ of: 'share', percent: 2 }), '0.9885'], ['above one', measuring({ of: 'share', percent: 1.9 }), 'data.quality-too-low: not_null:email: 4 of 200 rows break it; allowed: 1.9 % of the rows.'],
    ['at the least score', measuring(null, 0.9885), '0.9885'], ['below it', measuring(null, 0.99), 'data.quality-too-low: the quality score: 0.9885; allowed: at least 0.99.'],
    ['just below it', measuring(null, 0.988_501), 'data.quality-too-low: the quality score: 0.9885; allowed: at least 0.988501.'],
  ])('%s', (_, limits, expected) => { expect(told(limits)).toBe(expected); });
});
