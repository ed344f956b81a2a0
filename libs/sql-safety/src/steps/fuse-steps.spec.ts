import { describe, expect, it } from '@jest/globals';
import type { ColumnType, Expr } from '@agent-etl/contracts';
import { checked } from '../refusal.ts';
import { type LoweredStep, fuseSteps } from './fuse-steps.ts';

const input = new Map<string, ColumnType>([['id', { kind: 'i64' }], ['Total', { kind: 'dec', precision: 10, scale: 2 }], ['status', { kind: 'text' }]]);
const col = (name: string): Expr => ({ k: 'col', name });
const one: Expr = { k: 'lit', t: { kind: 'i32' }, v: '1' };
const plusOne = (name: string): Expr => ({ k: 'bin', op: '+', l: col(name), r: one });
const fused = (...steps: LoweredStep[]) => fuseSteps(steps, input);
const refusal = (...steps: LoweredStep[]): string => { const answer = checked('/steps', () => fused(...steps)); return answer.ok ? 'accepted' : answer.issues[0]?.code ?? ''; };

describe('steps over rows', () => {
  it('come to one projection and one condition in terms of the input', () => {
    const { columns, stages } = fused({ op: 'rename', names: new Map([['Total', 'total']]) }, { op: 'derive', columns: [{ as: 'next', expr: plusOne('id') }] }, { op: 'filter', where: { k: 'bin', op: '>', l: col('next'), r: one } }, { op: 'select', columns: ['next', 'total'] });
    expect(columns.map(({ name, type, source }) => [name, type.kind, source])).toEqual([['next', 'i64', null], ['total', 'dec', 'Total']]);
    expect(stages).toMatchObject([{ op: 'rows', columns: [{ name: 'next' }, { name: 'total', expr: col('Total') }], where: { k: 'bin', op: '>', l: { k: 'bin', op: '+', l: col('id') } } }]);
  });
  it('see the columns before them, not those that are derived beside them', () => {
    expect(refusal({ op: 'derive', columns: [{ as: 'a', expr: plusOne('id') }, { as: 'b', expr: plusOne('a') }] })).toBe('SQL_COLUMN');
    expect(refusal({ op: 'derive', columns: [{ as: 'a', expr: plusOne('id') }] }, { op: 'derive', columns: [{ as: 'b', expr: plusOne('a') }] })).toBe('accepted');
    expect(fused({ op: 'derive', columns: [{ as: 'id', expr: plusOne('id') }] }).columns.map(({ name }) => name)).toEqual(['id', 'Total', 'status']);
  });
  it.each<[string, LoweredStep]>([
    ['SQL_COLUMN', { op: 'select', columns: ['nothing'] }], ['SQL_COLUMN', { op: 'drop', columns: ['id', 'Total', 'status'] }], ['SQL_COLUMN', { op: 'rename', names: new Map([['x', 'y']]) }],
    ['STEP_COLUMN_CLASH', { op: 'rename', names: new Map([['id', 'STATUS']]) }], ['STEP_COLUMN_CLASH', { op: 'derive', columns: [{ as: 'total', expr: one }] }], ['STEP_COLUMN_CLASH', { op: 'select', columns: ['id', 'id'] }],
    ['SQL_TYPE', { op: 'filter', where: col('id') }], ['SQL_TYPE', { op: 'cast', column: 'status', to: { kind: 'json' }, onError: 'fail' }], ['accepted', { op: 'cast', column: 'status', to: { kind: 'date' }, onError: 'null' }],
  ])('are refused as %s', (code, step) => { expect(refusal(step)).toBe(code); });
  it('cannot grow without bound by what they stand for', () => {
    const doubling = Array.from({ length: 14 }, (): LoweredStep => ({ op: 'derive', columns: [{ as: 'id', expr: { k: 'bin', op: '+', l: col('id'), r: col('id') } }] }));
    expect(refusal(...doubling)).toBe('SQL_LIMIT');
  });
  it('change two names for each other', () => {
    expect(fused({ op: 'rename', names: new Map([['id', 'status'], ['status', 'id']]) }).columns.map(({ name, source }) => [name, source])).toEqual([['status', 'id'], ['Total', 'Total'], ['id', 'status']]);
  });
});
