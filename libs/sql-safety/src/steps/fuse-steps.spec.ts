import { describe, expect, it } from '@jest/globals';
import type { ColumnType, Expr } from '@agent-etl/contracts';
import { checked } from '../refusal.ts';
import { identifier } from '../ident/identifier.ts';
import { type SqlFragment, sqlFor } from '../tag/fragment.ts';
import { compile } from '../tag/safe-sql.ts';
import { printTransform } from './print-transform.ts';
import { type LoweredStep, fuseSteps } from './fuse-steps.ts';

const input = new Map<string, ColumnType>([['id', { kind: 'i64' }], ['doc', { kind: 'json' }], ['spot', { kind: 'other' }], ['rate', { kind: 'f64' }], ['Total', { kind: 'dec', precision: 10, scale: 2 }], ['status', { kind: 'text' }]]);
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
    expect(fused({ op: 'derive', columns: [{ as: 'id', expr: plusOne('id') }] }).columns.map(({ name }) => name)).toEqual([...input.keys()]);
  });
  it.each<[string, LoweredStep]>([
    ['SQL_COLUMN', { op: 'select', columns: ['nothing'] }], ['SQL_COLUMN', { op: 'drop', columns: [...input.keys()] }], ['SQL_COLUMN', { op: 'rename', names: new Map([['x', 'y']]) }],
    ['STEP_COLUMN_CLASH', { op: 'rename', names: new Map([['id', 'STATUS']]) }], ['STEP_COLUMN_CLASH', { op: 'derive', columns: [{ as: 'total', expr: one }] }], ['STEP_COLUMN_CLASH', { op: 'select', columns: ['id', 'id'] }],
    ['SQL_IDENTIFIER', { op: 'derive', columns: [{ as: 'x'.repeat(64), expr: one }] }], ['SQL_IDENTIFIER', { op: 'rename', names: new Map([['id', 'ä'.repeat(32)]]) }], ['SQL_IDENTIFIER', { op: 'group', by: [], measures: [{ as: 'x'.repeat(64), fn: 'count', arg: null, where: null }] }],
    ['SQL_TYPE', { op: 'limit', order: [{ e: col('doc'), dir: 'asc', nulls: 'last' }], n: 1, offset: 0 }], ['SQL_TYPE', { op: 'first', keys: ['id'], order: [{ e: col('spot'), dir: 'asc', nulls: 'last' }] }],
    ['SQL_TYPE', { op: 'group', by: [], measures: [{ as: 'n', fn: 'count_distinct', arg: col('doc'), where: null }] }], ['SQL_TYPE', { op: 'derive', columns: [{ as: 'x', expr: { k: 'call', fn: 'coalesce', args: [col('doc'), col('doc')] } }] }],
    ['SQL_TYPE', { op: 'derive', columns: [{ as: 'x', expr: { k: 'case', whens: [{ when: { k: 'isNull', e: col('id'), neg: true }, then: col('spot') }], else: { k: 'lit', t: { kind: 'other' }, v: null } } }] }],
    ['SQL_TYPE', { op: 'cast', column: 'status', to: { kind: 'dec', precision: 2, scale: 5 }, onError: 'null' }], ['SQL_TYPE', { op: 'cast', column: 'status', to: { kind: 'dec', precision: 0, scale: 0 }, onError: 'null' }], ['accepted', { op: 'derive', columns: [{ as: 'x', expr: col('spot') }] }],
    ['SQL_TYPE', { op: 'filter', where: col('id') }], ['SQL_TYPE', { op: 'cast', column: 'status', to: { kind: 'json' }, onError: 'fail' }], ['accepted', { op: 'cast', column: 'status', to: { kind: 'date' }, onError: 'null' }],
  ])('are refused as %s', (code, step) => { expect(refusal(step)).toBe(code); });
  it('cannot grow without bound by what they stand for', () => {
    const doubling = Array.from({ length: 14 }, (): LoweredStep => ({ op: 'derive', columns: [{ as: 'id', expr: { k: 'bin', op: '+', l: col('id'), r: col('id') } }] }));
    expect(refusal(...doubling)).toBe('SQL_LIMIT');
  });
  it('nor in depth, whatever the stack holds', () => {
    const hundred = Array.from({ length: 100 }).reduce<Expr>((e) => ({ k: 'bin', op: '+', l: e, r: one }), col('id'));
    expect(refusal(...Array.from({ length: 22 }, (): LoweredStep => ({ op: 'derive', columns: [{ as: 'id', expr: hundred }] })))).toBe('SQL_TOO_DEEP');
    const wide: Expr = { k: 'call', fn: 'concat', args: Array.from({ length: 90 }, () => ({ k: 'call', fn: 'concat', args: Array.from({ length: 6 }, () => col('status')) })) };
    expect(refusal(...Array.from({ length: 4 }, (): LoweredStep => ({ op: 'derive', columns: [{ as: 'status', expr: wide }] })))).toBe('SQL_LIMIT');
  });
  it.each(['duckdb', 'postgres', 'spark'] as const)('hold a pattern as it was written and are checked again, and %s gets it as it spells it', (dialect) => {
    const like: Expr = { k: 'call', fn: 'regexp_like', args: [col('status'), { k: 'lit', t: { kind: 'text' }, v: '^a[0-9]+$' }] };
    const { stages } = fuseSteps([{ op: 'select', columns: ['id', 'status'] }, { op: 'filter', where: like }], input, { dialect });
    const transform = { input: [...input].map(([name, type]) => ({ name, type, native: type.kind, nullable: true })), stages: [...stages] };
    const sql = sqlFor(dialect);
    const { rows } = printTransform(dialect, transform, { from: sql`t`, column: (name: string) => sql`t.${identifier(name)}`, inputs: [] } as never);
    expect(compile(rows as SqlFragment<typeof dialect>).text).toContain(dialect === 'postgres' ? String.raw`\Aa[0-9]+\Z` : String.raw`\Aa[0-9]+`);
  });
  it('are refused where the engine that computes them has no form', () => {
    const steps: LoweredStep[] = [{ op: 'drop', columns: ['doc'] }, { op: 'cast', column: 'rate', to: { kind: 'dec', precision: 9, scale: 2 }, onError: 'null' }];
    const answer = (dialect: 'duckdb' | 'postgres'): string => { const found = checked('/steps', () => fuseSteps(steps, input, { dialect })); return found.ok ? 'accepted' : found.issues[0]?.code ?? ''; };
    expect([answer('duckdb'), answer('postgres')]).toEqual(['accepted', 'SQL_NO_FORM']);
  });
  it('set a row aside whatever becomes of the value that did not fit', () => {
    const cast = (column: string, kind: ColumnType['kind']): LoweredStep => ({ op: 'cast', column, to: { kind }, onError: 'quarantine' });
    const zero: LoweredStep = { op: 'derive', columns: [{ as: 'status', expr: { k: 'call', fn: 'coalesce', args: [col('status'), one] } }] };
    const told = (...steps: LoweredStep[]) => fused(...steps).stages.flatMap((stage) => (stage.op === 'rows' ? stage.misfits ?? [] : []).map(({ name }) => name));
    expect(told(cast('status', 'i32'), zero)).toEqual(['status']);
    expect(told(cast('status', 'i32'), cast('status', 'i16'))).toEqual(['status', 'status']);
    expect(told(cast('status', 'i32'), { op: 'rename', names: new Map([['status', 'code']]) }, { op: 'derive', columns: [{ as: 'next', expr: plusOne('code') }] }, { op: 'drop', columns: ['code'] })).toEqual(['code']);
    expect(told({ op: 'cast', column: 'status', to: { kind: 'i32' }, onError: 'null' })).toEqual([]);
  });
  it('copy a column as the one that it is', () => {
    const { columns } = fused({ op: 'rename', names: new Map([['spot', 'place']]) }, { op: 'derive', columns: [{ as: 'again', expr: col('place') }, { as: 'id', expr: col('status') }] });
    expect(columns.filter(({ name }) => ['place', 'again', 'id'].includes(name)).map(({ name, source }) => [name, source])).toEqual([['id', 'status'], ['place', 'spot'], ['again', 'spot']]);
  });
  it('change two names for each other', () => {
    expect(fused({ op: 'rename', names: new Map([['id', 'status'], ['status', 'id']]) }).columns.filter(({ name }) => name === 'id' || name === 'status').map(({ name, source }) => [name, source])).toEqual([['status', 'id'], ['id', 'status']]);
  });
});
