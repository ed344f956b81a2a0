import { describe, expect, it } from '@jest/globals';
import { Column, type DriftKind } from '@agent-etl/contracts';
import { driftBetween, driftIssues, driftSentence, holds } from './drift-between.ts';

const column = (name: string, native: string, type: Column['type'], nullable: 'may be NULL' | 'never NULL' = 'may be NULL'): Column => Column.parse({ name, native, type, nullable: nullable === 'may be NULL' });
const int = (name: string): Column => column(name, 'integer', { kind: 'i32' });
const text = (name: string, native = 'text'): Column => column(name, native, { kind: 'text' });
const dec = (precision: number, scale: number): Column => column('d', `numeric(${precision},${scale})`, { kind: 'dec', precision, scale });

describe('what became of a shape', () => {
  it.each<[DriftKind, Column[], Column[]]>([
    ['added', [int('a')], [int('a'), text('b')]], ['required', [int('a')], [int('a'), column('b', 'text', { kind: 'text' }, 'never NULL')]], ['gone', [int('a'), text('b')], [int('a')]],
    ['renamed', [int('a'), text('b')], [int('a'), text('c')]], ['wider', [int('a')], [column('a', 'bigint', { kind: 'i64' })]], ['wider', [text('a', 'character varying(10)')], [text('a', 'character varying(20)')]],
    ['wider', [text('a', 'character varying(10)')], [text('a')]], ['wider', [dec(10, 2)], [dec(12, 2)]], ['narrower', [column('a', 'bigint', { kind: 'i64' })], [int('a')]], ['narrower', [text('a')], [text('a', 'character varying(5)')]],
    ['narrower', [dec(10, 4)], [dec(8, 2)]], ['retyped', [dec(10, 2)], [dec(10, 4)]], ['retyped', [int('a')], [text('a')]], ['nullable', [column('a', 'text', { kind: 'text' }, 'never NULL')], [text('a')]], ['filled', [text('a')], [column('a', 'text', { kind: 'text' }, 'never NULL')]],
  ])('is %s', (is, before, now) => { expect(driftBetween(before, now).map((one) => one.is)).toEqual([is]); });
  it('is nothing for equal columns, in whatever order', () => { expect(driftBetween([int('a'), text('b')], [text('b'), int('a')])).toEqual([]); });
  it('calls nothing renamed where several could be', () => {
    expect(driftBetween([int('a'), int('b')], [int('c')]).map(({ is }) => is)).toEqual(['gone', 'gone', 'added']);
    expect(driftBetween([int('a')], [int('b'), int('c')]).map(({ is }) => is)).toEqual(['gone', 'added', 'added']);
  });
  it('is told in a sentence and in one issue for each column', () => {
    const drift = driftBetween([int('a'), text('b')], [column('a', 'bigint', { kind: 'i64' }), dec(10, 2)]);
    expect(driftSentence(drift)).toBe('column b is gone (it was text), column a was integer and is bigint, column d came (numeric(10,2), may be NULL)');
    expect(driftIssues(drift).map(({ code, path }) => [code, path])).toEqual([['drift.gone', '/columns/b'], ['drift.wider', '/columns/a'], ['drift.added', '/columns/d']]);
    expect(driftSentence(driftBetween([], Array.from({ length: 9 }, (_, index) => int(`c${index}`))))).toMatch(/, and 4 more$/);
  });
  it('counts letters: a longer text fits into no shorter one', () => {
    expect([holds(text('a', 'character varying(10)'), text('a', 'character varying(10)')), holds(text('a'), text('a', 'character varying(10)')), holds(text('a', 'varchar(9)'), text('a', 'character varying(10)'))]).toEqual([true, false, true]);
  });
});
