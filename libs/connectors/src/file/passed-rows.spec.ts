import { describe, expect, it } from '@jest/globals';
import type { Transform } from '@agent-etl/contracts';
import { passedRows } from './passed-rows-rules.ts';

type Op = readonly [type: string, rows: number];
/** A plan as the engine says it, from its top down. */
const said = (...operators: readonly Op[]): string => {
  const [first, ...rest] = operators;
  const below = (ops: readonly Op[]): unknown[] => (ops[0] ? [{ operator_type: ops[0][0], operator_cardinality: ops[0][1], children: below(ops.slice(1)) }] : []);
  return JSON.stringify({ children: below([['EXPLAIN_ANALYZE', 0], ['COPY_TO_FILE', 1], first!, ...rest]) });
};
const rows = (where: unknown): Transform['stages'][number] => ({ op: 'rows', columns: [{ name: 'a', expr: { k: 'col', name: 'a' } }], where } as Transform['stages'][number]);
const group = { op: 'group', by: ['a'], measures: [{ as: 'n', fn: 'count', arg: null, where: null }] } as Transform['stages'][number];

describe('rows that a COPY passed', () => {
  it('are those of its operators', () => {
    expect(passedRows(said(['PROJECTION', 3], ['FILTER', 3], ['TABLE_SCAN', 10]), [rows({})])).toEqual({ written: 3, reached: { seen: 10, kept: 3 } });
    expect(passedRows(said(['HASH_GROUP_BY', 2], ['PROJECTION', 3], ['FILTER', 3], ['TABLE_SCAN', 10]), [rows({}), group])).toEqual({ written: 2, reached: { seen: 10, kept: 3 } });
    expect(passedRows(said(['TOP_N', 1], ['WINDOW', 2], ['FILTER', 5], ['TABLE_SCAN', 9]), [rows({}), group])).toEqual({ written: 1, reached: { seen: 9, kept: 5 } });
  });
  it.each<[string, string, Transform['stages']]>([
    ['an operator may stop early', said(['STREAMING_LIMIT', 2], ['TABLE_SCAN', 2]), [rows(null)]], ['one makes several rows of one', said(['UNNEST', 20], ['TABLE_SCAN', 2]), [rows({})]], ['nothing is read', said(['EMPTY_RESULT', 0]), [rows({})]],
    ['a filter stands behind a group', said(['HASH_GROUP_BY', 2], ['FILTER', 2], ['TABLE_SCAN', 9]), [group, rows({})]],
  ])('are said, and not those on the way, where %s', (_, plan, stages) => { expect(passedRows(plan, stages)).toMatchObject({ reached: null }); });
  it('are none of another statement', () => { expect(() => passedRows(JSON.stringify({ operator_type: 'TABLE_SCAN', operator_cardinality: 1, children: [] }), [])).toThrow('it was none'); });
});
