import { describe, expect, it } from '@jest/globals';
import { endpoints } from './endpoints.ts';
import { EtlError, parseOrThrow } from './failure.ts';
import { didYouMean, nearestNames } from './nearest-names.ts';
import { PipelineRequest } from './pipeline.ts';
import { Project } from './project.ts';
import type { z } from 'zod';

const from = { connection: 'shop', dataset: 'public.orders' };
const to = { connection: 'warehouse', dataset: 'mart.orders' };
const said = (schema: z.ZodType, value: unknown): string[] => {
  try { parseOrThrow(schema, value); } catch (error) { if (error instanceof EtlError) return error.issues.map(({ path, text }) => `${path} ${text}`); throw error; }
  throw new Error('was accepted');
};
const asked = (pipeline: object): string[] => said(PipelineRequest, { pipeline });

describe('what a schema does not like', () => {
  it.each<[string, string[], string[]]>([
    ['a missing part', asked({ name: 'a', from }), ['/pipeline/to is missing']],
    ['a misspelled key, before what is missing because of it', asked({ name: 'a', form: from, to }), ['/pipeline unknown key form: did you mean from?', '/pipeline/from is missing']],
    ['a wrong word', asked({ name: 'a', from, to: { ...to, load: 'apend' } }), ['/pipeline/to/load must be append, replace, upsert, merge or scd2: did you mean append?']],
    ['another kind of value', asked({ name: 'a', from: 'shop', to }), ['/pipeline/from must be an object, not a text']],
    ['a name', asked({ name: 'Orders', from, to }), ['/pipeline/name must begin with a-z and go on with a-z 0-9 _, at most 48 characters']],
    ['NUL and half of a surrogate pair', asked({ name: 'a', owner: 'x\ud800', from: { ...from, dataset: 'a.\0b' }, to }), ['/pipeline/owner holds NUL or half of a surrogate pair', '/pipeline/from/dataset holds NUL or half of a surrogate pair']],
    ['a name of a known pipeline', asked({ name: 'Bad Name' }), ['/pipeline/name must begin with a-z and go on with a-z 0-9 _, at most 48 characters']],
    ['no object at all', said(PipelineRequest, undefined), ['/ is missing']],
    ['a text that is too long', said(PipelineRequest, { requestId: 'x'.repeat(129) }), ['/requestId must have at most 128 characters']],
    ['a number that is none', said(endpoints.listRuns.query, { limit: 'abc' }), ['/limit must be a number']],
    ['a number that is too large', said(endpoints.listRuns.query, { limit: 501 }), ['/limit must be at most 500']],
    ['an id', said(endpoints.getRun.params, { runId: 'abc' }), ['/runId must be a UUID']],
    ['a connector', said(Project, { version: 1, connections: { a: { connector: 'postgress' } } }), ['/connections/a/connector must be postgres, file, sqlite or mysql: did you mean postgres?']],
    ['a connection name', said(Project, { version: 1, connections: { Shop: { connector: 'file', root: '.' } } }), ['/connections/Shop must begin with a-z and go on with a-z 0-9 _, at most 48 characters']],
    ['a version', said(Project, { version: 2 }), ['/version must be 1']],
  ])('is said in words: %s', (_, issues, expected) => { expect(issues).toEqual(expected); });
  it('never repeats a value: it may be a secret', () => {
    const typed = said(Project, { version: 1, connections: { a: { connector: 'postgres', password: 'canary-4711', url: 'postgres://u:canary-4711@h/d', port: 'canary-4711', tls: 'canary-4711' } } });
    expect([typed.length, typed.join().includes('canary')]).toEqual([4, false]);
  });
  it('makes one sentence with one stop', () => {
    expect(() => parseOrThrow(PipelineRequest, { pipelin: 1 })).toThrow(/^\/: unknown key pipelin: did you mean pipeline\?$/);
  });
});
it.each([['ordres', ['orders']], ['custmer', ['customer']], ['zzz', []], ['order.csv', ['orders.csv']]])('finds for %s', (name, found) => { expect(nearestNames(name, ['orders', 'customer', 'payments', 'orders.csv'])).toEqual(found); });
it('asks whether a known name was meant', () => { expect([didYouMean('ordes.csv', ['orders.csv', 'order.csv', 'customers.parquet']), didYouMean('x', [])]).toEqual(['did you mean order.csv or orders.csv?', null]); });
