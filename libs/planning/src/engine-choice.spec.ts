import { describe, expect, it } from '@jest/globals';
import type { Column, Profile, Stage } from '@agent-etl/contracts';
import { type Choosing, chooseEngine } from './engine-choice-rules.ts';
import { heldStateOf } from './held-state-rules.ts';
import { aProfile } from './testing.ts';

const column = (name: string, kind: Column['type']['kind']): Column => ({ name, native: kind, nullable: true, type: { kind } });
const col = (name: string) => ({ k: 'col' as const, name });
const order = [{ e: col('id'), dir: 'asc' as const, nulls: 'last' as const }];
/** 1,000 rows of 8 + 4 + 88 bytes: the text has what the numbers leave. */
const source = aProfile({ rows: 1000, bytes: 100_000, columns: [column('id', 'i64'), column('day', 'date'), column('note', 'text')], columnStats: { day: { nullFraction: 0, distinct: 30 } } });
const other = aProfile({ rows: 50_000, bytes: 2_000_000, columns: [column('key', 'i64'), column('name', 'text'), column('more', 'text')], columnStats: {} });
const held = (stages: Stage[], others: Profile[] = []) => heldStateOf(stages, { source, others });
const count = { as: 'n', fn: 'count' as const, arg: null, where: null };
const keep: Stage = { op: 'rows', columns: ['id', 'day', 'note'].map((name) => ({ name, expr: col(name) })), where: null };
const join = (kind: 'left' | 'full', take: string[]): Stage => ({ op: 'join', input: 0, kind, on: [{ left: 'id', right: 'key', nullSafe: false }], take: take.map((name) => ({ column: name, as: `their_${name}` })), matches: 'many', misses: 'pass' });

describe('what steps have to hold at once', () => {
  it.each<[string, Stage[], Profile[], [string, number, number] | null]>([
    ['rows one by one hold nothing', [keep], [], null], ['a list and columns as rows hold nothing', [{ op: 'unpivot', keep: ['id'], columns: ['day'], nameTo: 'a', valueTo: 'b', nulls: 'keep' }], [], null],
    ['groups: no more than there are values of the key', [keep, { op: 'group', by: ['day'], measures: [count] }], [], ['group', 31, 16 + 4 + 16]], ['groups by what nobody has counted: as many as rows', [{ op: 'group', by: ['id'], measures: [count] }], [], ['group', 1000, 16 + 8 + 16]],
    ['one group of all', [{ op: 'group', by: [], measures: [count] }], [], ['group', 1, 32]], ['the first of each key: all rows', [{ op: 'first', keys: ['day'], order }], [], ['first', 1000, 16 + 100]], ['a limit: those that it keeps and those before them', [{ op: 'limit', order, n: 10, offset: 5 }], [], ['limit', 15, 116]],
    ['a column that is dropped is not held', [{ op: 'rows', columns: [{ name: 'id', expr: col('id') }], where: null }, { op: 'first', keys: ['id'], order }], [], ['first', 1000, 24]],
    ['a window: all rows', [{ op: 'window', partition: [], order, columns: [{ as: 'nth', fn: 'row_number', arg: null, offset: null, frame: null }] }], [], ['window', 1000, 116]],
    ['a join: the columns of the other dataset that it uses', [join('left', ['name'])], [other], ['join', 50_000, 16 + 8 + 16]], ['what it counts by keys, where that is more', [join('left', [])], [{ ...other, columns: [column('key', 'i16')] }], ['join', 51_000, 16 + 8 + 8]],
    ['rows behind a full join are those of both', [join('full', []), { op: 'first', keys: ['id'], order }], [other], ['first', 51_000, 116]], ['a union holds nothing', [{ op: 'union', inputs: [0], distinct: false }], [other], null], ['one of different rows holds them', [{ op: 'union', inputs: [0], distinct: true }], [source], ['union', 2000, 116]],
  ])('%s', (_, stages, others, expected) => {
    const state = held(stages, others);
    expect(state && [state.op, state.rows, state.width]).toEqual(expected);
    if (state) expect(state.bytes).toBe(state.rows * state.width);
  });
  it('is held by the source where it computes the stage itself', () => {
    const stages: Stage[] = [{ op: 'group', by: ['day'], measures: [count] }, { ...join('left', ['name']), on: [{ left: 'n', right: 'key', nullSafe: false }] } as Stage];
    expect(heldStateOf([stages[0]!], { source, others: [], after: 1 })).toBeNull();
    expect(heldStateOf(stages, { source, others: [other], after: 1 })).toMatchObject({ op: 'join', rows: 50_000 + 31 });
  });
  it('is that of the largest stage', () => { expect(held([{ op: 'first', keys: ['id'], order }, { op: 'group', by: ['day'], measures: [count] }])?.op).toBe('first'); });
  it('of nothing is nothing', () => { expect(heldStateOf([{ op: 'first', keys: ['id'], order }], { source: { ...source, rows: 0, bytes: 0 }, others: [] })).toMatchObject({ rows: 0, bytes: 0 }); });
});

describe('the engine of the steps', () => {
  const state = { op: 'join', rows: 10_000_000, width: 100, bytes: 1_000_000_000 } as const;
  const choose = (more: Partial<Choosing>) => { const { engine, code, text } = chooseEngine({ asked: undefined, beside: 'duckdb', state, means: { memoryBytes: 600_000_000, spark: 'configured' }, problem: null, ...more }); return [engine, code, text]; };
  const figures = 'The join may have to hold 10,000,000 rows of 100 bytes at once, 1,000 MB; ';
  it.each<[string, Partial<Choosing>, unknown[]]>([
    ['Spark, where what is held outgrows the memory', {}, ['spark', 'outgrown', `${figures}the engine of a worker keeps 600 MB in memory and would spill the other 400 MB to its disk.`]],
    ['DuckDB, where it fits to the byte', { state: { ...state, bytes: 600_000_000 } }, ['duckdb', 'fits', expect.stringContaining('keeps 600 MB in memory.')]], ['Spark with a byte more', { state: { ...state, bytes: 600_000_001 } }, ['spark', 'outgrown', expect.any(String)]],
    ['DuckDB, which spills, where there is no Spark', { means: { memoryBytes: 600_000_000, spark: 'none' } }, ['duckdb', 'spills', `No Spark is configured. ${figures}the engine of a worker keeps 600 MB in memory and spills the other 400 MB to its disk.`]],
    ['DuckDB, where Spark cannot', { problem: 'ln is not available on spark' }, ['duckdb', 'spills', expect.stringMatching(/spills the other 400 MB to its disk\. Spark would hold it, but ln is not available on spark\.$/)]],
    ['DuckDB, where nothing is held', { state: null }, ['duckdb', 'single-rows', expect.any(String)]], ['PostgreSQL keeps what lies there', { beside: 'postgres' }, ['postgres', 'at-the-source', expect.stringContaining('10,000,000 rows of 100 bytes')]],
    ['the one that is asked for', { asked: 'duckdb' }, ['duckdb', 'asked', expect.stringContaining('1,000 MB.')]], ['Spark, asked for, whatever fits', { asked: 'spark', state: null }, ['spark', 'asked', expect.any(String)]],
  ])('%s', (_, more, expected) => { expect(choose(more)).toEqual(expected); });
});
