import { describe, expect, it } from '@jest/globals';
import type { ColumnSketch, DatasetProfile } from '@agent-etl/contracts';
import { barsText, distinctText, profileScreen } from './profile-screen.ts';

const column = (more: Partial<ColumnSketch>): ColumnSketch => ({
  name: 'id', kind: 'i64', native: 'bigint', nulls: 0, measure: 'value', min: '1', max: '700', distinct: { estimate: 700, low: 690, high: 710, by: 'linear-counting' }, histogram: { from: 0, width: 64, counts: [1, 0, 8] }, beyond: 0, ...more });

describe('a histogram in a line', () => {
  it.each([[[1], '█'], [[1, 0, 8], '▂ █'], [[0, 0, 1_000_000, 1], '  █▁'], [Array.from({ length: 32 }, () => 1), '█'.repeat(16)], [Array.from({ length: 20 }, (_, index) => (index === 19 ? 5 : 0)), '         █']])('%j', (counts, text) => { expect(barsText(counts)).toBe(text); });
});
describe('distinct values', () => {
  it.each([[3, 3, 3, '3'], [1000, 990, 1020, '1,000 ±2.0 %'], [7, 7, 8, '7 to 8'], [200, 100, 400, '200 ±100 %']])('%d between %d and %d', (estimate, low, high, text) => { expect(distinctText({ estimate, low, high, by: 'minima' })).toBe(text); });
});
describe('a profile', () => {
  const profile = (more: object = {}): DatasetProfile => ({
    connection: 'shop', dataset: 'public.orders', catalogue: null, catalogueAt: null, runId: null, earlier: [],
    sketch: { connection: 'shop', dataset: 'public.orders', fingerprint: 'a'.repeat(64), engine: 'PostgreSQL 18.4', takenAt: '2026-01-01T00:00:00.000Z', seconds: 1.5, rows: 1000, ofRows: 1000, whole: true, pieces: 1,
      columns: [column({}), column({ name: 'note', native: 'text', kind: 'text', measure: 'length', min: '0', max: '12000', nulls: 1 }), column({ name: 'u', native: 'uuid', kind: 'uuid', measure: 'none', min: null, max: null, histogram: null, nulls: 1000 })], ...more } });
  it('shows a column per line, and of texts only lengths', () => {
    const lines = profileScreen(profile(), { name: 'shop.public.orders', nowMs: Date.parse('2026-01-01T00:02:00Z') });
    expect(lines.slice(0, 3)).toEqual([' shop.public.orders', ' rows    1,000 rows, all of them', ' by      PostgreSQL 18.4 in 1.5 s, 2 min ago']);
    expect(lines.find((line) => line.includes('note'))).toMatch(/note +text +0\.1 % .*length 0 +length 12,000 +▂ █/);
    expect(lines.find((line) => line.startsWith(' u '))).toMatch(/uuid +100 %/);
  });
  it('says when not all rows were seen', () => { expect(profileScreen(profile({ whole: false, ofRows: 5000 }), { name: 'shop.public.orders', nowMs: 0 })[1]).toBe(' rows    1,000 of about 5,000 rows: reading ended at its bound'); });
});
