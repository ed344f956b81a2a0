import { describe, expect, it } from '@jest/globals';
import type { ValueTransformer } from 'typeorm';
import { z } from 'zod';
import { EtlError } from '@agent-etl/contracts';
import { asUnavailable, databaseCode, isAway } from './database-errors.ts';
import { jsonColumn } from './json-column.ts';

const Note = z.object({ text: z.string() });
describe('a jsonb column', () => {
  const { to, from } = jsonColumn(Note).transformer as ValueTransformer;
  it('parses what is written and what is read', () => {
    expect(to({ text: 'a', more: 1 })).toEqual({ text: 'a' });
    expect(from({ text: 'a' })).toEqual({ text: 'a' });
    expect(to(undefined)).toBeUndefined();
  });
  it('notices a value that breaks its schema, either way', () => {
    for (const parse of [to, from]) expect(() => parse({ text: 1 }) as unknown).toThrow(EtlError);
    expect(() => from(null) as unknown).toThrow(EtlError);
  });
  it('takes NULL exactly when its schema takes null', () => {
    expect(jsonColumn(Note)).toMatchObject({ type: 'jsonb', nullable: false });
    expect(jsonColumn(Note.nullable(), 'the_note')).toMatchObject({ nullable: true, name: 'the_note' });
    expect((jsonColumn(Note.nullable()).transformer as ValueTransformer).from(null)).toBeNull();
  });
});

describe('an error of the database', () => {
  const failed = (code: string) => Object.assign(new Error('query failed'), { driverError: { code } });
  it.each([['08006'], ['57P01'], ['57P03'], ['53300'], ['ECONNREFUSED'], ['ECONNRESET']])('%s means that it is away', (code) => {
    expect(isAway(failed(code))).toBe(true);
    expect(asUnavailable(failed(code))).toMatchObject({ code: 'platform.unavailable' });
  });
  it.each([['Connection terminated unexpectedly'], ['timeout exceeded when trying to connect'], ['Client has encountered a connection error and is not queryable']])('so does "%s"', (text) => { expect(isAway(new Error(text))).toBe(true); });
  it('knows a host with several addresses that are all away', () => { expect(isAway(new AggregateError([failed('ECONNREFUSED'), failed('ECONNREFUSED')]))).toBe(true); });
  it.each([['23505'], ['40001'], ['42501'], ['28P01']])('%s is about the statement or the login: it stays as it came', (code) => {
    const error = failed(code);
    expect(asUnavailable(error)).toBe(error);
    expect(databaseCode(error)).toBe(code);
  });
  it('has no code when it is no error of the database', () => { for (const other of [null, undefined, 'x', new Error('y')]) expect(databaseCode(other)).toBeNull(); });
});
