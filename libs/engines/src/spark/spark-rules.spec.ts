import { describe, expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import { sparkAddress } from './address-rules.ts';
import { differingPins, sparkPins } from './pins-rules.ts';
import { OPENING, type SparkFault, sparkFailure } from './spark-failure-rules.ts';

describe('the address of a Spark', () => {
  it.each([['sc://spark.internal', 'spark.internal', 15_002, 'off'], ['sc://10.0.0.1:443/;use_ssl=true', '10.0.0.1', 443, 'on'], ['sc://[::1]:15002', '[::1]', 15_002, 'off']] as const)('%s', (url, host, port, tls) => { expect(sparkAddress(url)).toEqual({ host, port, tls }); });
  it.each(['http://spark', 'spark:15002', 'sc://', 'sc://a b:1', 'sc://host:99999', 'sc://host:0', 'sc://user:pw@host'])('refuses %s', (url) => { expect(() => sparkAddress(url)).toThrow(EtlError); });
  it('takes no token: it would be stored and printed with the address', () => {
    expect(() => sparkAddress('sc://host:15002/;token=geheim')).toThrow(/ETL_ENGINES_SPARK_TOKEN/);
    try { sparkAddress('sc://host:15002/;token=geheim'); } catch (error) { expect(String(error)).not.toContain('geheim'); }
  });
});
describe('a failure of Spark', () => {
  const fault = (more: Partial<SparkFault>): SparkFault => ({ grpcCode: 13, errorClass: null, sqlState: null, address: 'spark:15002', phase: 'the steps', ...more });
  it.each<[string, Partial<SparkFault>, string]>([
    ['nobody there', { grpcCode: 14, phase: OPENING }, 'connection.unreachable'], ['no answer', { grpcCode: 4, phase: OPENING }, 'connection.unreachable'], ['broken off', { grpcCode: 14 }, 'connection.interrupted'],
    ['a wrong token', { grpcCode: 16, phase: OPENING }, 'connection.auth-failed'], ['another server', { errorClass: 'INVALID_HANDLE.SESSION_CHANGED', sqlState: 'HY000' }, 'connection.interrupted'],
    ['an operation that is gone', { errorClass: 'INVALID_HANDLE.OPERATION_NOT_FOUND' }, 'connection.interrupted'], ['answers that go elsewhere', { errorClass: 'INVALID_CURSOR.DISCONNECTED', sqlState: 'HY109' }, 'connection.interrupted'], ['cancelled there', { errorClass: 'OPERATION_CANCELED', sqlState: 'HY008' }, 'query.timeout'],
    ['division by zero', { errorClass: 'DIVIDE_BY_ZERO', sqlState: '22012' }, 'data.value-out-of-range'], ['a bad cast', { errorClass: 'CAST_INVALID_INPUT', sqlState: '22018', targetType: 'int' }, 'data.value-out-of-range'],
    ['memory', { errorClass: 'UNABLE_TO_ACQUIRE_MEMORY', sqlState: '53200' }, 'query.memory-exceeded'], ['our own mistake', { errorClass: 'UNRESOLVED_COLUMN.WITH_SUGGESTION', sqlState: '42703' }, 'platform.internal'], ['no class', {}, 'platform.internal'],
  ])('%s', (_, more, code) => { expect(sparkFailure(fault(more)).code).toBe(code); });
});
it('names the pins that a session does not keep', () => {
  const kept = new Map(Object.entries(sparkPins));
  expect(differingPins(kept)).toEqual([]);
  expect(differingPins(new Map([...kept, ['spark.sql.ansi.enabled', 'false']]))).toEqual(['spark.sql.ansi.enabled']);
  expect(differingPins(new Map())).toHaveLength(Object.keys(sparkPins).length);
});
