import { describe, expect, it } from '@jest/globals';
import type { ColumnType, Expr } from '@agent-etl/contracts';
import { type LoweredStep, fuseSteps } from '../steps/fuse-steps.ts';
import { pivotStep } from '../steps/pivot.ts';
import { sampleStep } from '../steps/sample.ts';
import { outputOf } from './output-of.ts';

const types: Readonly<Record<string, ColumnType>> = { id: { kind: 'i64' }, email: { kind: 'text' }, phone: { kind: 'text' }, total: { kind: 'dec', precision: 10, scale: 2 }, doc: { kind: 'json' } };
const input = new Map(Object.entries(types));
const col = (name: string): Expr => ({ k: 'col', name });
const made = (...steps: LoweredStep[]): Readonly<Record<string, string>> => Object.fromEntries(outputOf({ input: Object.keys(types).map((name) => ({ name })), stages: fuseSteps(steps, input).stages })
  .map(({ name, from, clear }) => [name, `${from.join('+') || '-'} clear ${clear.join('+') || '-'}`]));
const email: LoweredStep = { op: 'mask', column: 'email', method: 'sha256', value: null };
const joined: Expr = { k: 'bin', op: '||', l: col('email'), r: { k: 'call', fn: 'coalesce', args: [col('phone'), { k: 'lit', t: { kind: 'text' }, v: '' }] } };

describe('what a column is made of', () => {
  it('is followed through renames, calculations and the steps that fuse them into one', () => {
    expect(made({ op: 'rename', names: new Map([['email', 'mail']]) }, { op: 'derive', columns: [{ as: 'both', expr: { k: 'bin', op: '||', l: col('mail'), r: col('phone') } }] }, { op: 'select', columns: ['both', 'id'] }))
      .toEqual({ both: 'email+phone clear email+phone', id: 'id clear id' });
  });
  it('is no more than a mask leaves, also where a later step computes with it', () => {
    expect(made(email, { op: 'derive', columns: [{ as: 'both', expr: joined }] }, { op: 'select', columns: ['email', 'both'] })).toEqual({ email: 'email clear -', both: 'email+phone clear phone' });
    for (const method of ['null', 'last4', 'sha256'] as const) expect(made({ op: 'mask', column: 'email', method, value: null })['email']).toBe('email clear -');
    expect(made({ op: 'mask', column: 'email', method: 'fixed', value: 'x' })['email']).toBe('email clear -');
  });
  it('is not hidden by a copy that was made before the mask', () => {
    expect(made({ op: 'derive', columns: [{ as: 'copy', expr: { k: 'call', fn: 'upper', args: [col('email')] } }] }, email)['copy']).toBe('email clear email');
    expect(made({ op: 'derive', columns: [{ as: 'hash', expr: { k: 'call', fn: 'sha256', args: [col('email')] } }] })['hash']).toBe('email clear email');
  });
  it('is what a group counts, and what it shows', () => {
    expect(made({ op: 'group', by: ['phone'], measures: [{ as: 'n', fn: 'count_distinct', arg: col('email'), where: null }, { as: 'first', fn: 'min', arg: col('email'), where: null }, { as: 'sum', fn: 'sum', arg: col('total'), where: { k: 'isNull', e: col('email'), neg: false } }] }))
      .toEqual({ phone: 'phone clear phone', n: 'email clear -', first: 'email clear email', sum: 'email+total clear total' });
    expect(made(pivotStep({ by: ['id'], key: 'email', values: [{ value: 'a@b' }], fn: 'max', arg: col('phone') }))).toEqual({ id: 'id clear id', 'a@b': 'email+phone clear phone' });
  });
  it('goes through windows, unpivots and lists', () => {
    expect(made({ op: 'window', partition: ['phone'], order: [{ e: col('email'), dir: 'asc', nulls: 'last' }], columns: [{ as: 'nth', fn: 'row_number', arg: null, offset: null, frame: null }, { as: 'before', fn: 'lag', arg: col('email'), offset: 1, frame: null }] }))
      .toMatchObject({ nth: 'email+phone clear -', before: 'email clear email' });
    expect(made({ op: 'unpivot', keep: ['id'], columns: ['email', 'phone'], nameTo: 'kind', valueTo: 'contact', nulls: 'drop' })).toEqual({ id: 'id clear id', kind: '- clear -', contact: 'email+phone clear email+phone' });
    expect(made({ op: 'flatten', column: 'doc', fields: [{ as: 'tag', path: [], to: { kind: 'text' }, onError: 'fail' }], empty: 'drop' }, { op: 'select', columns: ['tag'] })).toEqual({ tag: 'doc clear doc' });
    expect(made(sampleStep({ key: ['email'], fraction: 0.5, seed: 1 }), { op: 'select', columns: ['id'] })).toEqual({ id: 'id clear id' });
  });
  it('is not hidden by a key that it was found by: what is equal to it says what it says', () => {
    const other = { source: { connection: 'lake', dataset: 'people.csv' }, columns: ['mail', 'name'].map((name) => ({ name, type: { kind: 'text' as const }, native: 'VARCHAR', nullable: true })) };
    const behind = (...before: LoweredStep[]) => outputOf({ input: Object.keys(types).map((name) => ({ name })), inputs: [other], stages: fuseSteps([...before,
      { op: 'join', input: 0, kind: 'inner', on: [{ left: 'email', right: 'mail', nullSafe: false }], take: [{ column: 'mail', as: 'contact' }, { column: 'name', as: 'name' }], matches: 'many', misses: 'pass' }, { op: 'select', columns: ['contact', 'name'] }],
    input, { inputs: [new Map<string, ColumnType>([['mail', { kind: 'text' }], ['name', { kind: 'text' }]])] }).stages });
    expect(behind()).toEqual([{ name: 'contact', from: ['email', 'lake:people.csv.mail'], clear: ['email', 'lake:people.csv.mail'] }, { name: 'name', from: ['lake:people.csv.name'], clear: ['lake:people.csv.name'] }]);
    expect(behind(email)[0]).toEqual({ name: 'contact', from: ['email', 'lake:people.csv.mail'], clear: ['lake:people.csv.mail'] });
  });
  it('is told by a stored plan as the checker reads it: another case is the same column, no column is every column', () => {
    const told = (name: string) => outputOf({ input: [{ name: 'id' }, { name: 'email' }], stages: [{ op: 'rows', columns: [{ name: 'x', expr: col(name) }], where: null }] });
    expect([told('EMAIL'), told('nothing')]).toEqual([[{ name: 'x', from: ['email'], clear: ['email'] }], [{ name: 'x', from: ['email', 'id'], clear: ['email', 'id'] }]]);
  });
});
