import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from './canonical-json.ts';
import { addDigests, digestText } from './dataset.ts';
import { EtlError, issuesOf, parseOrThrow, toFailure } from './failure.ts';
import type { z } from 'zod';
import { ConnectionView, endpoints } from './endpoints.ts';
import { Connection, ConnectionSpec, Pipeline, PipelineRequest } from './pipeline.ts';
import { Project } from './project.ts';

const pipeline = { name: 'orders', from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'warehouse', dataset: 'mart.orders' } };

describe('canonical JSON', () => {
  it.each([
    [{ b: 1, a: [true, null, 'é\n'], '10': 0, '9': 1 }, '{"10":0,"9":1,"a":[true,null,"é\\n"],"b":1}'],
    [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
    [1e21, '1e+21'], [-0, '0'], ['\u2028', '"\u2028"'],
  ])('writes %j with sorted keys and no spaces', (value, text) => { expect(canonicalJson(value)).toBe(text); });
  it.each([NaN, Infinity, 1n, () => 1])('refuses %p, which JSON cannot say', (value) => { expect(() => canonicalJson({ value })).toThrow(TypeError); });
});

describe('an EtlError', () => {
  it('fills the sentence from its details and keeps the cause out of the failure', () => {
    const failure = toFailure(new EtlError('connection.unreachable', { connection: 'shop', address: 'db:5432' }, { cause: new Error('password=hunter2') }), 't1');
    expect(failure).toEqual({ code: 'connection.unreachable', text: 'shop does not answer at db:5432.', next: 'check host and port, then: agent-etl connections test shop', traceId: 't1' });
  });
  it('says nothing of a foreign error but the trace', () => {
    expect(toFailure(new EtlError('platform.internal', { traceId: 'none' }), 't2').text).toBe('Unexpected; quote trace t2.');
    expect(toFailure(new Error('SELECT secret'), 't2')).toEqual({ code: 'platform.internal', text: 'Unexpected; quote trace t2.', next: null, traceId: 't2' });
  });
});

describe('a pipeline request', () => {
  it('takes a pipeline, a name, or neither', () => {
    expect(PipelineRequest.safeParse({ requestId: 'x', pipeline }).success).toBe(true);
    expect(PipelineRequest.safeParse({ pipeline: { name: 'orders' }, run: 'now' }).success).toBe(true);
  });
  it.each([
    ['/from/dataset', { ...pipeline, from: { connection: 'shop', dataset: 'a\0b' } }],
    ['/from/dataset', { ...pipeline, from: { connection: 'shop', dataset: 'a\ud800' } }],
    ['/name', { ...pipeline, name: 'Orders' }],
    ['/', { ...pipeline, shedule: 'daily' }],
  ])('names %s when it is wrong', (path, broken) => {
    const failed = (() => { try { parseOrThrow(Pipeline, broken); return null; } catch (error) { return error as EtlError; } })();
    expect(failed?.issues.map((issue) => issue.path)).toContain(path);
  });
  it('refuses a password that is written where a reference belongs', () => {
    expect(Connection.safeParse({ name: 'shop', connector: 'postgres', host: 'db', password: 'hunter2' }).success).toBe(false);
  });
  it.each(['secret://a/../b', 'secret://a/..', 'secret://a..b#c', 'secret://a#..'])('refuses the reference %s, which climbs, with its place where it is written, and reads what is stored', (reference) => {
    const spec = { connector: 'postgres', host: 'db', password: reference };
    const steps = [{ tokenize: { column: 'a', keyRef: reference } }, { mask: { column: 'a', method: 'hmac', keyRef: reference } }];
    const said = (schema: z.ZodType, value: unknown): string[] => issuesOf(schema.safeParse(value).error!).map(({ path, text }) => `${path} ${text}`);
    const climbs = 'may not hold "..": a reference names its secret, and climbs to no other';
    expect([
      ...said(endpoints.putConnection.body, spec), ...said(Project, { version: 1, connections: { shop: spec }, policy: { masking: { keys: [reference] } } }), ...said(PipelineRequest, { pipeline: { ...pipeline, steps } }),
    ]).toEqual(['/password', '/connections/shop/password', '/policy/masking/keys/0', '/pipeline/steps/0/tokenize/keyRef', '/pipeline/steps/1/mask/keyRef'].map((path) => `${path} ${climbs}`));
    expect([ConnectionSpec.parse(spec), Connection.parse({ name: 'shop', ...spec }), ConnectionView.parse({ name: 'shop', connector: 'postgres', spec }).spec]).toEqual([spec, { name: 'shop', ...spec }, spec]);
    expect(Pipeline.parse({ ...pipeline, steps }).steps).toEqual(steps);
  });
});

describe('a digest', () => {
  it('of parts adds up to the digest of the whole, beyond 2^53', () => {
    const big = String(2n ** 63n);
    const sum = addDigests('pg-frame', [{ kind: 'pg-frame', rows: 2, a: big, b: '1' }, { kind: 'pg-frame', rows: 3, a: big, b: '2' }]);
    expect(digestText(sum)).toBe(`pg-frame:5:${2n ** 64n}:3`);
  });
});
