import { describe, expect, it } from '@jest/globals';
import { type ColumnType, EtlError, type JoinStage } from '@agent-etl/contracts';
import { checked } from '../refusal.ts';
import { compile } from '../tag/safe-sql.ts';
import { sqlFor } from '../tag/fragment.ts';
import { identifier } from '../ident/identifier.ts';
import { combinedFrom } from './combined.ts';
import { type Fusing, type LoweredStep, fuseSteps } from './fuse-steps.ts';
import type { LoweredJoin } from './join.ts';
import { printTransform } from './print-transform.ts';

const left = new Map<string, ColumnType>([['id', { kind: 'i64' }], ['code', { kind: 'text' }], ['rate', { kind: 'f64' }], ['doc', { kind: 'json' }]]);
const right = new Map<string, ColumnType>([['code', { kind: 'text' }], ['name', { kind: 'text' }], ['n', { kind: 'i32' }], ['share', { kind: 'f64' }], ['spot', { kind: 'other' }], ['any', { kind: 'dec' }], ['long', { kind: 'dec', precision: 50, scale: 2 }], ['odd', { kind: 'dec', precision: 5, scale: -2 }]]);
const join = (more: Partial<LoweredJoin> = {}): LoweredJoin => ({ op: 'join', input: 0, kind: 'left', on: [{ left: 'code', right: 'code', nullSafe: false }], take: [{ column: 'name', as: 'label' }], matches: 'one', misses: 'pass', ...more });
const fused = (steps: LoweredStep[], more: Fusing = {}) => fuseSteps(steps, left, { inputs: [right], ...more });
const refusal = (steps: LoweredStep[], more: Fusing = {}): string => { const answer = checked('/steps', () => fused(steps, more)); return answer.ok ? 'accepted' : answer.issues[0]?.code ?? ''; };
const on = (l: string, r: string): Partial<LoweredJoin> => ({ on: [{ left: l, right: r, nullSafe: false }] });

describe('joins and unions', () => {
  it('have the columns of the rows and those that they take', () => {
    expect(fused([join()]).columns.map(({ name, type, source }) => [name, type.kind, source])).toEqual([['id', 'i64', 'id'], ['code', 'text', 'code'], ['rate', 'f64', 'rate'], ['doc', 'json', 'doc'], ['label', 'text', null]]);
    expect(fused([join({ kind: 'full' })]).columns.filter(({ padded }) => padded).map(({ name }) => name)).toEqual(['id', 'code', 'rate', 'doc']);
    expect(fused([join({ kind: 'semi', take: [] })]).columns).toHaveLength(4);
    expect(fused([{ op: 'drop', columns: ['doc'] }, { op: 'union', inputs: [0], distinct: false }], { inputs: [new Map([['id', { kind: 'i32' }], ['more', { kind: 'date' }]])] }).columns.map(({ name, type }) => [name, type.kind])).toEqual([['id', 'i64'], ['code', 'text'], ['rate', 'f64'], ['more', 'date']]);
  });
  it.each<[string, LoweredJoin]>([
    ['STEP_COLUMN_CLASH', join({ take: [{ column: 'name', as: 'ID' }] })], ['STEP_COLUMN_CLASH', join({ take: [{ column: 'name', as: 'x' }, { column: 'n', as: 'X' }] })], ['STEP_COLUMN_CLASH', join({ kind: 'anti' })],
    ['SQL_COLUMN', join({ take: [{ column: 'nam', as: 'x' }] })], ['SQL_COLUMN', join(on('cod', 'code'))], ['SQL_COLUMN', join(on('code', 'cod'))], ['SQL_TYPE', join(on('id', 'code'))], ['SQL_TYPE', join(on('rate', 'n'))], ['SQL_TYPE', join(on('id', 'share'))], ['SQL_TYPE', join(on('id', 'any'))], ['SQL_TYPE', join(on('doc', 'code'))],
    ['SQL_TYPE', join({ take: [{ column: 'spot', as: 'x' }] })], ['SQL_TYPE', join({ take: [{ column: 'any', as: 'x' }] })], ['SQL_TYPE', join({ take: [{ column: 'long', as: 'x' }] })], ['SQL_TYPE', join({ take: [{ column: 'odd', as: 'x' }] })], ['SQL_TYPE', join(on('id', 'long'))], ['SQL_IDENTIFIER', join({ take: [{ column: 'name', as: 'x'.repeat(64) }] })], ['IR_SHAPE', join({ input: 1 })], ['accepted', join(on('id', 'n'))],
  ])('are refused as %s', (code, step) => { expect(refusal([step])).toBe(code); });
  it.each<[string, LoweredStep[]]>([
    ['SQL_TYPE', [{ op: 'union', inputs: [0], distinct: false }]], ['SQL_TYPE', [{ op: 'select', columns: ['rate'] }, { op: 'union', inputs: [1], distinct: true }]], ['accepted', [{ op: 'select', columns: ['rate'] }, { op: 'union', inputs: [1], distinct: false }]],
    ['STEP_COLUMN_CLASH', [{ op: 'select', columns: ['id'] }, { op: 'rename', names: new Map([['id', 'RATE']]) }, { op: 'union', inputs: [1], distinct: false }]],
  ])('of several datasets are refused as %s', (code, steps) => { expect(refusal(steps, { inputs: [right, new Map([['rate', { kind: 'f64' }]])] })).toBe(code); });
  it('are sixteen at most, a union counting each of its datasets', () => {
    const semi = (count: number): LoweredStep[] => Array.from({ length: count }, () => join({ kind: 'semi', take: [] }));
    expect([refusal(semi(16)), refusal(semi(17))]).toEqual(['accepted', 'SQL_LIMIT']);
    expect(refusal([{ op: 'select', columns: ['id'] }, ...Array.from({ length: 6 }, (): LoweredStep => ({ op: 'union', inputs: [0, 0, 0], distinct: false }))], { inputs: [new Map([['id', { kind: 'i64' }]])] })).toBe('SQL_LIMIT');
  });
  it('hand rows over where another dataset comes in, without what DuckDB has no type for', () => {
    const steps: LoweredStep[] = [{ op: 'filter', where: { k: 'isNull', e: { k: 'col', name: 'code' }, neg: true } }, { op: 'select', columns: ['id', 'code'] }, join(), { op: 'drop', columns: ['label'] }];
    expect(fused(steps, { handsOff: 'at-the-first-join', dialect: 'postgres' })).toMatchObject({ handOff: { after: 1, columns: [{ name: 'id' }, { name: 'code' }] }, stages: [{ op: 'rows' }, { op: 'join' }, { op: 'rows' }] });
    expect(fused(steps, { handsOff: 'at-once' }).handOff).toMatchObject({ after: 0, columns: [...left.keys()].map((name) => ({ name })) });
    expect(fused(steps).handOff).toBeUndefined();
    expect(checked('/', () => fuseSteps([join(on('code', 'code'))], new Map([['code', { kind: 'text' }], ['free', { kind: 'dec' }]]), { inputs: [right], handsOff: 'at-the-first-join' }))).toMatchObject({ ok: false, issues: [{ code: 'SQL_TYPE' }] });
  });
  it('are printed only after another check: a stored one names what it likes', () => {
    const sql = sqlFor('postgres');
    const print = (stage: JoinStage) => printTransform('postgres', {
      input: [{ name: 'code', type: { kind: 'text' }, native: 'text', nullable: true }], stages: [stage], inputs: [{ source: { connection: 'x', dataset: 'y' }, columns: [{ name: 'code', type: { kind: 'text' }, native: 'text', nullable: true }], unread: [], fingerprint: 'a'.repeat(64), options: {} }],
    }, { from: sql`t AS source`, column: (name) => sql`source.${identifier(name)}`, inputs: [{ from: sql`u AS other`, column: (name) => sql`other.${identifier(name)}` }] });
    const stage: JoinStage = { ...join({ kind: 'inner', take: [{ column: 'code', as: 'again' }] }), take: [{ column: 'code', as: 'again' }] };
    expect(compile(print(stage).rows).text).toContain('JOIN u AS other ON source."code" COLLATE "C" = other."code"');
    expect(() => print({ ...stage, on: [{ left: 'code"; drop table x; --', right: 'code', nullSafe: false }] })).toThrow(EtlError);
    expect(() => print({ ...stage, input: 7 })).toThrow(EtlError);
  });
});

describe('what a join did', () => {
  const row = { l: '10', r: '4', lm: '6', rm: '3', pairs: '9', most: '2', twice: 'C1', missing: 'C9' };
  const stage: JoinStage = { ...join({ matches: 'many' }), take: [] };
  it.each([['inner', 9], ['left', 13], ['right', 10], ['full', 14], ['semi', 6], ['anti', 4]] as const)('%s gives %i rows', (kind, out) => {
    expect(combinedFrom(row, { stage: { ...stage, kind }, address: 'a:b' })).toEqual({ with: 'a:b', kind, left: 10, right: 4, out, matched: 6, unmatched: 4, rightUnmatched: 1, most: 2 });
  });
  it('names the first key that breaks its rule', () => {
    expect(() => combinedFrom(row, { stage: { ...stage, matches: 'one' }, address: 'a:b' })).toThrow(expect.objectContaining({ code: 'data.join-multiplies', cell: { row: null, column: 'code', value: 'C1', target: 'a:b' } }) as unknown as Error);
    expect(() => combinedFrom(row, { stage: { ...stage, misses: 'fail' }, address: 'a:b' })).toThrow(expect.objectContaining({ code: 'data.join-missed', cell: { row: null, column: 'code', value: 'C9', target: 'a:b' } }) as unknown as Error);
  });
});
