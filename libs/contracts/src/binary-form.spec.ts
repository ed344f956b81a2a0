import { describe, expect, it } from '@jest/globals';
import { binaryFormOf, isBinary } from './binary-form.ts';

describe('the binary form of a column', () => {
  it.each([
    ['i16', 'bigint', 'bigint'], ['i64', 'bigint', 'bigint'], ['f32', 'double precision', 'double precision'], ['text', 'character varying(20)', 'text'], ['text', 'character(3)', 'text'], ['ts', 'timestamp(3) without time zone', 'timestamp'],
    ['tstz', 'timestamp with time zone', 'timestamptz'], ['time', 'time without time zone', 'time'], ['json', 'jsonb', 'jsonb'], ['bytes', 'bytea', 'bytea'],
  ] as const)('of %s for %s is %s', (kind, targetNative, form) => { expect(binaryFormOf({ type: { kind }, targetNative })).toBe(form); });

  it.each([
    ['i64', 'integer'], ['text', 'integer'], ['text', 'text[]'], ['text', 'citext'], ['text', 'json'], ['f64', 'real'], ['ts', 'timestamp with time zone'], ['date', 'timestamp without time zone'], ['other', 'text'], ['i32', 'numeric'],
  ] as const)('of %s is none for %s: the server has to convert it', (kind, targetNative) => { expect(binaryFormOf({ type: { kind }, targetNative })).toBeNull(); });

  it.each([
    [15, 2, 'numeric', 'numeric'], [15, 2, 'numeric(15,2)', 'numeric'], [15, 2, 'numeric(18,4)', 'numeric'], [15, 2, 'numeric(16,4)', null], [15, 2, 'numeric(15,1)', null], [15, 2, 'numeric(15)', null], [4, 4, 'numeric(4,4)', 'numeric'],
    [38, 10, 'numeric(38,10)', 'numeric'], [39, 0, 'numeric', null], [15, -2, 'numeric', null], [undefined, undefined, 'numeric', null],
  ] as const)('of a decimal of %s and %s digits for %s is %s', (precision, scale, targetNative, form) => {
    expect(binaryFormOf({ type: { kind: 'dec', ...(precision === undefined ? {} : { precision, scale }) }, targetNative })).toBe(form);
  });
  it('is had by a load where each of its columns has one', () => {
    const id = { type: { kind: 'i64' as const }, targetNative: 'bigint' };
    expect([isBinary([id]), isBinary([id, { ...id, targetNative: 'integer' }])]).toEqual([true, false]);
  });
});
