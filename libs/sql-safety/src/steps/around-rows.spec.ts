import { describe, expect, it } from '@jest/globals';
import { type ColumnType, EtlError, type Expr, type Stage, type WindowColumn } from '@agent-etl/contracts';
import { identifier } from '../ident/identifier.ts';
import { checked } from '../refusal.ts';
import { type LoweredStep, fuseSteps } from './fuse-steps.ts';
import { printTransform } from './print-transform.ts';
import { sqlFor } from '../tag/fragment.ts';
import { pivotStep } from './pivot.ts';
import { sampleStep } from './sample.ts';

const input = new Map<string, ColumnType>([['id', { kind: 'i64' }], ['at', { kind: 'ts' }], ['rate', { kind: 'f64' }], ['doc', { kind: 'json' }], ['spot', { kind: 'other' }], ['a', { kind: 'i32' }], ['b', { kind: 'dec', precision: 10, scale: 2 }], ['status', { kind: 'text' }]]);
const col = (name: string): Expr => ({ k: 'col', name });
const code = (...steps: LoweredStep[]): string => { const answer = checked('', () => fuseSteps(steps, input, { dialect: 'postgres' })); return answer.ok ? 'accepted' : answer.issues[0]?.code ?? ''; };
const typesOf = (...steps: LoweredStep[]): Readonly<Record<string, string>> => Object.fromEntries(fuseSteps(steps, input).columns.map(({ name, type: { kind, precision, scale } }) => [name, precision === undefined ? kind : `${kind}(${precision},${scale})`]));
const by = (name: string) => [{ e: col(name), dir: 'asc', nulls: 'last' }] as const;
const limit = (order: ReturnType<typeof by> | readonly [] = []): LoweredStep => ({ op: 'limit', order, n: 1, offset: 0 });
const running = { before: null, after: 'none' } as const;
const whole = { before: null, after: 'all' } as const;
const window = (column: Partial<WindowColumn>, order: ReturnType<typeof by> | readonly [] = by('at')): LoweredStep => ({ op: 'window', partition: ['status'], order, columns: [{ as: 'x', fn: 'row_number', arg: null, offset: null, frame: null, ...column }] });

describe('steps that look at more than one row', () => {
  it.each<[string, string, LoweredStep[]]>([
    ['a sort with nothing behind it', 'STEP_SORT_LOST', [{ op: 'sort', order: by('id') }]], ['a sort that another step follows', 'STEP_SORT_LOST', [{ op: 'sort', order: by('id') }, { op: 'drop', columns: ['doc'] }, limit()]],
    ['a sort before a limit with an order of its own', 'STEP_SORT_LOST', [{ op: 'sort', order: by('id') }, limit(by('at'))]], ['a limit without any order', 'STEP_ORDER_NOT_TOTAL', [limit()]], ['a sort before a limit', 'accepted', [{ op: 'sort', order: by('id') }, limit()]],
    ['a sort by a document', 'SQL_TYPE', [{ op: 'sort', order: by('doc') }, limit()]],
    ['row_number without an order', 'STEP_ORDER_NOT_TOTAL', [window({}, [])]], ['a running sum without an order', 'STEP_ORDER_NOT_TOTAL', [window({ fn: 'sum', arg: col('a'), frame: running }, [])]], ['a sum of the whole partition without one', 'accepted', [window({ fn: 'sum', arg: col('a'), frame: whole }, [])]],
    ['a sum that says not of which rows', 'SQL_ARITY', [window({ fn: 'sum', arg: col('a') })]], ['a rank of some rows', 'SQL_ARITY', [window({ frame: running })]], ['lag without a value', 'SQL_ARITY', [window({ fn: 'lag', offset: 1 })]], ['a rank of a value', 'SQL_ARITY', [window({ arg: col('a') })]],
    ['a running sum of doubles', 'SQL_TYPE', [window({ fn: 'sum', arg: col('rate'), frame: running })]], ['lag of a document', 'SQL_TYPE', [window({ fn: 'lag', arg: col('doc'), offset: 1 })]], ['a partition by doubles', 'SQL_TYPE', [{ op: 'window', partition: ['rate'], order: by('at'), columns: [{ as: 'x', fn: 'rank', arg: null, offset: null, frame: null }] }]],
    ['a name that is there', 'STEP_COLUMN_CLASH', [window({ as: 'Status' })]], ['an unpivot into one that stays', 'STEP_COLUMN_CLASH', [{ op: 'unpivot', keep: null, columns: ['a'], nameTo: 'id', valueTo: 'v', nulls: 'keep' }]],
    ['an unpivot of number and text', 'SQL_TYPE', [{ op: 'unpivot', keep: [], columns: ['a', 'status'], nameTo: 'n', valueTo: 'v', nulls: 'keep' }]], ['an unpivot of documents', 'SQL_TYPE', [{ op: 'unpivot', keep: [], columns: ['doc'], nameTo: 'n', valueTo: 'v', nulls: 'keep' }]], ['an unpivot of one column twice', 'STEP_COLUMN_CLASH', [{ op: 'unpivot', keep: [], columns: ['a', 'a'], nameTo: 'n', valueTo: 'v', nulls: 'keep' }]],
    ['a pivot of one value twice', 'STEP_COLUMN_CLASH', [pivotStep({ by: [], key: 'status', values: [{ value: 'x' }, { value: 'X' }], fn: 'count', arg: null })]], ['a pivot by a value of another type', 'SQL_TYPE', [pivotStep({ by: [], key: 'status', values: [{ value: 1 }], fn: 'count', arg: null })]], ['a pivot that sums nothing', 'SQL_ARITY', [pivotStep({ by: [], key: 'status', values: [{ value: 'x' }], fn: 'sum', arg: null })]],
    ['a sample by doubles', 'SQL_TYPE', [sampleStep({ key: ['rate'], fraction: 0.5, seed: 0 })]], ['a list that is a number', 'SQL_TYPE', [{ op: 'flatten', column: 'a', fields: [{ as: 'x', path: [], to: { kind: 'text' }, onError: 'fail' }], empty: 'drop' }]],
    ['a key that would be a pattern', 'SQL_LITERAL', [{ op: 'json', column: 'doc', fields: [{ as: 'x', path: ['*'], to: { kind: 'text' }, onError: 'fail' }] }]], ['a key with a quote', 'SQL_LITERAL', [{ op: 'json', column: 'doc', fields: [{ as: 'x', path: ['a"]'], to: { kind: 'text' }, onError: 'fail' }] }]],
    ['last4 of a number', 'SQL_TYPE', [{ op: 'mask', column: 'a', method: 'last4', value: null }]], ['a constant that the column cannot hold', 'SQL_LITERAL', [{ op: 'mask', column: 'a', method: 'fixed', value: 'x' }]], ['sha256 of a double', 'SQL_TYPE', [{ op: 'mask', column: 'rate', method: 'sha256', value: null }]],
    ['fixed without a value', 'SQL_ARITY', [{ op: 'mask', column: 'a', method: 'fixed', value: null }]], ['a value beside another method', 'SQL_ARITY', [{ op: 'mask', column: 'status', method: 'sha256', value: 'x' }]], ['a mask of what is not there', 'SQL_COLUMN', [{ op: 'mask', column: 'emial', method: 'null', value: null }]],
  ])('%s: %s', (_, expected, steps) => { expect(code(...steps)).toBe(expected); });

  it('say the types of their columns', () => {
    expect(typesOf({ op: 'unpivot', keep: ['id'], columns: ['a', 'b'], nameTo: 'n', valueTo: 'v', nulls: 'keep' })).toEqual({ id: 'i64', n: 'text', v: 'dec(12,2)' });
    expect(typesOf({ op: 'select', columns: ['b', 'status', 'at'] }, { op: 'window', partition: [], order: by('at'), columns: [{ as: 'before', fn: 'lag', arg: col('b'), offset: 1, frame: null }, { as: 'sum', fn: 'sum', arg: col('b'), offset: null, frame: running }, { as: 'mean', fn: 'avg', arg: col('b'), offset: null, frame: whole }, { as: 'nth', fn: 'dense_rank', arg: null, offset: null, frame: null }] }))
      .toEqual({ b: 'dec(10,2)', status: 'text', at: 'ts', before: 'dec(10,2)', sum: 'dec(38,2)', mean: 'f64', nth: 'i64' });
    expect(typesOf(pivotStep({ by: ['at'], key: 'status', values: [{ value: 'paid', as: 'paid_total' }, { value: null }], fn: 'sum', arg: col('b') }))).toEqual({ at: 'ts', paid_total: 'dec(38,2)', null: 'dec(38,2)' });
    expect(typesOf({ op: 'mask', column: 'a', method: 'sha256', value: null }, { op: 'mask', column: 'b', method: 'null', value: null }, { op: 'select', columns: ['a', 'b'] })).toEqual({ a: 'text', b: 'dec(10,2)' });
    expect(typesOf({ op: 'json', column: 'doc', fields: [{ as: 'n', path: ['x', 0], to: { kind: 'i64' }, onError: 'null' }, { as: 't', path: [], to: { kind: 'text' }, onError: 'fail' }] }, { op: 'select', columns: ['n', 't'] })).toEqual({ n: 'i64', t: 'text' });
  });
  it.each<[string, Stage]>([
    ['a stage over rows', { op: 'rows', columns: [{ name: 'a', expr: col('email') }, { name: 'a', expr: col('email') }, { name: 'id', expr: col('id') }], where: null }], ['a group', { op: 'group', by: ['email', 'email', 'id'], measures: [{ as: 'n', fn: 'count', arg: null, where: null }] }],
    ['an unpivot', { op: 'unpivot', keep: ['email', 'email', 'id'], columns: ['id'], nameTo: 'n', valueTo: 'v', nulls: 'keep' }], ['a window', { op: 'window', partition: [], order: [], columns: [{ as: 'id', fn: 'count', arg: null, offset: null, frame: whole }] }], ['a list', { op: 'flatten', column: 'email', as: 'id', empty: 'keep' }],
  ])('that were stored and name a column twice are not printed: %s', (_, stage) => {
    const columns = ['email', 'id'].map((name) => ({ name, type: { kind: name === 'id' ? 'i64' as const : 'text' as const }, native: '', nullable: true }));
    const sql = sqlFor('postgres');
    expect(() => printTransform('postgres', { input: columns, stages: [stage] }, { from: sql`t`, column: (name) => sql`t.${identifier(name)}` })).toThrow(EtlError);
    expect(() => printTransform('postgres', { input: columns, stages: [{ op: 'rows', columns: [{ name: 'email', expr: col('email') }], where: null }] }, { from: sql`t`, column: (name) => sql`t.${identifier(name)}` })).not.toThrow();
  });
  it('sample as much as they are asked for: a share that is all but 1 keeps all', () => {
    const below = (fraction: number): string => JSON.stringify(sampleStep({ key: ['id'], fraction, seed: 0 }).where).slice(-14, -3);
    expect([0.5, 0.999_999, 0.999_999_999_99, 1].map(below).map((end) => /"([0-9a-g]+)$/.exec(end)?.[1])).toEqual(['80000000', 'ffffef39', 'g', 'g']);
  });
  it('leave a name for items that no column has', () => {
    const held = new Map<string, ColumnType>([['item', { kind: 'json' }], ['Item_', { kind: 'text' }]]);
    expect(fuseSteps([{ op: 'flatten', column: 'item', fields: [{ as: 'x', path: [], to: { kind: 'text' }, onError: 'fail' }], empty: 'keep' }], held).columns.map(({ name }) => name)).toEqual(['item', 'Item_', 'x']);
  });
});
